#include "upstream/upstream.h"

#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::upstream {
namespace {

using runtime::testing::Runner;
using runtime::testing::settle;
using std::chrono::milliseconds;

// Takes connections at a port of 127.0.0.1 and answers when it is told to.
class FakeServer final : public runtime::Acceptor::Handler {
 public:
  explicit FakeServer(Loop& loop) : loop_(loop) {
    auto acceptor = runtime::Acceptor::listen(loop, {IpAddress::v4(0x7f000001), 0}, *this);
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

config::Upstream configure(std::vector<std::string> targets,
                           config::Balance balance = config::Balance::kRoundRobin,
                           std::uint32_t maximum = 8) {
  config::Upstream made;
  made.name = "u";
  for (std::string& target : targets) made.targets.push_back({std::move(target), {}});
  made.balance = balance;
  made.maximum_connections = maximum;
  made.connect_timeout = milliseconds(2'000);
  made.idle_timeout = milliseconds(10'000);
  return made;
}

// What every test stands on.
struct Scene {
  Loop& loop;
  runtime::Resolver resolver;
  FakeServer one;
  FakeServer two;
  explicit Scene(Loop& owner) : loop(owner), resolver(owner), one(owner), two(owner) {}
};

Task<Lease> must_acquire(Upstream& upstream, Freshness freshness = Freshness::kAny) {
  Result<Lease> lease = co_await upstream.acquire(freshness);
  EXPECT_TRUE(lease) << lease.error().detail;
  PC_CHECK(lease.has_value());
  co_return std::move(*lease);
}

// The server of that lease answers, so that its connection may be kept.
Task<void> finish(Lease& lease, FakeServer& server) {
  co_await settle(server.connections.empty() ? lease.connection().stream().loop()
                                             : server.connections.back()->loop());
  lease.connection().begin();
  for (const auto& connection : server.connections) {
    static_cast<void>(co_await runtime::testing::send_text(
        *connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  }
  Arena arena;
  http::Response response(arena);
  const auto read = co_await lease.connection().read_head(
      http::Method::kGet, response, lease.connection().stream().loop().now() + milliseconds(5'000));
  EXPECT_TRUE(read);
}

Task<void> reuse(Loop& loop) {
  Scene scene(loop);
  Upstream upstream(loop, scene.resolver, configure({scene.one.target()}));
  EXPECT_FALSE(upstream.try_acquire());
  Lease first = co_await must_acquire(upstream);
  EXPECT_FALSE(first.reused());
  EXPECT_EQ(upstream.active(), 1U);
  co_await finish(first, scene.one);
  first.keep();
  EXPECT_EQ(upstream.active(), 0U);
  std::optional<Lease> second = upstream.try_acquire();
  EXPECT_TRUE(second && second->reused());
  EXPECT_EQ(upstream.active(), 1U);
  second.reset();  // not kept: closed
  EXPECT_FALSE(upstream.try_acquire());
  Lease third = co_await must_acquire(upstream);
  EXPECT_FALSE(third.reused());
  co_await settle(loop);
  EXPECT_EQ(scene.one.connections.size(), 2U);
  third.end();
}

TEST(Upstream, ReusesWhatWasKeptAndClosesWhatWasNot) {
  Runner runner;
  runner.run(reuse(runner.loop));
}

Task<void> keep_too_early(Loop& loop) {
  Scene scene(loop);
  Upstream upstream(loop, scene.resolver, configure({scene.one.target()}));
  Lease lease = co_await must_acquire(upstream);
  lease.connection().begin();
  lease.keep();  // no response was read
  EXPECT_FALSE(upstream.try_acquire());
  EXPECT_EQ(upstream.active(), 0U);
}

TEST(Upstream, DoesNotKeepAConnectionInTheMiddleOfAnExchange) {
  Runner runner;
  runner.run(keep_too_early(runner.loop));
}

Task<void> stale(Loop& loop) {
  Scene scene(loop);
  Upstream upstream(loop, scene.resolver, configure({scene.one.target()}));
  for (const bool speaks : {false, true}) {
    Lease lease = co_await must_acquire(upstream);
    EXPECT_FALSE(lease.reused());
    co_await finish(lease, scene.one);
    lease.keep();
    if (speaks) {
      static_cast<void>(
          co_await runtime::testing::send_text(*scene.one.connections.back(), "HTTP/1.1 408 \r\n"));
    } else {
      scene.one.connections.back()->shutdown_write();
    }
    co_await settle(loop);
    EXPECT_FALSE(upstream.try_acquire());
    scene.one.connections.clear();
  }
}

TEST(Upstream, SkipsAnIdleConnectionThatEndedOrSpoke) {
  Runner runner;
  runner.run(stale(runner.loop));
}

Task<void> fresh(Loop& loop) {
  Scene scene(loop);
  Upstream upstream(loop, scene.resolver,
                    configure({scene.one.target()}, config::Balance::kRoundRobin, 1));
  Lease lease = co_await must_acquire(upstream);
  co_await finish(lease, scene.one);
  lease.keep();
  Lease other = co_await must_acquire(upstream, Freshness::kNewConnection);
  EXPECT_FALSE(other.reused());
  other.end();
  // The idle one made room: there is never more than `maximum`.
  EXPECT_FALSE(upstream.try_acquire());
}

TEST(Upstream, MakesANewConnectionWhereOneIsAskedFor) {
  Runner runner;
  runner.run(fresh(runner.loop));
}

Task<void> round_robin(Loop& loop) {
  Scene scene(loop);
  Upstream upstream(loop, scene.resolver, configure({scene.one.target(), scene.two.target()}));
  std::vector<Lease> leases;
  for (int i = 0; i < 6; ++i) leases.push_back(co_await must_acquire(upstream));
  for (std::size_t i = 2; i < 6; ++i) {
    EXPECT_EQ(&leases[i].target(), &leases[i - 2].target());
    EXPECT_NE(&leases[i].target(), &leases[i - 1].target());
  }
}

TEST(Upstream, GoesRound) {
  Runner runner;
  runner.run(round_robin(runner.loop));
}

Task<void> least_requests(Loop& loop) {
  Scene scene(loop);
  Upstream upstream(
      loop, scene.resolver,
      configure({scene.one.target(), scene.two.target()}, config::Balance::kLeastRequests));
  Lease first = co_await must_acquire(upstream);
  Lease second = co_await must_acquire(upstream);
  EXPECT_NE(&first.target(), &second.target());
  Lease third = co_await must_acquire(upstream);
  // The two of one target go; it is that one's turn until it has as many again.
  const Target& busy = third.target();
  Lease& other = &first.target() == &busy ? second : first;
  const Target& free = other.target();
  other.end();
  Lease fourth = co_await must_acquire(upstream);
  Lease fifth = co_await must_acquire(upstream);
  EXPECT_EQ(&fourth.target(), &free);
  EXPECT_EQ(&fifth.target(), &free);
  EXPECT_EQ(free.active(), 2U);
  EXPECT_EQ(busy.active(), 2U);
}

TEST(Upstream, ChoosesTheTargetWithTheFewestRequests) {
  Runner runner;
  runner.run(least_requests(runner.loop));
}

Task<void> pass_over(Loop& loop, config::Balance balance) {
  Scene scene(loop);
  Upstream upstream(loop, scene.resolver,
                    configure({scene.one.target(), scene.two.target()}, balance));
  const std::string dead = scene.one.target();
  scene.one.leave();
  std::vector<Lease> leases;
  for (int i = 0; i < 5; ++i) leases.push_back(co_await must_acquire(upstream));
  for (const Lease& lease : leases) EXPECT_EQ(lease.target().name(), scene.two.target());
  leases.clear();
  scene.two.leave();
  const auto none = co_await upstream.acquire(Freshness::kAny);
  EXPECT_FALSE(none);
  if (!none) {
    EXPECT_EQ(none.error().code, ErrorCode::kUpstreamUnreachable);
    EXPECT_EQ(none.error().source, ErrorSource::kUpstream);
    EXPECT_TRUE(none.error().detail.contains("127.0.0.1:")) << none.error().detail;
  }
  EXPECT_EQ(upstream.active(), 0U);
}

TEST(Upstream, PassesOverATargetThatCannotBeReached) {
  for (const auto balance : {config::Balance::kRoundRobin, config::Balance::kLeastRequests}) {
    Runner runner;
    runner.run(pass_over(runner.loop, balance));
  }
}

Task<void> by_name(Loop& loop) {
  Scene scene(loop);
  // `localhost` may be ::1, too, where nobody listens.
  Upstream upstream(loop, scene.resolver, configure({scene.one.target("localhost")}));
  for (int i = 0; i < 4; ++i) {
    Lease lease = co_await must_acquire(upstream);
    EXPECT_FALSE(lease.reused());
  }
  Upstream nowhere(loop, scene.resolver, configure({"does-not-exist.invalid:80"}));
  const auto none = co_await nowhere.acquire(Freshness::kAny);
  EXPECT_FALSE(none);
  if (!none) EXPECT_EQ(none.error().code, ErrorCode::kUpstreamUnreachable);
}

TEST(Upstream, TriesEveryAddressOfAName) {
  Runner runner;
  runner.run(by_name(runner.loop));
}

Task<void> wait_in_line(Upstream& upstream, std::vector<int>& order, int who) {
  const auto lease = co_await upstream.acquire(Freshness::kAny);
  order.push_back(lease ? who : -who);
  if (!lease) EXPECT_EQ(lease.error().code, ErrorCode::kUnavailable);
}

Task<void> queue(Loop& loop) {
  Scene scene(loop);
  Upstream upstream(loop, scene.resolver,
                    configure({scene.one.target()}, config::Balance::kRoundRobin, 1));
  Lease lease = co_await must_acquire(upstream);
  std::vector<int> order;
  TaskGroup group;
  for (int who = 1; who <= 5; ++who) group.spawn(wait_in_line(upstream, order, who));
  // Four may wait; the fifth is told at once.
  EXPECT_EQ(order, (std::vector<int>{-5}));
  EXPECT_FALSE(upstream.try_acquire());
  EXPECT_EQ(upstream.active(), 1U);
  lease.end();
  co_await group.join();
  EXPECT_EQ(order, (std::vector<int>{-5, 1, 2, 3, 4}));
  EXPECT_EQ(upstream.active(), 0U);
}

TEST(Upstream, LetsABoundedNumberWaitInLine) {
  Runner runner;
  runner.run(queue(runner.loop));
}

Task<void> queue_in_vain(Loop& loop) {
  Scene scene(loop);
  config::Upstream config = configure({scene.one.target()}, config::Balance::kRoundRobin, 1);
  config.connect_timeout = milliseconds(30);
  Upstream upstream(loop, scene.resolver, config);
  Lease lease = co_await must_acquire(upstream);
  std::vector<int> order;
  co_await wait_in_line(upstream, order, 1);
  EXPECT_EQ(order, (std::vector<int>{-1}));
  lease.end();
  co_await wait_in_line(upstream, order, 2);
  EXPECT_EQ(order, (std::vector<int>{-1, 2}));
}

TEST(Upstream, DoesNotLetAnyoneWaitForEver) {
  Runner runner;
  runner.run(queue_in_vain(runner.loop));
}

Task<void> close_idle(Loop& loop) {
  Scene scene(loop);
  Upstream upstream(loop, scene.resolver, configure({scene.one.target()}));
  Lease first = co_await must_acquire(upstream);
  Lease second = co_await must_acquire(upstream);
  co_await finish(first, scene.one);
  Arena arena;
  http::Response response(arena);
  second.connection().begin();
  const auto read = co_await second.connection().read_head(http::Method::kGet, response,
                                                           loop.now() + milliseconds(5'000));
  EXPECT_TRUE(read);
  first.keep();
  second.keep();
  upstream.close_idle(loop.now() + milliseconds(9'000));
  std::optional<Lease> still = upstream.try_acquire();
  EXPECT_TRUE(still);
  still.reset();
  upstream.close_idle(loop.now() + milliseconds(10'001));
  EXPECT_FALSE(upstream.try_acquire());
}

TEST(Upstream, ClosesWhatHasBeenIdleForTooLong) {
  Runner runner;
  runner.run(close_idle(runner.loop));
}

}  // namespace
}  // namespace portcullis::upstream
