#include "http/transfer_rate.h"

#include <gtest/gtest.h>

namespace portcullis::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kStart{seconds(1000)};
constexpr seconds kStall{30};

// Sends `bytes` every `every` until the transfer is given up; for how long it lasted, or an hour.
Duration lasts(MinimumRate least, std::uint64_t bytes, Duration every) {
  TransferRate rate(least);
  TimePoint now = kStart;
  while (now < kStart + std::chrono::hours(1)) {
    const TimePoint until = rate.deadline(now, kStall);
    if (now + every > until) return until - kStart;
    rate.waited(now, now + every, bytes);
    now += every;
  }
  return now - kStart;
}

TEST(TransferRate, EndsWhatIsSlowerThanTheLeast) {
  constexpr MinimumRate kLeast = MinimumRate::of(240, seconds(10));
  struct Case {
    std::string_view why;
    std::uint64_t bytes;
    Duration every;
    Duration from;
    Duration to;
  };
  const Case cases[] = {
      {"a byte in a second", 1, seconds(1), seconds(9), seconds(12)},
      {"a byte just before the stall", 1, seconds(29), seconds(9), seconds(11)},
      {"half of the rate", 120, seconds(1), seconds(18), seconds(22)},
      {"nearly the rate", 230, seconds(1), seconds(200), seconds(260)},
      {"the rate", 240, seconds(1), std::chrono::hours(1), std::chrono::hours(2)},
      {"the rate, in bursts within the grace", 2160, seconds(9), std::chrono::hours(1),
       std::chrono::hours(2)},
      {"more, in bursts beyond the grace", 24000, seconds(11), seconds(9), seconds(11)},
      {"fast", 100000, milliseconds(1), std::chrono::hours(1), std::chrono::hours(2)},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const Duration lasted = lasts(kLeast, c.bytes, c.every);
    EXPECT_GE(lasted, c.from);
    EXPECT_LE(lasted, c.to);
  }
}

TEST(TransferRate, WithoutALeastOnlyTheStallCounts) {
  const TransferRate rate({});
  EXPECT_EQ(rate.deadline(kStart, kStall), kStart + kStall);
  EXPECT_FALSE(rate.is_reason(kStall));
  EXPECT_GE(lasts({}, 1, seconds(29)), std::chrono::hours(1));
}

TEST(TransferRate, TheStallIsStillTheEndOfSilence) {
  const TransferRate rate(MinimumRate::of(240, seconds(60)));
  EXPECT_EQ(rate.deadline(kStart, kStall), kStart + kStall);
  EXPECT_FALSE(rate.is_reason(kStall)) << "nothing moved at all";
}

TEST(TransferRate, MuchSaysNothingForLater) {
  TransferRate rate(MinimumRate::of(240, seconds(5)));
  rate.waited(kStart, kStart, std::uint64_t{1} << 40U);
  EXPECT_EQ(rate.deadline(kStart, kStall), kStart + seconds(5));
}

TEST(TransferRate, WhatIsToBeTakenAtOnceHasItsTime) {
  TransferRate rate(MinimumRate::of(1000, seconds(5)));
  EXPECT_EQ(rate.deadline(kStart, kStall, 16'000), kStart + seconds(21));
  EXPECT_TRUE(rate.is_reason(kStall));
  rate.waited(kStart, kStart + seconds(20), 16'000);
  EXPECT_EQ(rate.deadline(kStart, kStall), kStart + seconds(1));
}

TEST(TransferRate, IsUsedUpWhenNothingIsLeft) {
  TransferRate rate(MinimumRate::of(1000, seconds(5)));
  EXPECT_FALSE(rate.used_up());
  rate.waited(kStart, kStart + seconds(9), 3'000);
  EXPECT_TRUE(rate.used_up());
  rate.earn(500);
  EXPECT_FALSE(rate.used_up());
  EXPECT_EQ(rate.deadline(kStart, kStall), kStart + milliseconds(500));
  rate.earn(1'000'000);
  EXPECT_EQ(rate.deadline(kStart, kStall), kStart + seconds(5)) << "no more than the grace";
  TransferRate any({});
  any.waited(kStart, kStart + seconds(9), 0);
  any.earn(1);
  EXPECT_FALSE(any.used_up()) << "no rate is asked for";
}

TEST(TransferRate, OurOwnPausesCostNothing) {
  TransferRate rate(MinimumRate::of(240, seconds(5)));
  for (int i = 0; i < 100; ++i) {
    const TimePoint begun = kStart + std::chrono::minutes(i);
    rate.waited(begun, begun + milliseconds(10), 100);
  }
  EXPECT_EQ(rate.deadline(kStart, kStall), kStart + seconds(5));
}

}  // namespace
}  // namespace portcullis::http
