#include "upstream/standing.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace portcullis::upstream {
namespace {

using std::chrono::milliseconds;

struct Watched {
  std::vector<std::string> reasons;
  Standings all{[this](const TargetEvent& event) { reasons.emplace_back(event.reason); }};
  std::shared_ptr<Standing> one = all.find("u", "a:1");
};

const std::optional<config::Eject> kThree = config::Eject{3, milliseconds(5'000)};
constexpr TimePoint kStart{std::chrono::hours(1)};

TEST(Standing, RestsForASecondAfterItCouldNotBeReached) {
  Watched watched;
  EXPECT_FALSE(watched.one->is_out(kStart));
  watched.one->unreachable(kStart, std::nullopt, "refused");
  EXPECT_TRUE(watched.one->is_out(kStart + milliseconds(999)));
  EXPECT_FALSE(watched.one->is_out(kStart + milliseconds(1'000)));
  watched.one->failed(kStart, std::nullopt, "broken");
  EXPECT_FALSE(watched.one->is_out(kStart + milliseconds(1'000))) << "without `eject`";
  EXPECT_TRUE(watched.reasons.empty());
}

TEST(Standing, IsEjectedByErrorsInARow) {
  Watched watched;
  watched.one->failed(kStart, kThree, "1");
  watched.one->failed(kStart, kThree, "2");
  watched.one->succeeded();
  watched.one->failed(kStart, kThree, "3");
  watched.one->failed(kStart, kThree, "4");
  EXPECT_FALSE(watched.one->is_out(kStart));
  watched.one->unreachable(kStart, kThree, "5");
  EXPECT_TRUE(watched.one->is_out(kStart + milliseconds(4'999)));
  EXPECT_FALSE(watched.one->is_out(kStart + milliseconds(5'000)));
  EXPECT_EQ(watched.reasons, std::vector<std::string>{"5"});
  EXPECT_EQ(watched.one->ejections(), 1U);
  // What was under way when it was ejected does not eject it again.
  for (int i = 0; i < 5; ++i) watched.one->failed(kStart + milliseconds(100), kThree, "late");
  EXPECT_EQ(watched.one->ejections(), 1U);
  // Afterwards it takes as many errors as before.
  const TimePoint later = kStart + milliseconds(5'000);
  watched.one->failed(later, kThree, "6");
  watched.one->failed(later, kThree, "7");
  EXPECT_FALSE(watched.one->is_out(later));
  watched.one->failed(later, kThree, "8");
  EXPECT_TRUE(watched.one->is_out(later));
  EXPECT_EQ(watched.one->ejections(), 2U);
}

TEST(Standing, IsEjectedByAMeasureThatBecameSmaller) {
  Watched watched;
  for (int i = 0; i < 4; ++i) watched.one->failed(kStart, config::Eject{9, milliseconds(100)}, "x");
  watched.one->failed(kStart, kThree, "enough");
  EXPECT_TRUE(watched.one->is_out(kStart));
}

TEST(Standing, IsToldOnceOfEachChange) {
  Watched watched;
  watched.one->set_healthy(true, "as before");
  watched.one->set_healthy(false, "down");
  watched.one->set_healthy(false, "still down");
  EXPECT_TRUE(watched.one->is_out(kStart));
  watched.one->set_healthy(true, "up");
  EXPECT_FALSE(watched.one->is_out(kStart));
  for (const char* reason : {"to x", "to x", "to y", "to x"}) watched.one->address_refused(reason);
  EXPECT_EQ(watched.reasons, (std::vector<std::string>{"down", "up", "to x", "to y", "to x"}));
}

TEST(Standing, CountsWhatManyThreadsMeetWithOnce) {
  Watched watched;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) watched.one->failed(kStart, kThree, "x");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(watched.one->ejections(), 1U);
}

TEST(Standings, AreTheSameForTheSameTargetAndForgottenWithIt) {
  Standings all;
  const auto one = all.find("u", "a:1");
  EXPECT_EQ(all.find("u", "a:1"), one);
  EXPECT_NE(all.find("u", "b:1"), one);
  EXPECT_NE(all.find("v", "a:1"), one);
  config::Upstream upstream;
  upstream.name = "u";
  upstream.targets = {{"a:1", {}}};
  EXPECT_EQ(all.keep_only({upstream}).size(), 2U);
  EXPECT_EQ(all.find("u", "a:1"), one);
  EXPECT_EQ(all.keep_only({}).size(), 1U);
  EXPECT_NE(all.find("u", "a:1"), one);
}

}  // namespace
}  // namespace portcullis::upstream
