#include "upstream/pools.h"

#include "upstream/testing/scene.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace portcullis::upstream {
namespace {

using runtime::testing::Runner;
using runtime::testing::settle;
using testing::configure;
using testing::finish;
using testing::must_acquire;
using testing::Scene;

Task<void> keep_target(Loop& loop) {
  Scene scene(loop);
  std::shared_ptr<Upstream> upstream = scene.adopt(configure({scene.one.target()}));
  Lease lease = co_await must_acquire(*upstream);
  co_await finish(lease, scene.one);
  lease.keep();
  // A target more, and other bounds: the connection stands.
  config::Upstream wider =
      configure({scene.two.target(), scene.one.target()}, config::Balance::kLeastRequests, 16);
  wider.connect_timeout *= 2;
  upstream = scene.adopt(wider);
  std::optional<Lease> again = upstream->try_acquire();
  EXPECT_TRUE(again && again->reused());
  EXPECT_EQ(scene.one.connections.size(), 1U);
}

TEST(Pools, KeepsTheConnectionsOfATargetThatStays) {
  Runner runner;
  runner.run(keep_target(runner.loop));
}

Task<void> drop_target(Loop& loop) {
  Scene scene(loop);
  std::shared_ptr<Upstream> before = scene.adopt(configure({scene.one.target()}));
  Lease idle = co_await must_acquire(*before);
  Lease lent = co_await must_acquire(*before);
  co_await finish(idle, scene.one);
  idle.keep();
  EXPECT_EQ(lent.target().idle(), 1U);
  std::shared_ptr<Upstream> after = scene.adopt(configure({scene.two.target()}));
  EXPECT_EQ(lent.target().idle(), 0U)
      << "closed at once, although a request still holds the target";
  EXPECT_EQ(lent.target().active(), 1U);
  // The request in flight ends in peace, and its connection with it.
  Arena arena;
  http::Response response(arena);
  EXPECT_TRUE(co_await lent.exchange().read_head(http::Method::kGet, response,
                                                 loop.now() + std::chrono::seconds(5)));
  Target& target = lent.target();
  lent.keep();
  EXPECT_EQ(target.idle(), 0U);
  EXPECT_EQ(target.active(), 0U);
  // It comes back before it has gone: it serves as before.
  after = scene.adopt(configure({scene.one.target()}));
  Lease fresh = co_await must_acquire(*after);
  EXPECT_EQ(&fresh.target(), &target);
  co_await finish(fresh, scene.one);
  fresh.keep();
  EXPECT_EQ(target.idle(), 1U);
}

TEST(Pools, DrainsATargetThatIsNotConfiguredAnyMore) {
  Runner runner;
  runner.run(drop_target(runner.loop));
}

Task<void> wait_for(Upstream& upstream, bool& got) {
  const auto lease = co_await upstream.acquire(Freshness::kAny);
  got = lease.has_value();
}

Task<void> wake_others(Loop& loop) {
  Scene scene(loop);
  const auto narrow = configure({scene.one.target()}, config::Balance::kRoundRobin, 1);
  const std::shared_ptr<Upstream> before = scene.adopt(narrow);
  Lease lease = co_await must_acquire(*before);
  const std::shared_ptr<Upstream> after = scene.adopt(narrow);
  bool got = false;
  TaskGroup group;
  group.spawn(wait_for(*after, got));
  co_await settle(loop);
  EXPECT_FALSE(got) << "the target has its one connection, whoever made it";
  lease.end();
  co_await group.join();
  EXPECT_TRUE(got);
}

TEST(Pools, CountsTheConnectionsOfBothConfigurationsTogether) {
  Runner runner;
  runner.run(wake_others(runner.loop));
}

}  // namespace
}  // namespace portcullis::upstream
