#include "upstream/upstream.h"

#include "runtime/testing/runner.h"
#include "upstream/testing/scene.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::upstream {
namespace {

using runtime::testing::Runner;
using runtime::testing::settle;
using std::chrono::milliseconds;
using testing::configure;
using testing::FakeServer;
using testing::finish;
using testing::must_acquire;
using testing::Scene;

Task<void> reuse(Loop& loop) {
  Scene scene(loop);
  const std::shared_ptr<Upstream> upstream_held = scene.adopt(configure({scene.one.target()}));
  Upstream& upstream = *upstream_held;
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
  const std::shared_ptr<Upstream> upstream_held = scene.adopt(configure({scene.one.target()}));
  Upstream& upstream = *upstream_held;
  Lease lease = co_await must_acquire(upstream);
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
  const std::shared_ptr<Upstream> upstream_held = scene.adopt(configure({scene.one.target()}));
  Upstream& upstream = *upstream_held;
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
  const std::shared_ptr<Upstream> upstream_held =
      scene.adopt(configure({scene.one.target()}, config::Balance::kRoundRobin, 1));
  Upstream& upstream = *upstream_held;
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
  const std::shared_ptr<Upstream> upstream_held =
      scene.adopt(configure({scene.one.target(), scene.two.target()}));
  Upstream& upstream = *upstream_held;
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
  const std::shared_ptr<Upstream> upstream_held = scene.adopt(
      configure({scene.one.target(), scene.two.target()}, config::Balance::kLeastRequests));
  Upstream& upstream = *upstream_held;
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
  const std::shared_ptr<Upstream> upstream_held =
      scene.adopt(configure({scene.one.target(), scene.two.target()}, balance));
  Upstream& upstream = *upstream_held;
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
  const std::shared_ptr<Upstream> upstream_held =
      scene.adopt(configure({scene.one.target("localhost")}));
  Upstream& upstream = *upstream_held;
  for (int i = 0; i < 4; ++i) {
    Lease lease = co_await must_acquire(upstream);
    EXPECT_FALSE(lease.reused());
  }
  const std::shared_ptr<Upstream> nowhere_held =
      scene.adopt(configure({"does-not-exist.invalid:80"}));
  Upstream& nowhere = *nowhere_held;
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
  const std::shared_ptr<Upstream> upstream_held =
      scene.adopt(configure({scene.one.target()}, config::Balance::kRoundRobin, 1));
  Upstream& upstream = *upstream_held;
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

// One full, the other out: nobody may go to the second, nor spin until the first has room.
Task<void> queue_for_who_is_well(Loop& loop, config::Balance balance) {
  Scene scene(loop);
  const std::shared_ptr<Upstream> upstream_held =
      scene.adopt(configure({scene.one.target(), scene.two.target()}, balance, 1));
  Upstream& upstream = *upstream_held;
  scene.standings.find("u", scene.two.target())->set_healthy(false, "x");
  Lease lease = co_await must_acquire(upstream);
  EXPECT_EQ(lease.target().name(), scene.one.target());
  std::vector<int> order;
  TaskGroup group;
  group.spawn(wait_in_line(upstream, order, 1));
  EXPECT_EQ(order, std::vector<int>{}) << "it waits";
  lease.end();
  co_await group.join();
  EXPECT_EQ(order, std::vector<int>{1});
}

TEST(Upstream, WaitsForAFullTargetWhenTheOthersAreOut) {
  for (const auto balance : {config::Balance::kRoundRobin, config::Balance::kLeastRequests}) {
    Runner runner;
    runner.run(queue_for_who_is_well(runner.loop, balance));
  }
}

Task<void> prefer_room(Loop& loop) {
  Scene scene(loop);
  const std::shared_ptr<Upstream> upstream_held = scene.adopt(
      configure({scene.one.target(), scene.two.target()}, config::Balance::kRoundRobin, 2));
  Upstream& upstream = *upstream_held;
  std::vector<Lease> leases;
  for (int i = 0; i < 4; ++i) leases.push_back(co_await must_acquire(upstream));
  const std::string free = leases[1].target().name();
  leases.erase(leases.begin() + 1);
  // Whosever turn it is.
  leases.push_back(co_await must_acquire(upstream));
  EXPECT_EQ(leases.back().target().name(), free);
}

TEST(Upstream, GoesToTheTargetThatHasRoom) {
  Runner runner;
  runner.run(prefer_room(runner.loop));
}

Task<void> queue_in_vain(Loop& loop) {
  Scene scene(loop);
  config::Upstream config = configure({scene.one.target()}, config::Balance::kRoundRobin, 1);
  config.connect_timeout = milliseconds(30);
  const std::shared_ptr<Upstream> upstream_held = scene.adopt(config);
  Upstream& upstream = *upstream_held;
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

Task<void> notice(Loop& loop) {
  Scene scene(loop);
  const std::shared_ptr<Upstream> upstream = scene.adopt(configure({scene.one.target()}));
  for (const bool speaks : {false, true}) {
    Lease lease = co_await must_acquire(*upstream);
    co_await finish(lease, scene.one);
    Target& target = lease.target();
    lease.keep();
    EXPECT_EQ(target.idle(), 1U);
    if (speaks)
      co_await runtime::testing::send_text(*scene.one.connections.back(), "HTTP/1.1 408 \r\n");
    else
      scene.one.connections.back()->shutdown_write();
    co_await settle(loop);
    EXPECT_EQ(target.idle(), 0U) << "dropped at once, not when it is next wanted";
    scene.one.connections.clear();
  }
}

TEST(Upstream, NoticesAtOnceWhenAnIdleConnectionEndsOrSpeaks) {
  Runner runner;
  runner.run(notice(runner.loop));
}

Task<void> eject(Loop& loop) {
  Scene scene(loop);
  config::Upstream config = configure({scene.one.target(), scene.two.target()});
  config.eject = config::Eject{2, milliseconds(60'000)};
  const std::shared_ptr<Upstream> upstream = scene.adopt(config);
  std::vector<Lease> leases;
  leases.push_back(co_await must_acquire(*upstream));
  leases.push_back(co_await must_acquire(*upstream));
  Target& bad = leases[0].target();
  Target& good = leases[1].target();
  bad.failed("x");
  bad.failed("x");
  for (int i = 0; i < 4; ++i) leases.push_back(co_await must_acquire(*upstream));
  for (std::size_t i = 2; i < leases.size(); ++i) EXPECT_EQ(&leases[i].target(), &good);
  // When all are out, all have their turn.
  good.failed("x");
  good.failed("x");
  leases.push_back(co_await must_acquire(*upstream));
  leases.push_back(co_await must_acquire(*upstream));
  EXPECT_NE(&leases.back().target(), &leases[leases.size() - 2].target());
  EXPECT_EQ(scene.events,
            (std::vector<std::string>{"ejected " + bad.name(), "ejected " + good.name()}));
}

TEST(Upstream, LeavesAnEjectedTargetAloneWhileThereAreOthers) {
  Runner runner;
  runner.run(eject(runner.loop));
}

Task<void> tell_client(Loop& loop) {
  Scene scene(loop);
  config::Upstream config = configure({scene.one.target()});
  config.proxy_protocol = config::ProxyProtocol::kV1;
  const std::shared_ptr<Upstream> upstream = scene.adopt(config);
  EXPECT_TRUE(upstream->tells_client());
  const Upstream::Ends ends{{*IpAddress::parse("192.0.2.1"), 4321},
                            {*IpAddress::parse("198.51.100.2"), 443}};
  Result<Lease> lease = co_await upstream->acquire(Freshness::kAny, &ends);
  EXPECT_TRUE(lease);
  if (!lease) co_return;
  co_await finish(*lease, scene.one);
  char buffer[256];
  const auto n =
      co_await scene.one.connections.back()->read(buffer, loop.now() + milliseconds(5'000));
  EXPECT_TRUE(n);
  if (n) {
    EXPECT_EQ(std::string_view(buffer, *n), "PROXY TCP4 192.0.2.1 198.51.100.2 4321 443\r\n");
  }
  Target& target = lease->target();
  lease->keep();
  EXPECT_EQ(target.idle(), 0U) << "another client's request must not go over it";
  EXPECT_FALSE(upstream->try_acquire());
}

TEST(Upstream, TellsWhoseConnectionItIsAndUsesItForNobodyElse) {
  Runner runner;
  runner.run(tell_client(runner.loop));
}

Task<void> close_idle(Loop& loop) {
  Scene scene(loop);
  const std::shared_ptr<Upstream> upstream_held = scene.adopt(configure({scene.one.target()}));
  Upstream& upstream = *upstream_held;
  Lease first = co_await must_acquire(upstream);
  Lease second = co_await must_acquire(upstream);
  co_await finish(first, scene.one);
  Arena arena;
  http::Response response(arena);
  const auto read = co_await second.exchange().read_head(http::Method::kGet, response,
                                                         loop.now() + milliseconds(5'000));
  EXPECT_TRUE(read);
  first.keep();
  second.keep();
  scene.pools.sweep(loop.now() + milliseconds(9'000));
  std::optional<Lease> still = upstream.try_acquire();
  EXPECT_TRUE(still);
  still.reset();
  scene.pools.sweep(loop.now() + milliseconds(10'001));
  EXPECT_FALSE(upstream.try_acquire());
}

TEST(Upstream, ClosesWhatHasBeenIdleForTooLong) {
  Runner runner;
  runner.run(close_idle(runner.loop));
}

}  // namespace
}  // namespace portcullis::upstream
