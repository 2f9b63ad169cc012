// For tests: servers that answer when they are told to, and what an upstream stands on.
#pragma once

#include "runtime/testing/runner.h"
#include "upstream/pools.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace portcullis::upstream::testing {

// Takes connections at a port of 127.0.0.1 and answers when it is told to.
class FakeServer final : public runtime::Acceptor::Handler {
 public:
  explicit FakeServer(Loop& loop) : loop_(loop) {
    auto acceptor = runtime::Acceptor::listen(loop, {IpAddress::v4(0x7f000001), 0}, *this,
                                              runtime::Acceptor::Sharing::kAlone);
    PC_CHECK(acceptor.has_value());
    acceptor_ = std::move(*acceptor);
    port_ = acceptor_->address().port;
  }

  void on_connection(int fd, const IpEndpoint& peer) override {
    connections.push_back(std::make_unique<runtime::Stream>(loop_, fd, peer));
  }
  [[nodiscard]] std::string target(const std::string& host = "127.0.0.1") const {
    return host + ":" + std::to_string(port_);
  }
  [[nodiscard]] Loop& loop() { return loop_; }
  // Nobody listens any more.
  void leave() {
    acceptor_.reset();
    connections.clear();
  }

  std::vector<std::unique_ptr<runtime::Stream>> connections;

 private:
  Loop& loop_;
  std::unique_ptr<runtime::Acceptor> acceptor_;
  std::uint16_t port_ = 0;
};

inline config::Upstream configure(std::vector<std::string> targets,
                                  config::Balance balance = config::Balance::kRoundRobin,
                                  std::uint32_t maximum = 8) {
  config::Upstream made;
  made.name = "u";
  for (std::string& target : targets) made.targets.push_back({std::move(target), {}});
  made.balance = balance;
  made.maximum_connections = maximum;
  made.connect_timeout = std::chrono::milliseconds(2'000);
  made.idle_timeout = std::chrono::milliseconds(10'000);
  return made;
}

// What every test stands on.
struct Scene {
  Loop& loop;
  runtime::Resolver resolver;
  std::vector<std::string> events;  // what would be logged: `ejected 127.0.0.1:80`
  Standings standings{[this](const TargetEvent& event) {
    constexpr const char* kNames[] = {"unhealthy ", "healthy ", "ejected ", "refused "};
    events.push_back(kNames[static_cast<int>(event.kind)] + std::string(event.target));
  }};
  Pools pools;
  FakeServer one;
  FakeServer two;
  explicit Scene(Loop& owner)
      : loop(owner), resolver(owner), pools(owner, resolver, standings), one(owner), two(owner) {}

  // A configuration with this one upstream comes into force.
  std::shared_ptr<Upstream> adopt(const config::Upstream& config) {
    return pools.adopt({config}, {}).front();
  }
};

inline Task<Lease> must_acquire(Upstream& upstream, Freshness freshness = Freshness::kAny) {
  Result<Lease> lease = co_await upstream.acquire(freshness);
  EXPECT_TRUE(lease) << lease.error().detail;
  PC_CHECK(lease.has_value());
  co_return std::move(*lease);
}

// The server of that lease answers, so that its connection may be kept.
inline Task<void> finish(Lease& lease, FakeServer& server) {
  co_await runtime::testing::settle(server.loop());
  for (const auto& connection : server.connections) {
    static_cast<void>(co_await runtime::testing::send_text(
        *connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  }
  Arena arena;
  http::Response response(arena);
  const auto read = co_await lease.exchange().read_head(
      http::Method::kGet, response, server.loop().now() + std::chrono::milliseconds(5'000));
  EXPECT_TRUE(read);
}

}  // namespace portcullis::upstream::testing
