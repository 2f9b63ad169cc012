#include "runtime/stream.h"

#include "base/check.h"
#include "runtime/socket_address.h"
#include "runtime/tls.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace portcullis::runtime {
namespace {

Error closed(std::string why) {
  return {ErrorCode::kClosed, ErrorSource::kInternal, std::move(why), {}};
}
Error timed_out() { return {ErrorCode::kTimeout, ErrorSource::kInternal, "deadline passed", {}}; }

constexpr std::size_t kTlsRecord = 16384;  // RFC 8446 5.1
constexpr std::chrono::milliseconds kUnixQueueRetry{5};
constexpr std::chrono::milliseconds kBetweenBatches{1};
constexpr std::chrono::milliseconds kExhaustedPause{10};

}  // namespace

Stream::Stream(Loop& loop, int fd, const IpEndpoint& peer)
    : loop_(loop),
      fd_(fd),
      peer_(peer),
      read_timer_(
          loop.timers(), [](void* self) { static_cast<Stream*>(self)->finish_read(timed_out()); },
          this),
      write_timer_(
          loop.timers(), [](void* self) { static_cast<Stream*>(self)->finish_write(timed_out()); },
          this) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!loop_.add(fd_, *this, EPOLLIN | EPOLLOUT | EPOLLRDHUP, Trigger::kEdge)) {
    unwatched_ = true;
  }
}

Stream::~Stream() {
  PC_CHECK(reading_ == nullptr && writing_ == nullptr);
  if (tls_ != nullptr && !broken_) tls_->say_goodbye();
  tls_.reset();
  loop_.remove(fd_, *this);
  close(fd_);
}

void Stream::on_events(std::uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended_ = true;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    readable_ = true;
    filled_ = false;
  }
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
  if ((events & watched_) != 0) {
    const bool idle = (watched_ & EPOLLIN) != 0;
    watcher_(watcher_context_);
    if (idle) return;  // nobody waits, and the stream may be gone
  }
  // Under TLS a read may wait for the socket to take bytes, and the other way round, so both try on
  // any event.
  if (reading_ != nullptr && (readable_ || tls_ != nullptr)) {
    Read& operation = *reading_;
    if (attempt_read(operation)) {
      reading_ = nullptr;
      read_timer_.disarm();
      loop_.ready(operation.waiter);
    }
  }
  if (writing_ != nullptr && (writable_ || tls_ != nullptr)) {
    Write& operation = *writing_;
    if (attempt_write(operation)) {
      writing_ = nullptr;
      write_timer_.disarm();
      loop_.ready(operation.waiter);
    }
  }
}

ssize_t Stream::receive(char* into, std::size_t size) {
  if (!readable_) {
    errno = EAGAIN;
    return -1;
  }
  ssize_t n = 0;
  do {
    n = ::recv(fd_, into, size, 0);
  } while (n < 0 && errno == EINTR);
  // A short read has emptied the socket: the next byte raises a new edge. Once the peer's end was
  // seen there may be no further edge, so readiness stays.
  filled_ = n >= 0 && static_cast<std::size_t>(n) == size;
  at_end_ = n == 0 && size > 0;
  const bool emptied = n < 0 ? errno == EAGAIN : !filled_ && !ended_;
  if (emptied) readable_ = false;
  return n;
}

bool Stream::is_readable() {
  if (readable_ && filled_) {
    char byte = 0;
    const ssize_t n = ::recv(fd_, &byte, 1, MSG_PEEK);
    if (n < 0 && errno == EAGAIN) readable_ = false;
    filled_ = false;
  }
  return readable_;
}

bool Stream::is_quiet() {
  return !is_readable() && !ended_ && (tls_ == nullptr || !tls_->holds_bytes());
}

ssize_t Stream::send(const iovec* parts, std::size_t count) {
  if (!writable_) {
    errno = EAGAIN;
    return -1;
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = count;
  ssize_t n = 0;
  do {
    n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) writable_ = false;
  return n;
}

void Stream::when_lost(void (*lost)(void*), void* context) {
  watcher_ = lost;
  watcher_context_ = context;
  watched_ = lost != nullptr ? EPOLLHUP | EPOLLERR : 0;
}

void Stream::when_stirred(void (*stirred)(void*), void* context) {
  watcher_ = stirred;
  watcher_context_ = context;
  watched_ = stirred != nullptr ? EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR : 0;
}

bool Stream::attempt_peek(Read& operation) {
  if (!readable_) return false;
  ssize_t n = 0;
  do {
    n = ::recv(fd_, operation.into.data(), operation.into.size(), MSG_PEEK);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno != EAGAIN) {
    operation.result = std::unexpected(closed(std::strerror(errno)));
    return true;
  }
  if (n == 0 || (n > 0 && static_cast<std::size_t>(n) > operation.known)) {
    operation.result = static_cast<std::size_t>(n);
    return true;
  }
  // Nothing new. What comes next raises a new edge, unless the end has been seen already.
  if (ended_) return true;
  readable_ = false;
  return false;
}

bool Stream::attempt_read(Read& operation) {
  if (unwatched_) {
    operation.result = std::unexpected(closed("no room in epoll"));
    return true;
  }
  if (operation.what == Until::kSocket) return readable_;
  if (operation.what == Until::kMore) return attempt_peek(operation);
  if (tls_ != nullptr) {
    return operation.what == Until::kBytes ? tls_->attempt_read(operation.into, operation.result)
                                           : tls_->attempt_peek(operation.result);
  }
  if (operation.what == Until::kAvailable) return is_readable();
  const ssize_t n = receive(operation.into.data(), operation.into.size());
  if (n >= 0) {
    operation.result = static_cast<std::size_t>(n);
    return true;
  }
  if (errno == EAGAIN) return false;
  operation.result = std::unexpected(closed(std::strerror(errno)));
  return true;
}

bool Stream::attempt_write(Write& operation) {
  if (unwatched_) {
    operation.result = std::unexpected(closed("no room in epoll"));
    return true;
  }
  if (tls_ != nullptr) return attempt_write_tls(operation);
  while (!operation.left.empty()) {
    ssize_t n = send(operation.left.data(), operation.left.size());
    if (n < 0) {
      if (errno == EAGAIN) return false;
      operation.result = std::unexpected(closed(std::strerror(errno)));
      return true;
    }
    *operation.result += static_cast<std::size_t>(n);
    while (!operation.left.empty() &&
           static_cast<std::size_t>(n) >= operation.left.front().iov_len) {
      n -= static_cast<ssize_t>(operation.left.front().iov_len);
      operation.left = operation.left.subspan(1);
    }
    if (n > 0) {
      iovec& part = operation.left.front();
      part.iov_base = static_cast<char*>(part.iov_base) + n;
      part.iov_len -= static_cast<std::size_t>(n);
    }
  }
  return true;
}

// One record carries as much as fits, and one system call carries the record.
bool Stream::attempt_write_tls(Write& operation) {
  for (;;) {
    if (operation.joined_sent == operation.joined_size) {
      operation.joined_sent = operation.joined_size = 0;
      while (!operation.left.empty() && operation.joined_size < kTlsRecord) {
        if (!operation.joined) operation.joined = loop_.buffers().borrow(kTlsRecord);
        iovec& part = operation.left.front();
        const std::size_t take = std::min(part.iov_len, kTlsRecord - operation.joined_size);
        std::memcpy(operation.joined.data() + operation.joined_size, part.iov_base, take);
        operation.joined_size += take;
        part.iov_base = static_cast<char*>(part.iov_base) + take;
        part.iov_len -= take;
        if (part.iov_len == 0) operation.left = operation.left.subspan(1);
      }
      if (operation.joined_size == 0) return true;
    }
    Result<std::size_t> sent{0};
    const std::span<const char> rest{operation.joined.data() + operation.joined_sent,
                                     operation.joined_size - operation.joined_sent};
    if (!tls_->attempt_write(rest, sent)) return false;
    if (!sent) {
      operation.result = std::unexpected(std::move(sent).error());
      return true;
    }
    operation.joined_sent += *sent;
    *operation.result += *sent;
  }
}

void Stream::wait_read(Read& operation, std::coroutine_handle<> handle) {
  PC_CHECK(reading_ == nullptr);
  operation.waiter = handle;
  reading_ = &operation;
  read_timer_.arm(operation.deadline);
}

void Stream::wait_write(Write& operation, std::coroutine_handle<> handle) {
  PC_CHECK(writing_ == nullptr);
  operation.waiter = handle;
  writing_ = &operation;
  write_timer_.arm(operation.deadline);
}

void Stream::finish_read(Error error) {
  if (reading_ == nullptr) return;
  Read& operation = *std::exchange(reading_, nullptr);
  operation.result = std::unexpected(std::move(error));
  read_timer_.disarm();
  loop_.ready(operation.waiter);
}

void Stream::finish_write(Error error) {
  if (writing_ == nullptr) return;
  Write& operation = *std::exchange(writing_, nullptr);
  operation.result = std::unexpected(std::move(error));
  write_timer_.disarm();
  loop_.ready(operation.waiter);
}

Error Stream::cancelled() {
  return {ErrorCode::kCancelled, ErrorSource::kInternal, "cancelled", {}};
}

void Stream::shutdown_write() {
  if (tls_ != nullptr && !broken_) tls_->say_goodbye();
  ::shutdown(fd_, SHUT_WR);
}

void Stream::reset_on_close() {
  broken_ = true;
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void Stream::probe_peer() {
  const auto set = [this](int level, int option, int value) {
    setsockopt(fd_, level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 60);  // seconds
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

void Stream::hang_up() {
  reset_on_close();
  ::shutdown(fd_, SHUT_RDWR);
}

Task<Result<std::unique_ptr<Stream>>> Stream::connect(Loop& loop, const IpEndpoint& to,
                                                      TimePoint deadline) {
  SocketAddress address(to);
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(ErrorCode::kMachine, std::string("socket: ") + std::strerror(errno));
  const int started = ::connect(fd, address.get(), address.size());
  const int reason = errno;
  auto stream = std::make_unique<Stream>(loop, fd, to);
  if (started != 0) {
    if (reason != EINPROGRESS) {
      co_return fail(ErrorCode::kUpstreamUnreachable, std::strerror(reason),
                     ErrorSource::kUpstream);
    }
    stream->writable_ = false;
    const Result<std::size_t> connected = co_await Writable(*stream, deadline);
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
      co_return fail(ErrorCode::kUpstreamUnreachable, std::strerror(error), ErrorSource::kUpstream);
    if (!connected) co_return std::unexpected(connected.error());
  }
  co_return stream;
}

Task<Result<std::unique_ptr<Stream>>> Stream::connect_unix(Loop& loop, std::string_view path,
                                                           TimePoint deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  PC_CHECK(path.starts_with('/') && path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  for (;;) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) co_return fail(ErrorCode::kMachine, std::string("socket: ") + std::strerror(errno));
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      co_return std::make_unique<Stream>(loop, fd, IpEndpoint{});
    const int reason = errno;
    close(fd);
    if (reason != EAGAIN) {
      co_return fail(ErrorCode::kUpstreamUnreachable, std::strerror(reason),
                     ErrorSource::kUpstream);
    }
    // The server's queue is full (unix(7)), and nobody says when it has room.
    if (loop.now() >= deadline) co_return std::unexpected(timed_out());
    co_await loop.sleep_until(std::min(deadline, loop.now() + kUnixQueueRetry));
  }
}

Task<Result<void>> Stream::accept_tls(const TlsServerContext& context, TimePoint deadline) {
  tls_ = TlsSession::server(*this, context);
  co_return co_await handshake(deadline);
}

Task<Result<void>> Stream::connect_tls(const TlsClientContext& context, std::string_view host,
                                       TimePoint deadline,
                                       std::shared_ptr<TlsResumption> resumption) {
  tls_ = TlsSession::client(*this, context, host, std::move(resumption));
  co_return co_await handshake(deadline);
}

Task<Result<void>> Stream::handshake(TimePoint deadline) {
  for (;;) {
    Result<void> outcome;
    if (tls_->attempt_handshake(outcome)) {
      if (!outcome) broken_ = true;
      co_return outcome;
    }
    // Either direction: the handshake says which it misses by the readiness that it used up.
    if (!writable_) {
      PC_CO_CHECK(co_await Writable(*this, deadline));
    } else {
      PC_CO_CHECK(co_await Read(*this, Until::kSocket, {}, deadline));
    }
  }
}

Acceptor::Acceptor(Loop& loop, int fd, const IpEndpoint& address, Handler& handler)
    : loop_(loop),
      fd_(fd),
      address_(address),
      handler_(&handler),
      pause_(
          loop.timers(),
          [](void* self) {
            auto& acceptor = *static_cast<Acceptor*>(self);
            acceptor.paused_ = false;
            acceptor.on_events(EPOLLIN);
          },
          this) {}

namespace {

// What the system's word for it leaves open.
std::string_view explain_bind(int reason) {
  switch (reason) {
    case EACCES:
      return " (a port below 1024 needs root or CAP_NET_BIND_SERVICE)";
    case EADDRINUSE:
      return " (another program listens there)";
    case EADDRNOTAVAIL:
      return " (no interface of this machine has that address)";
    default:
      return {};
  }
}

std::unexpected<Error> cannot_listen(const IpEndpoint& address, std::string_view what) {
  const int reason = errno;
  std::string detail = address.to_string();
  detail.append(": ").append(what).append(": ").append(std::strerror(reason));
  detail.append(explain_bind(reason));
  return fail(ErrorCode::kMachine, std::move(detail));
}

// A socket that is bound, or -1 with the reason in errno.
int bind_socket(const SocketAddress& address, Acceptor::Sharing sharing) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (sharing == Acceptor::Sharing::kWithOtherWorkers)
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.family() == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd, address.get(), address.size()) == 0) return fd;
  const int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

}  // namespace

Result<void> Acceptor::check_free(const IpEndpoint& address) {
  const int fd = bind_socket(SocketAddress(address), Sharing::kAlone);
  if (fd < 0) return cannot_listen(address, "bind");
  close(fd);
  return {};
}

Result<std::unique_ptr<Acceptor>> Acceptor::listen(Loop& loop, const IpEndpoint& address,
                                                   Handler& handler, Sharing sharing) {
  const int fd = bind_socket(SocketAddress(address), sharing);
  if (fd < 0) return cannot_listen(address, "bind");
  std::unique_ptr<Acceptor> acceptor(new Acceptor(loop, fd, address, handler));
  if (::listen(fd, 4096) != 0) return cannot_listen(address, "listen");
  acceptor->address_ = SocketAddress::of_socket(fd);
  if (!loop.add(fd, *acceptor, EPOLLIN, Trigger::kEdge)) return cannot_listen(address, "epoll");
  return acceptor;
}

Acceptor::~Acceptor() {
  if (fd_ < 0) return;
  loop_.remove(fd_, *this);
  close(fd_);
}

void Acceptor::on_events(std::uint32_t) {
  if (paused_ || fd_ < 0) return;
  constexpr int kAtOnce = 64;  // so that a flood of connections leaves room for those that stand
  const Stopped stopped = accept_some(kAtOnce);
  if (stopped == Stopped::kEmpty) return;
  paused_ = true;
  pause_.arm(loop_.now() + (stopped == Stopped::kEnough ? kBetweenBatches : kExhaustedPause));
  if (stopped == Stopped::kExhausted) handler_->on_exhausted();
}

Acceptor::Stopped Acceptor::accept_some(int most) {
  for (int i = 0; i < most; ++i) {
    SocketAddress peer;
    const int fd = ::accept4(fd_, peer.get(), peer.size_pointer(), SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      handler_->on_connection(fd, peer.endpoint());
      continue;
    }
    if (errno == EAGAIN) return Stopped::kEmpty;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      return Stopped::kExhausted;
    // What is left concerns the one connection (ECONNABORTED and its like).
  }
  return Stopped::kEnough;
}

void Acceptor::stop() {
  if (fd_ < 0) return;
  accept_some(1 << 16);
  loop_.remove(fd_, *this);
  close(fd_);
  fd_ = -1;
}

}  // namespace portcullis::runtime
