#include "telemetry/counter_family.h"

#include <gtest/gtest.h>

#include <future>

namespace portcullis::telemetry {
namespace {

TEST(CounterFamily, RegistersWhatCountsWhenItFirstDoes) {
  Registry registry;
  const ShardHandle shard = registry.open_shard();
  CounterFamily refused(registry, "refused_total", "Refused.", {"listener", "public"}, "reason");
  EXPECT_FALSE(registry.scrape().contains("refused_total"));
  shard->add(refused.of("late"));
  shard->add(refused.of("late"));
  EXPECT_TRUE(registry.scrape().contains("refused_total{listener=\"public\",reason=\"late\"} 2\n"));
  EXPECT_FALSE(registry.scrape().contains("early"));
  shard->add(refused.of("early"));
  EXPECT_TRUE(
      registry.scrape().contains("refused_total{listener=\"public\",reason=\"early\"} 1\n"));
}

TEST(CounterFamily, IsOfOneOwner) {
  Registry registry;
  CounterFamily a(registry, "refused_total", "Refused.", {"listener", "a"}, "reason");
  CounterFamily b(registry, "refused_total", "Refused.", {"listener", "b"}, "reason");
  CounterFamily again(registry, "refused_total", "Refused.", {"listener", "a"}, "reason");
  EXPECT_NE(a.of("late").slot, b.of("late").slot);
  EXPECT_EQ(a.of("late").slot, again.of("late").slot) << "counts carry over a reload";
}

TEST(CounterFamily, WaitsForNoMutexOnceItHasCounted) {
  Registry registry;
  CounterFamily refused(registry, "refused_total", "Refused.", {"listener", "a"}, "reason");
  (void)refused.of("late");
  std::future<CounterId> found;
  bool at_once = false;
  // Called under the registry's mutex.
  registry.gauge_callback("held", "Held.", {}, [&] {
    found = std::async(std::launch::async, [&] { return refused.of("late"); });
    at_once = found.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
    return 0;
  });
  (void)registry.scrape();
  EXPECT_TRUE(at_once);
}

}  // namespace
}  // namespace portcullis::telemetry
