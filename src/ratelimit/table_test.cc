#include "ratelimit/table.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace portcullis::ratelimit {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{};
constexpr std::uint64_t kSecond = 1'000'000'000;

KeyHash key(const Table& table, int i) { return table.hash("key " + std::to_string(i)); }

TEST(Table, CountsTimeFromItsStart) {
  const Table table(kStart + 10s, 16);
  EXPECT_EQ(table.elapsed(kStart), 0U) << "a reading from before the start";
  EXPECT_EQ(table.elapsed(kStart + 10s), 0U);
  EXPECT_EQ(table.elapsed(kStart + 11s), kSecond);
}

TEST(Table, RoundsItsSizeUp) {
  EXPECT_EQ(Table(kStart, 0).slots(), 16U);
  EXPECT_EQ(Table(kStart, 17).slots(), 32U);
  EXPECT_EQ(Table(kStart).slots(), Table::kDefaultSlots);
}

TEST(Table, KeepsKeysApart) {
  Table table(kStart, 1024);
  SharedBuckets shared;
  const Gcra gcra(1, 1000, 2);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(table.take(key(table, i), shared, gcra, 0).allowed);
    EXPECT_TRUE(table.take(key(table, i), shared, gcra, 0).allowed);
    EXPECT_FALSE(table.take(key(table, i), shared, gcra, 0).allowed) << i;
  }
  EXPECT_EQ(table.used(), 100U);
  EXPECT_EQ(table.overflowed(), 0U);
  EXPECT_EQ(table.peek(key(table, 7)), 2 * kSecond);
  EXPECT_EQ(table.peek(key(table, 100)), 0U) << "a key that is not there is a full bucket";
}

TEST(Table, ForgetsOnlyBucketsThatAreFullAgain) {
  Table table(kStart, 16);  // one window
  SharedBuckets shared;
  const Gcra slow(1, 10'000, 3);
  const Gcra fast(1, 1'000, 3);
  for (int i = 0; i < 15; ++i) ASSERT_TRUE(table.take(key(table, i), shared, slow, 0).allowed);
  ASSERT_TRUE(table.take(key(table, 15), shared, fast, 0).allowed);

  const std::uint64_t early = kSecond + Table::kClockSkewNs;
  ASSERT_TRUE(table.take(key(table, 16), shared, slow, early).allowed);
  EXPECT_EQ(table.overflowed(), 1U) << "full again, but perhaps not yet for every worker";
  EXPECT_EQ(table.peek(key(table, 16)), 0U);

  ASSERT_TRUE(table.take(key(table, 17), shared, slow, early + 1).allowed);
  EXPECT_EQ(table.overflowed(), 1U);
  EXPECT_EQ(table.peek(key(table, 15)), 0U) << "forgotten";
  EXPECT_GT(table.peek(key(table, 17)), 0U);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(table.peek(key(table, i)), 10 * kSecond) << "kept: " << i;
}

TEST(Table, SendsNewKeysToOneBucketWhenAFloodFillsIt) {
  Table table(kStart, 64);
  SharedBuckets shared;
  const Gcra gcra(1, 60'000, 5);
  std::vector<KeyHash> known;
  int allowed = 0;
  for (int i = 0; i < 10'000; ++i) {
    allowed += table.take(key(table, i), shared, gcra, 0).allowed ? 1 : 0;
  }
  EXPECT_EQ(allowed, 64 + 5) << "each slot one request, and all other keys one bucket of five";
  EXPECT_EQ(table.overflowed(), 10'000U - 64U);
  int still = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (table.peek(key(table, i)) == 0) continue;
    ++still;
    for (int more = 0; more < 4; ++more) {
      EXPECT_TRUE(table.take(key(table, i), shared, gcra, 0).allowed) << "keys that are in go on";
    }
    EXPECT_FALSE(table.take(key(table, i), shared, gcra, 0).allowed);
  }
  EXPECT_EQ(still, 64);
}

TEST(Table, RefillsTheBucketOfOneKey) {
  Table table(kStart, 16);
  SharedBuckets shared;
  const Gcra gcra(1, 10'000, 2);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(table.take(key(table, i), shared, gcra, 0).allowed);
    ASSERT_TRUE(table.take(key(table, i), shared, gcra, 0).allowed);
    ASSERT_FALSE(table.take(key(table, i), shared, gcra, 0).allowed);
  }
  table.refill(key(table, 0));
  EXPECT_TRUE(table.take(key(table, 0), shared, gcra, 0).allowed);
  EXPECT_TRUE(table.take(key(table, 0), shared, gcra, 0).allowed);
  EXPECT_FALSE(table.take(key(table, 0), shared, gcra, 0).allowed) << "it is full, and no more";
  EXPECT_FALSE(table.take(key(table, 1), shared, gcra, 0).allowed) << "that of another is not";
  table.refill(key(table, 2));
  EXPECT_EQ(table.used(), 2U) << "a key that is not there stays away";
}

TEST(Table, GivesBackOnlyWhatWasTaken) {
  Table table(kStart, 16);
  SharedBuckets shared;
  const Gcra gcra(1, 1000, 2);
  const KeyHash mine = key(table, 0);
  const Taken first = table.take(mine, shared, gcra, 0);
  const Taken second = table.take(mine, shared, gcra, 0);
  ASSERT_TRUE(first.allowed && second.allowed);
  Table::give_back(first, gcra);
  EXPECT_EQ(table.peek(mine), kSecond) << "one is taken, whichever went first";
  Table::give_back(second, gcra);
  EXPECT_EQ(table.peek(mine), 0U);

  const Taken early = table.take(mine, shared, gcra, 0);
  const std::uint64_t later = 5 * kSecond + 1;
  ASSERT_TRUE(table.take(mine, shared, gcra, later).allowed);
  Table::give_back(early, gcra);
  EXPECT_EQ(table.peek(mine), later + kSecond) << "it came back by itself, long ago";
}

TEST(Table, GivesNothingBackToAKeyThatTookTheSlot) {
  Table table(kStart, 16);
  SharedBuckets shared;
  const Gcra gcra(1, 1000, 2);
  const Taken taken = table.take(key(table, 0), shared, gcra, 0);
  const std::uint64_t later = 10 * kSecond;
  for (int i = 1; i <= 16; ++i) {
    ASSERT_TRUE(table.take(key(table, i), shared, gcra, later).allowed);
  }
  ASSERT_EQ(table.overflowed(), 0U);
  Table::give_back(taken, gcra);
  for (int i = 1; i <= 16; ++i) EXPECT_EQ(table.peek(key(table, i)), later + kSecond) << i;
}

TEST(Table, KeepsSharedBucketsWhileSomebodyHoldsThem) {
  Table table(kStart, 16);
  auto first = table.shared({1, 1});
  first->anonymous = 42;
  EXPECT_EQ(table.shared({1, 1}), first);
  EXPECT_NE(table.shared({1, 2}), first);
  first.reset();
  EXPECT_EQ(table.shared({1, 1})->anonymous, 0U);
}

template <typename Work>
void run_threads(int count, Work work) {
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
}

TEST(Table, AllowsExactlyTheBurstAcrossThreads) {
  constexpr int kKeys = 32;
  constexpr std::uint64_t kBurst = 100;
  Table table(kStart, 4096);
  SharedBuckets shared;
  const Gcra gcra(1, 3'600'000, kBurst);
  std::array<std::atomic<std::uint64_t>, kKeys> allowed{};
  run_threads(4, [&](int) {
    for (int i = 0; i < 100 * kKeys; ++i) {
      const int which = i % kKeys;
      const Taken taken = table.take(key(table, which), shared, gcra, 0);
      if (taken.allowed) allowed.at(static_cast<std::size_t>(which)).fetch_add(1);
    }
  });
  for (const auto& count : allowed) EXPECT_EQ(count.load(), kBurst);
  EXPECT_EQ(table.used(), kKeys);
}

// Keys come, are forgotten and come again in one window while every thread has a clock reading of
// its own: no key may get more than its burst and what its rate has given since.
TEST(Table, NeverAllowsMoreWhileSlotsChangeHands) {
  constexpr int kKeys = 24;  // more than a window
  constexpr std::uint64_t kBurst = 3;
  constexpr std::uint64_t kStep = 100'000;  // 0.1 ms a round, shared by all threads
  constexpr int kRounds = 20'000;
  Table table(kStart, 16);
  SharedBuckets shared;
  const Gcra gcra(1, 10, kBurst);  // one in 10 ms
  std::atomic<std::uint64_t> clock{0};
  std::array<std::atomic<std::uint64_t>, kKeys> allowed{};
  run_threads(3, [&](int t) {
    for (int i = 0; i < kRounds; ++i) {
      const std::uint64_t now = clock.fetch_add(kStep);
      // In turns of eight keys, so that those of earlier turns become full again.
      const int which = ((i / 4'000) * 8 + (i + t) % 8) % kKeys;
      const Taken taken = table.take(key(table, which), shared, gcra, now);
      if (taken.allowed && taken.tag != 0) allowed.at(static_cast<std::size_t>(which)).fetch_add(1);
      if (taken.allowed && i % 5 == 0) {
        Table::give_back(taken, gcra);
        if (taken.tag != 0) allowed.at(static_cast<std::size_t>(which)).fetch_sub(1);
      }
    }
  });
  const std::uint64_t most = kBurst + clock.load() / gcra.interval();
  std::uint64_t all = 0;
  for (const auto& count : allowed) {
    EXPECT_LE(count.load(), most);
    all += count.load();
  }
  EXPECT_GT(all, 0U);
}

}  // namespace
}  // namespace portcullis::ratelimit
