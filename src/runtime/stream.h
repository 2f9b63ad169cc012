// A connected TCP or Unix socket, in clear or under TLS, for coroutines of one loop.
//
// At most one read and one write wait at a time. Every operation tries the system call first and
// waits only when the kernel has nothing; the readiness that epoll reported is remembered, so that
// no call is made only to hear EAGAIN.
#pragma once

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"
#include "runtime/loop.h"
#include "runtime/task.h"

#include <coroutine>
#include <cstdint>
#include <memory>
#include <span>
#include <sys/uio.h>

namespace portcullis::runtime {

class TlsSession;
class TlsServerContext;
class TlsClientContext;
class TlsResumption;

class Stream final : public Pollable {
 public:
  // Takes a connected, non-blocking socket. `peer` is who is at the other end.
  Stream(Loop& loop, int fd, const IpEndpoint& peer);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Connects. Errors: kUpstreamUnreachable, kTimeout, kMachine.
  static Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, const IpEndpoint& to,
                                                       TimePoint deadline);
  // The same to the socket at `path`, an absolute path of at most 107 bytes; its peer is no
  // address.
  static Task<Result<std::unique_ptr<Stream>>> connect_unix(Loop& loop, std::string_view path,
                                                            TimePoint deadline);

  // TLS handshakes. Errors: kClosed (with OpenSSL's reason), kTimeout, kCancelled.
  Task<Result<void>> accept_tls(const TlsServerContext& context, TimePoint deadline);
  // Verifies the certificate against `host`, which is also sent as the server name. With
  // `resumption`, the session that it holds is resumed if the server likes, and the next one kept.
  Task<Result<void>> connect_tls(const TlsClientContext& context, std::string_view host,
                                 TimePoint deadline,
                                 std::shared_ptr<TlsResumption> resumption = nullptr);

 private:
  // What one waiting operation needs; lives in the awaiting coroutine's frame.
  struct Operation {
    explicit Operation(Stream& owner) : stream(owner) {}
    Stream& stream;
    std::coroutine_handle<> waiter;
    Result<std::size_t> result{0};
  };

 public:
  enum class Until : std::uint8_t {
    kBytes,      // some bytes have been read
    kAvailable,  // a read would not wait
    kSocket,     // the socket is readable, whatever TLS makes of it
    kMore,       // the socket holds more bytes than the caller knows of; they stay there
  };

  struct Read : Operation {
    Read(Stream& owner, Until until, std::span<char> buffer, TimePoint at)
        : Operation(owner), what(until), into(buffer), deadline(at) {}
    Until what;
    std::uint32_t known = 0;  // for kMore
    std::span<char> into;
    TimePoint deadline;
    bool await_ready() { return stream.attempt_read(*this); }
    void await_suspend(std::coroutine_handle<> handle) { stream.wait_read(*this, handle); }
    Result<std::size_t> await_resume() { return std::move(result); }
  };

  struct Write : Operation {
    Write(Stream& owner, std::span<iovec> parts, TimePoint at)
        : Operation(owner), left(parts), deadline(at) {}
    std::span<iovec> left;
    TimePoint deadline;
    Buffer joined;  // under TLS: the parts as one record
    std::size_t joined_size = 0;
    std::size_t joined_sent = 0;
    bool await_ready() { return stream.attempt_write(*this); }
    void await_suspend(std::coroutine_handle<> handle) { stream.wait_write(*this, handle); }
    Result<std::size_t> await_resume() { return std::move(result); }
  };

  // Reads what is there, at least a byte; 0 at the end of the stream. Errors: kClosed, kTimeout,
  // kCancelled.
  [[nodiscard]] Read read(std::span<char> into, TimePoint deadline) {
    return {*this, Until::kBytes, into, deadline};
  }

  // Waits until a read would not wait, so that an idle connection holds no buffer. The value says
  // nothing.
  [[nodiscard]] Read wait_available(TimePoint deadline) {
    return {*this, Until::kAvailable, {}, deadline};
  }

  // Before TLS: what is there from the front, without taking it, once that is more than `known`
  // bytes; 0 when the stream ends before. Errors as for read().
  [[nodiscard]] Read peek(std::span<char> into, std::size_t known, TimePoint deadline) {
    Read operation{*this, Until::kMore, into, deadline};
    operation.known = static_cast<std::uint32_t>(known);
    return operation;
  }

  // Writes all of `parts` (which it consumes); the value is the number of bytes. Errors: kClosed,
  // kTimeout, kCancelled.
  [[nodiscard]] Write write(std::span<iovec> parts, TimePoint deadline) {
    return {*this, parts, deadline};
  }

  // Makes a waiting read (write) end with kCancelled.
  void cancel_read() { finish_read(cancelled()); }
  void cancel_write() { finish_write(cancelled()); }
  void cancel() {
    cancel_read();
    cancel_write();
  }

  // Says that nothing more will be written: close_notify under TLS, then FIN.
  void shutdown_write();
  // Makes the close that follows a reset, for a peer that must not take what it got for whole.
  void reset_on_close();
  // From now on a peer that has vanished without a word is found out within two minutes of silence,
  // however long nobody has anything to say.
  void probe_peer();
  // Ends both directions at once: what waits, and every later operation, sees the end.
  void hang_up();

  // Calls `lost(context)` once the connection is gone for good: reset, or closed both ways. A peer
  // that only says that it will send no more is still there. Null to hear no more.
  void when_lost(void (*lost)(void* context), void* context);
  // Calls `stirred(context)` once the peer has sent something or ended, for a connection on which
  // nobody reads: it may destroy the stream. In place of when_lost(). Null to hear no more.
  void when_stirred(void (*stirred)(void* context), void* context);

  // Nothing has arrived, not even an end, since the last read took everything: a pooled connection
  // may be used.
  [[nodiscard]] bool is_quiet();

  [[nodiscard]] const IpEndpoint& peer() const { return peer_; }
  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }
  [[nodiscard]] const TlsSession* tls() const { return tls_.get(); }

 private:
  friend class TlsSession;
  friend struct StreamBio;
  void on_events(std::uint32_t events) override;
  bool attempt_read(Read& operation);
  bool attempt_peek(Read& operation);
  bool attempt_write(Write& operation);
  bool attempt_write_tls(Write& operation);
  void wait_read(Read& operation, std::coroutine_handle<> handle);
  void wait_write(Write& operation, std::coroutine_handle<> handle);
  static Error cancelled();
  void finish_read(Error error);
  void finish_write(Error error);
  Task<Result<void>> handshake(TimePoint deadline);

  struct Writable : Write {
    Writable(Stream& owner, TimePoint at) : Write(owner, {}, at) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
  };

  // Whether the socket holds something, its end included; asks the kernel where nobody can know.
  bool is_readable();
  // The socket itself, as TLS sees it too: bytes, 0 at the end, -1 with errno.
  ssize_t receive(char* into, std::size_t size);
  ssize_t send(const iovec* parts, std::size_t count);

  Loop& loop_;
  int fd_;
  bool readable_ = false;
  bool filled_ = false;  // the last read filled its buffer: nobody has said whether more is there
  bool writable_ = true;
  bool ended_ = false;      // epoll has seen the peer's end: readiness stays until a read says 0
  bool unwatched_ = false;  // the kernel had no room for it: every operation says so
  bool broken_ = false;     // TLS failed: nothing more may be sent, not even a close_notify
  bool at_end_ = false;     // the socket has said 0
  void (*watcher_)(void*) = nullptr;
  void* watcher_context_ = nullptr;
  std::uint32_t watched_ = 0;  // the events that it is called for
  IpEndpoint peer_;
  Read* reading_ = nullptr;
  Write* writing_ = nullptr;
  Timer read_timer_;
  Timer write_timer_;
  std::unique_ptr<TlsSession> tls_;
};

// A listening socket, of this worker alone or one of several on the same address (SO_REUSEPORT).
class Acceptor final : public Pollable {
 public:
  class Handler {
   public:
    // Takes the connected, non-blocking socket.
    virtual void on_connection(int fd, const IpEndpoint& peer) = 0;
    // There was no descriptor, or no memory, for one that waits: it is tried again in a moment.
    virtual void on_exhausted() {}

   protected:
    ~Handler() = default;
  };

  enum class Sharing : std::uint8_t { kAlone, kWithOtherWorkers };

  // Errors: kMachine, with the address and the system's reason.
  static Result<std::unique_ptr<Acceptor>> listen(Loop& loop, const IpEndpoint& address,
                                                  Handler& handler, Sharing sharing);
  // Whether nobody listens there. The kernel would let another process of this user share an
  // address that the workers share, and give it half of the connections.
  static Result<void> check_free(const IpEndpoint& address);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // The address with the port that the kernel chose.
  [[nodiscard]] const IpEndpoint& address() const { return address_; }

  // Accepts until the queue is empty, since closing the socket resets what waits in it; then
  // closes.
  void stop();
  // What is accepted from now on goes to `handler`.
  void hand_to(Handler& handler) { handler_ = &handler; }

 private:
  Acceptor(Loop& loop, int fd, const IpEndpoint& address, Handler& handler);
  enum class Stopped : std::uint8_t { kEmpty, kEnough, kExhausted };
  void on_events(std::uint32_t events) override;
  Stopped accept_some(int most);

  Loop& loop_;
  int fd_;
  IpEndpoint address_;
  Handler* handler_;
  bool paused_ = false;  // out of descriptors or memory: wait a moment rather than spin
  Timer pause_;
};

}  // namespace portcullis::runtime
