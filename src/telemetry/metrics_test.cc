#include "telemetry/metrics.h"

#include <gtest/gtest.h>

#include <thread>

namespace portcullis::telemetry {
namespace {

// The value of a sample line, or nothing when there is no such line.
std::string sample(const std::string& page, const std::string& series) {
  const std::string line = "\n" + series + " ";
  const std::size_t at = page.find(line);
  if (at == std::string::npos) return "(absent)";
  const std::size_t from = at + line.size();
  return page.substr(from, page.find('\n', from) - from);
}

TEST(BucketOf, TakesTheSmallestBoundThatIsNotBelow) {
  struct Case {
    std::string_view why;
    std::uint64_t microseconds;
    std::size_t want;
  };
  const Case cases[] = {
      {"nothing", 0, 0},
      {"one", 1, 0},
      {"a bound belongs to its bucket (le)", 100, 0},
      {"just above a bound", 101, 1},
      {"within one bit width, before the bound", 250, 1},
      {"within one bit width, after the bound", 251, 2},
      {"a second", 1'000'000, 12},
      {"a second and a bit", 1'000'001, 13},
      {"the last bound", 60'000'000, 17},
      {"beyond the last bound", 60'000'001, 18},
      {"the largest number", ~std::uint64_t{0}, 18},
  };
  for (const Case& c : cases) EXPECT_EQ(bucket_of(c.microseconds), c.want) << c.why;
}

TEST(BucketOf, AgreesWithALinearSearch) {
  for (std::uint64_t value = 1; value < 100'000'000; value += value / 7 + 1) {
    std::size_t want = 0;
    while (want < kBucketBounds.size() && kBucketBounds[want] < value) ++want;
    ASSERT_EQ(bucket_of(value), want) << value;
  }
}

TEST(Registry, GivesTheSameSeriesAgain) {
  Registry registry;
  const CounterId a =
      registry.counter("requests_total", "Requests.", {{"api", "shop"}, {"op", "a"}});
  const CounterId again =
      registry.counter("requests_total", "Requests.", {{"op", "a"}, {"api", "shop"}});
  const CounterId other =
      registry.counter("requests_total", "Requests.", {{"api", "shop"}, {"op", "b"}});
  EXPECT_EQ(a.slot, again.slot) << "the order of labels does not matter";
  EXPECT_NE(a.slot, other.slot);
}

TEST(Registry, WritesTheTextFormat) {
  Registry registry;
  const ShardHandle shard = registry.open_shard();
  shard->add(registry.counter("b_total", "With \\ and\nnewline.", {{"path", "a\"b\\c\nd"}}), 3);
  const GaugeId gauge = registry.gauge("a_open", "Open.");
  shard->up(gauge, 2);
  shard->down(gauge, 5);
  registry.gauge_callback("c_living", "Living.", {}, [] { return std::int64_t{7}; });
  EXPECT_EQ(registry.scrape(),
            "# HELP a_open Open.\n"
            "# TYPE a_open gauge\n"
            "a_open -3\n"
            "# HELP b_total With \\\\ and\\nnewline.\n"
            "# TYPE b_total counter\n"
            "b_total{path=\"a\\\"b\\\\c\\nd\"} 3\n"
            "# HELP c_living Living.\n"
            "# TYPE c_living gauge\n"
            "c_living 7\n"
            "# HELP portcullis_metrics_series_overflowed_total Label sets that found no room and "
            "share an overflow series.\n"
            "# TYPE portcullis_metrics_series_overflowed_total counter\n"
            "portcullis_metrics_series_overflowed_total 0\n");
}

TEST(Registry, WritesHistogramsCumulatively) {
  Registry registry;
  const ShardHandle shard = registry.open_shard();
  const HistogramId seconds = registry.histogram("took_seconds", "Took.", {{"api", "shop"}});
  for (const std::uint64_t us : {100U, 150U, 2'000U, 90'000'000U}) shard->observe(seconds, us);
  const std::string page = registry.scrape();
  EXPECT_EQ(sample(page, R"(took_seconds_bucket{api="shop",le="0.0001"})"), "1");
  EXPECT_EQ(sample(page, R"(took_seconds_bucket{api="shop",le="0.00025"})"), "2");
  EXPECT_EQ(sample(page, R"(took_seconds_bucket{api="shop",le="0.001"})"), "2");
  EXPECT_EQ(sample(page, R"(took_seconds_bucket{api="shop",le="0.0025"})"), "3");
  EXPECT_EQ(sample(page, R"(took_seconds_bucket{api="shop",le="60"})"), "3");
  EXPECT_EQ(sample(page, R"(took_seconds_bucket{api="shop",le="+Inf"})"), "4");
  EXPECT_EQ(sample(page, R"(took_seconds_count{api="shop"})"), "4");
  EXPECT_EQ(sample(page, R"(took_seconds_sum{api="shop"})"), "90.00225");
}

TEST(Registry, SharesOneSeriesWhenThereIsNoRoom) {
  Registry registry(4);  // one overflow series and three of its own
  const ShardHandle shard = registry.open_shard();
  for (const std::string_view key : {"a", "b", "c", "d", "e"}) {
    shard->add(registry.counter("requests_total", "Requests.", {{"key", key}}));
  }
  const std::string page = registry.scrape();
  EXPECT_EQ(sample(page, R"(requests_total{key="c"})"), "1");
  EXPECT_EQ(sample(page, R"(requests_total{key="d"})"), "(absent)");
  EXPECT_EQ(sample(page, R"(requests_total{overflow="true"})"), "2");
  EXPECT_EQ(sample(page, "portcullis_metrics_series_overflowed_total"), "2");
  EXPECT_EQ(registry.overflowed(), 2U);
}

TEST(Registry, ReplacesACallback) {
  Registry registry;
  registry.counter_callback("dropped_total", "Dropped.", {}, [] { return std::int64_t{1}; });
  registry.counter_callback("dropped_total", "Dropped.", {}, [] { return std::int64_t{2}; });
  EXPECT_EQ(sample(registry.scrape(), "dropped_total"), "2");
}

TEST(Registry, CountsAcrossChunksOfAShard) {
  Registry registry;
  const ShardHandle shard = registry.open_shard();
  for (std::size_t i = 0; i < 2 * Shard::kChunkSlots; ++i) {
    shard->add(registry.counter("many_total", "Many.", {{"i", std::to_string(i)}}), i);
  }
  EXPECT_EQ(sample(registry.scrape(), R"(many_total{i="2047"})"), "2047");
}

TEST(Registry, KeepsWhatEndedThreadsCounted) {
  Registry registry;
  const CounterId id = registry.counter("requests_total", "Requests.");
  {
    const ShardHandle shard = registry.open_shard();
    shard->add(id, 5);
  }
  const ShardHandle shard = registry.open_shard();
  shard->add(id, 2);
  EXPECT_EQ(sample(registry.scrape(), "requests_total"), "7");
}

TEST(Registry, LosesNothingWithManyThreadsWhileItIsScraped) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  Registry registry;
  const CounterId requests = registry.counter("requests_total", "Requests.");
  const GaugeId open = registry.gauge("open", "Open.");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&registry, requests, open, t] {
      const ShardHandle shard = registry.open_shard();
      const HistogramId took =
          registry.histogram("took_seconds", "Took.", {{"thread", std::to_string(t)}});
      for (int i = 0; i < kEach; ++i) {
        shard->up(open);
        shard->add(requests);
        shard->observe(took, static_cast<std::uint64_t>(i));
        shard->down(open);
      }
    });
  }
  for (int i = 0; i < 20; ++i)
    EXPECT_NE(registry.scrape().find("requests_total"), std::string::npos);
  for (std::thread& thread : threads) thread.join();
  const std::string page = registry.scrape();
  EXPECT_EQ(sample(page, "requests_total"), std::to_string(kThreads * kEach));
  EXPECT_EQ(sample(page, "open"), "0");
  EXPECT_EQ(sample(page, R"(took_seconds_count{thread="3"})"), std::to_string(kEach));
}

TEST(RegistryDeathTest, RefusesMistakesOfOurs) {
  Registry registry;
  registry.counter("requests_total", "Requests.");
  EXPECT_DEATH(registry.gauge("requests_total", "Requests."), "invariant") << "another type";
  EXPECT_DEATH(registry.counter("9lives", "."), "invariant") << "a name that starts with a digit";
  EXPECT_DEATH(registry.counter("a b", "."), "invariant") << "a space in a name";
  EXPECT_DEATH(registry.counter("a", ".", {{"le", "1"}}), "invariant") << "a reserved label";
  EXPECT_DEATH(registry.counter("a", ".", {{"x:y", "1"}}), "invariant") << "a colon in a label";
  EXPECT_DEATH(registry.counter("a", ".", {{"x", "1"}, {"x", "2"}}), "invariant") << "twice";
}

}  // namespace
}  // namespace portcullis::telemetry
