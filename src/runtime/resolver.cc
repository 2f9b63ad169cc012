#include "runtime/resolver.h"

#include "base/check.h"
#include "runtime/loop.h"

#include <ares.h>

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <cstring>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <sys/epoll.h>
#include <unordered_map>
#include <utility>

namespace portcullis::runtime {
namespace {

// How long an answer is good, whatever its TTL says; and the pause after a failure.
constexpr std::chrono::seconds kShortestTime{1};
constexpr std::chrono::seconds kLongestTime{300};
constexpr std::size_t kMostAddresses = 64;
// Names come from configurations; those of former ones are forgotten when there are many.
constexpr std::size_t kManyNames = 1024;
constexpr std::chrono::hours kForgetAfter{1};

// ares_library_init is not safe to call from two threads at once.
void initialise_library() {
  static std::once_flag once;
  std::call_once(once, [] { PC_CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS); });
}

// What is known of a name, and who waits to know.
struct Entry {
  struct Waiter;
  Resolver::Addresses addresses;  // of the last answer that had any
  TimePoint ask_at{};             // not before
  TimePoint used{};
  std::string failure;  // of the last answer, when it had none
  bool asking = false;
  std::vector<Waiter*> waiters;
};

struct Entry::Waiter {
  Waiter(Loop& owner, Entry& waits_for, TimePoint by)
      : loop(owner),
        entry(waits_for),
        deadline(by),
        timer(owner.timers(), [](void* self) { static_cast<Waiter*>(self)->give_up(); }, this) {}
  void wake() {
    timer.disarm();
    loop.ready(handle);
  }
  void give_up() {
    std::erase(entry.waiters, this);
    late = true;
    loop.ready(handle);
  }
  [[nodiscard]] bool await_ready() const noexcept { return !entry.asking; }
  void await_suspend(std::coroutine_handle<> waiter) {
    handle = waiter;
    entry.waiters.push_back(this);
    timer.arm(deadline);
  }
  [[nodiscard]] bool await_resume() const noexcept { return !late; }

  Loop& loop;
  Entry& entry;
  TimePoint deadline;
  Timer timer;
  std::coroutine_handle<> handle;
  bool late = false;
};

// IPv4 first, no more than kMostAddresses; and for how long they are good.
struct Answer {
  std::vector<IpAddress> addresses;
  std::chrono::seconds ttl = kLongestTime;

  explicit Answer(const ares_addrinfo& answer) {
    for (const int family : {AF_INET, AF_INET6}) {
      for (const ares_addrinfo_node* node = answer.nodes; node != nullptr; node = node->ai_next) {
        if (node->ai_family != family || addresses.size() >= kMostAddresses) continue;
        addresses.push_back(address_of(*node));
        shorten(node->ai_ttl);
      }
    }
    for (const ares_addrinfo_cname* alias = answer.cnames; alias != nullptr; alias = alias->next)
      shorten(alias->ttl);
  }

 private:
  static IpAddress address_of(const ares_addrinfo_node& node) {
    if (node.ai_family == AF_INET) {
      sockaddr_in four{};
      std::memcpy(&four, node.ai_addr, sizeof four);
      return IpAddress::v4(ntohl(four.sin_addr.s_addr));
    }
    sockaddr_in6 six{};
    std::memcpy(&six, node.ai_addr, sizeof six);
    IpAddress address;
    std::memcpy(address.bytes.data(), &six.sin6_addr, address.bytes.size());
    return address;
  }
  void shorten(int seconds) { ttl = std::clamp(std::chrono::seconds(seconds), kShortestTime, ttl); }
};

bool same_addresses(std::vector<IpAddress> a, std::vector<IpAddress> b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  return a == b;
}

}  // namespace

struct Resolver::State {
  struct Socket final : Pollable {
    Socket(State& owner, ares_channel of, int descriptor)
        : state(owner), channel(of), fd(descriptor) {}
    void on_events(std::uint32_t events) override {
      const bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
      // c-ares may close this very socket in the call, and drop this object with it.
      State& owner = state;
      const int descriptor = fd;
      ares_process_fd(channel, failed || (events & EPOLLIN) != 0 ? descriptor : ARES_SOCKET_BAD,
                      failed || (events & EPOLLOUT) != 0 ? descriptor : ARES_SOCKET_BAD);
      owner.gone.clear();
      owner.arm_timer();
    }
    State& state;
    ares_channel channel;
    int fd;
  };

  // One question under way; c-ares owns it until it calls back.
  struct Query {
    State& state;
    std::string name;
    static void on_answer(void* self, int status, int, ares_addrinfo* answer) {
      const std::unique_ptr<Query> query(static_cast<Query*>(self));
      query->state.on_answer(query->name, status, answer);
      if (answer != nullptr) ares_freeaddrinfo(answer);
    }
  };

  State(Loop& owner, std::vector<IpEndpoint> asked)
      : loop(owner),
        servers(std::move(asked)),
        timer(
            owner.timers(), [](void* self) { static_cast<State*>(self)->on_timer(); }, this),
        channel(open_channel()) {}
  ~State() {
    closing = true;
    ares_destroy(channel);
  }

  ares_channel open_channel() {
    initialise_library();
    ares_options options{};
    options.sock_state_cb = &State::on_socket;
    options.sock_state_cb_data = this;
    // A lost packet is sent again well within the time that a connection may take.
    options.timeout = 500;
    options.tries = 4;
    char lookups[] = "fb";  // the hosts file, then DNS
    options.lookups = lookups;
    ares_channel opened = nullptr;
    PC_CHECK(ares_init_options(&opened, &options,
                               ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                   ARES_OPT_LOOKUPS) == ARES_SUCCESS);
    std::vector<ares_addr_port_node> nodes(servers.size());
    for (std::size_t i = 0; i < servers.size(); ++i) {
      const auto& [address, port] = servers[i];
      nodes[i].next = i + 1 < servers.size() ? &nodes[i + 1] : nullptr;
      nodes[i].udp_port = nodes[i].tcp_port = port;
      nodes[i].family = address.is_v4() ? AF_INET : AF_INET6;
      if (address.is_v4())
        std::memcpy(&nodes[i].addr.addr4, address.bytes.data() + 12, 4);
      else
        std::memcpy(&nodes[i].addr.addr6, address.bytes.data(), 16);
    }
    if (!nodes.empty()) PC_CHECK(ares_set_servers_ports(opened, nodes.data()) == ARES_SUCCESS);
    return opened;
  }

  static void on_socket(void* self, ares_socket_t fd, int readable, int writable) {
    auto& state = *static_cast<State*>(self);
    if (const auto found = state.sockets.find(fd); found != state.sockets.end()) {
      state.loop.remove(fd, *found->second);
      state.gone.push_back(std::move(found->second));
      state.sockets.erase(found);
    }
    if (readable == 0 && writable == 0) return;
    auto socket = std::make_unique<Socket>(state, state.channel, fd);
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

  Entry& find(const std::string& name) {
    if (names.size() >= kManyNames) {
      std::erase_if(names, [&](const auto& one) {
        return !one.second.asking && one.second.waiters.empty() &&
               loop.now() - one.second.used > kForgetAfter;
      });
    }
    Entry& entry = names[name];
    entry.used = loop.now();
    return entry;
  }

  // May answer before it returns.
  void ask(const std::string& name, Entry& entry) {
    entry.asking = true;
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel, name.c_str(), nullptr, &hints, &Query::on_answer,
                     new Query{*this, name});
    arm_timer();
  }

  void on_answer(const std::string& name, int status, const ares_addrinfo* answer) {
    if (closing) return;
    Entry& entry = names.at(name);
    if (status == ARES_EDESTRUCTION) return ask(name, entry);  // other servers are to be asked
    entry.asking = false;
    std::optional<Answer> good;
    if (status == ARES_SUCCESS && answer != nullptr) good.emplace(*answer);
    if (good && !good->addresses.empty()) {
      entry.failure.clear();
      entry.ask_at = loop.now() + good->ttl;
      if (entry.addresses == nullptr || !same_addresses(*entry.addresses, good->addresses)) {
        entry.addresses =
            std::make_shared<const std::vector<IpAddress>>(std::move(good->addresses));
      }
    } else {
      entry.failure = status == ARES_SUCCESS ? "no addresses" : ares_strerror(status);
      entry.ask_at = loop.now() + kShortestTime;
    }
    for (Entry::Waiter* waiter : std::exchange(entry.waiters, {})) waiter->wake();
  }

  Loop& loop;
  std::vector<IpEndpoint> servers;
  Timer timer;
  ares_channel channel;
  bool closing = false;
  std::unordered_map<int, std::unique_ptr<Socket>> sockets;
  std::vector<std::unique_ptr<Socket>> gone;  // closed by c-ares inside a call of their own
  std::map<std::string, Entry> names;         // an entry stays where it is
};

Resolver::Resolver(Loop& loop, std::vector<IpEndpoint> servers)
    : state_(std::make_unique<State>(loop, std::move(servers))) {}
Resolver::~Resolver() = default;

void Resolver::use_servers(const std::vector<IpEndpoint>& servers) {
  State& state = *state_;
  const auto same = [](const IpEndpoint& a, const IpEndpoint& b) {
    return a.address == b.address && a.port == b.port;
  };
  if (std::ranges::equal(state.servers, servers, same)) return;
  state.servers = servers;
  ares_channel before = std::exchange(state.channel, state.open_channel());
  for (auto& [name, entry] : state.names) entry.ask_at = {};
  ares_destroy(before);  // what was under way asks the new ones
  state.gone.clear();
  state.arm_timer();
}

Resolver::Addresses Resolver::known(const std::string& name) {
  Entry& entry = state_->find(name);
  if (!entry.asking && state_->loop.now() >= entry.ask_at) state_->ask(name, entry);
  return entry.addresses;
}

Task<Result<Resolver::Addresses>> Resolver::resolve(std::string name, TimePoint deadline) {
  if (const auto literal = IpAddress::parse(name))
    co_return std::make_shared<const std::vector<IpAddress>>(1, *literal);
  if (Addresses addresses = known(name)) co_return addresses;
  Entry& entry = state_->find(name);
  const bool in_time = co_await Entry::Waiter(state_->loop, entry, deadline);
  if (entry.addresses != nullptr) co_return entry.addresses;
  if (!in_time) {
    co_return fail(ErrorCode::kTimeout, "name `" + name + "`: no answer in time",
                   ErrorSource::kUpstream);
  }
  co_return fail(ErrorCode::kUpstreamUnreachable, "name `" + name + "`: " + entry.failure,
                 ErrorSource::kUpstream);
}

}  // namespace portcullis::runtime
