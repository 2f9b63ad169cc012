#include "runtime/resolver.h"

#include "base/check.h"
#include "runtime/loop.h"

#include <ares.h>

#include <algorithm>
#include <coroutine>
#include <cstring>
#include <iterator>
#include <mutex>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unordered_map>

namespace portcullis::runtime {
namespace {

// ares_library_init is not safe to call from two threads at once.
void initialise_library() {
  static std::once_flag once;
  std::call_once(once, [] { PC_CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS); });
}

}  // namespace

struct Resolver::State {
  struct Socket final : Pollable {
    Socket(State& owner, int descriptor) : state(owner), fd(descriptor) {}
    void on_events(std::uint32_t events) override {
      const bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
      // c-ares may close this very socket in the call, and drop this object with it.
      State& owner = state;
      const int descriptor = fd;
      ares_process_fd(owner.channel,
                      failed || (events & EPOLLIN) != 0 ? descriptor : ARES_SOCKET_BAD,
                      failed || (events & EPOLLOUT) != 0 ? descriptor : ARES_SOCKET_BAD);
      owner.gone.clear();
      owner.arm_timer();
    }
    State& state;
    int fd;
  };

  explicit State(Loop& owner)
      : loop(owner),
        timer(owner.timers(), [](void* self) { static_cast<State*>(self)->on_timer(); }, this) {
    initialise_library();
    ares_options options{};
    options.sock_state_cb = &State::on_socket;
    options.sock_state_cb_data = this;
    options.timeout = 2000;
    options.tries = 3;
    char lookups[] = "fb";  // the hosts file, then DNS
    options.lookups = lookups;
    PC_CHECK(ares_init_options(&channel, &options,
                               ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                   ARES_OPT_LOOKUPS) == ARES_SUCCESS);
  }
  ~State() { ares_destroy(channel); }

  static void on_socket(void* self, ares_socket_t fd, int readable, int writable) {
    auto& state = *static_cast<State*>(self);
    if (const auto found = state.sockets.find(fd); found != state.sockets.end()) {
      state.loop.remove(fd, *found->second);
      state.gone.push_back(std::move(found->second));
      state.sockets.erase(found);
    }
    if (readable == 0 && writable == 0) return;
    auto socket = std::make_unique<Socket>(state, fd);
    const std::uint32_t events = (readable != 0 ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                                 (writable != 0 ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
    // Without a place in epoll the query ends by its timeout.
    if (state.loop.add(fd, *socket, events, Trigger::kLevel))
      state.sockets.emplace(fd, std::move(socket));
  }

  void on_timer() {
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    gone.clear();
    arm_timer();
  }

  void arm_timer() {
    timeval wait{};
    if (ares_timeout(channel, nullptr, &wait) == nullptr) {
      timer.disarm();
      return;
    }
    timer.arm(loop.now() + std::chrono::seconds(wait.tv_sec) +
              std::chrono::microseconds(wait.tv_usec));
  }

  Loop& loop;
  Timer timer;
  ares_channel channel = nullptr;
  std::unordered_map<int, std::unique_ptr<Socket>> sockets;
  std::vector<std::unique_ptr<Socket>> gone;  // closed by c-ares inside a call of their own
};

namespace {

struct Query {
  ares_channel channel;
  Loop& loop;
  const std::string& name;
  std::coroutine_handle<> waiter;
  int status = ARES_SUCCESS;
  std::vector<IpAddress> addresses;
  bool done = false;

  static void on_answer(void* self, int status, int, ares_addrinfo* answer) {
    auto& query = *static_cast<Query*>(self);
    query.status = status;
    query.done = true;
    for (const ares_addrinfo_node* node = answer != nullptr ? answer->nodes : nullptr;
         node != nullptr; node = node->ai_next) {
      if (node->ai_family == AF_INET) {
        query.addresses.push_back(IpAddress::v4(
            ntohl(reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr.s_addr)));
      } else if (node->ai_family == AF_INET6) {
        IpAddress six;
        std::memcpy(six.bytes.data(),
                    &reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr, 16);
        query.addresses.push_back(six);
      }
    }
    if (answer != nullptr) ares_freeaddrinfo(answer);
    if (query.waiter) query.loop.ready(query.waiter);
  }

  void start() {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel, name.c_str(), nullptr, &hints, &Query::on_answer, this);
  }
  [[nodiscard]] bool await_ready() const noexcept { return done; }
  void await_suspend(std::coroutine_handle<> handle) { waiter = handle; }
  void await_resume() const noexcept {}
};

}  // namespace

Resolver::Resolver(Loop& loop) : state_(std::make_unique<State>(loop)) {}
Resolver::~Resolver() = default;

Task<Result<std::vector<IpAddress>>> Resolver::resolve(std::string name) {
  if (const auto literal = IpAddress::parse(name)) co_return std::vector{*literal};
  Query query{state_->channel, state_->loop, name, nullptr, ARES_SUCCESS, {}, false};
  query.start();
  state_->arm_timer();
  co_await query;
  if (query.addresses.empty()) {
    co_return fail(ErrorCode::kUpstreamUnreachable,
                   "name `" + name + "`: " + ares_strerror(query.status), ErrorSource::kUpstream);
  }
  std::vector<IpAddress> ordered;
  for (const bool four : {true, false}) {
    std::ranges::copy_if(query.addresses, std::back_inserter(ordered),
                         [&](const IpAddress& address) { return address.is_v4() == four; });
  }
  co_return ordered;
}

}  // namespace portcullis::runtime
