#include "ratelimit/gcra.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>

namespace portcullis::ratelimit {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMost = ~std::uint64_t{0};

TEST(Gcra, AllowsTheBurstAndThenOneAnInterval) {
  const Gcra gcra(5, 60'000, 5);  // 5/m
  std::uint64_t arrival = 0;
  const auto take = [&](std::uint64_t now) {
    const Decision decision = gcra.decide(arrival, now);
    if (decision.allowed) arrival = decision.arrival;
    return decision.allowed;
  };
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(take(0)) << i;
  EXPECT_FALSE(take(0));
  EXPECT_FALSE(take(12 * kSecond - 1));
  EXPECT_TRUE(take(12 * kSecond));
  EXPECT_FALSE(take(12 * kSecond));
  EXPECT_TRUE(take(24 * kSecond));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(take(1000 * kSecond)) << "idle, so full again: " << i;
  EXPECT_FALSE(take(1000 * kSecond));
}

TEST(Gcra, SaysWhereABucketStands) {
  const Gcra gcra(5, 60'000, 5);
  struct Case {
    std::string_view why;
    std::uint64_t arrival;
    std::uint64_t now;
    Level want;
  };
  const Case cases[] = {
      {"never used", 0, 0, {5, 0, 0}},
      {"full again for long", 10, 99 * kSecond, {5, 0, 0}},
      {"one used", 12 * kSecond, 0, {4, 12 * kSecond, 0}},
      {"part of one came back", 12 * kSecond, 1, {4, 12 * kSecond - 1, 0}},
      {"all used", 60 * kSecond, 0, {0, 60 * kSecond, 12 * kSecond}},
      {"the next is a nanosecond away", 60 * kSecond, 12 * kSecond - 1, {0, 48 * kSecond + 1, 1}},
      {"the next is there", 60 * kSecond, 12 * kSecond, {1, 48 * kSecond, 0}},
      {"seen by a worker whose clock reading is older",
       61 * kSecond,
       0,
       {0, 61 * kSecond, 13 * kSecond}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const Level level = gcra.level(c.arrival, c.now);
    EXPECT_EQ(level.remaining, c.want.remaining);
    EXPECT_EQ(level.full_after_ns, c.want.full_after_ns);
    EXPECT_EQ(level.next_after_ns, c.want.next_after_ns);
  }
}

TEST(Gcra, HoldsForAnyNumbersThatMayBeConfigured) {
  struct Case {
    std::string_view why;
    std::uint64_t count;
    std::uint64_t per_ms;
    std::uint64_t burst;
    std::uint64_t interval;
    std::uint64_t window;
  };
  constexpr std::uint64_t kLongest = std::uint64_t{1} << 62;
  const Case cases[] = {
      {"one a second", 1, 1000, 1, kSecond, kSecond},
      {"thirds are rounded up, never faster than written", 3, 1000, 3, 333'333'334, 1'000'000'002},
      {"more than one a nanosecond", kMost, 1, 10, 1, 10},
      {"interval times burst does not fit", 1, 86'400'000, kMost, 86'400 * kSecond, kLongest},
      {"the longest time", 1, kMost, 1, kLongest, kLongest},
      {"all of it at once", kMost, kMost, kMost, 1'000'000, kLongest},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const Gcra gcra(c.count, c.per_ms, c.burst);
    EXPECT_EQ(gcra.interval(), c.interval);
    EXPECT_EQ(gcra.window(), c.window);
    const Decision first = gcra.decide(0, kLongest - 1);
    EXPECT_TRUE(first.allowed) << "at least one request, at the end of time too";
    EXPECT_GT(first.arrival, kLongest - 1);
  }
}

// The same promise in its best known form: a level that rises with time and falls by one request.
class TokenBucket {
 public:
  TokenBucket(std::uint64_t interval, std::uint64_t burst)
      : interval_(interval), capacity_(interval * burst), level_(capacity_) {}
  bool take(std::uint64_t now) {
    level_ = std::min(capacity_, level_ + (now - last_));
    last_ = now;
    if (level_ < interval_) return false;
    level_ -= interval_;
    return true;
  }

 private:
  std::uint64_t interval_;
  std::uint64_t capacity_;
  std::uint64_t level_;
  std::uint64_t last_ = 0;
};

TEST(Gcra, DecidesAsATokenBucketDoes) {
  std::mt19937_64 random(20261124);
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t count = 1 + random() % 50;
    const std::uint64_t per_ms = 1 + random() % 100;
    const std::uint64_t burst = 1 + random() % 20;
    const Gcra gcra(count, per_ms, burst);
    TokenBucket bucket(gcra.interval(), burst);
    std::uint64_t arrival = 0;
    std::uint64_t now = 0;
    for (int i = 0; i < 300; ++i) {
      // Mostly about as fast as the rate, often at once, sometimes after a long time.
      const std::uint64_t kind = random() % 8;
      if (kind == 0) now += random() % (gcra.window() * 2);
      if (kind > 3) now += random() % (gcra.interval() * 2);
      const Decision decision = gcra.decide(arrival, now);
      ASSERT_EQ(decision.allowed, bucket.take(now))
          << count << "/" << per_ms << " ms, burst " << burst << ", at " << now;
      const Level before = gcra.level(arrival, now);
      EXPECT_EQ(before.remaining > 0, decision.allowed);
      if (!decision.allowed) {
        EXPECT_FALSE(gcra.decide(arrival, now + before.next_after_ns - 1).allowed);
        EXPECT_TRUE(gcra.decide(arrival, now + before.next_after_ns).allowed);
      } else {
        arrival = decision.arrival;
      }
    }
  }
}

}  // namespace
}  // namespace portcullis::ratelimit
