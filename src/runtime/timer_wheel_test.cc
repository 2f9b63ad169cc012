#include "runtime/timer_wheel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace portcullis::runtime {
namespace {

using std::chrono::milliseconds;

struct Fired {
  int count = 0;
  static void run(void* self) { ++static_cast<Fired*>(self)->count; }
};

const TimePoint kStart{std::chrono::hours(1000)};

TEST(TimerWheel, FiresOnceAtItsTimeAndNeverBefore) {
  TimerWheel wheel(kStart);
  Fired fired;
  Timer timer(wheel, &Fired::run, &fired);
  timer.arm(kStart + milliseconds(100));
  wheel.advance(kStart + milliseconds(99));
  EXPECT_EQ(fired.count, 0);
  wheel.advance(kStart + milliseconds(104));
  EXPECT_EQ(fired.count, 1);
  wheel.advance(kStart + milliseconds(5000));
  EXPECT_EQ(fired.count, 1);
  EXPECT_FALSE(timer.armed());
}

TEST(TimerWheel, MovesLaterLazilyAndEarlierAtOnce) {
  TimerWheel wheel(kStart);
  Fired fired;
  Timer timer(wheel, &Fired::run, &fired);
  timer.arm(kStart + milliseconds(100));
  timer.arm(kStart + milliseconds(10'000));
  wheel.advance(kStart + milliseconds(9'990));
  EXPECT_EQ(fired.count, 0);
  timer.arm(kStart + milliseconds(9'995));
  wheel.advance(kStart + milliseconds(9'999));
  EXPECT_EQ(fired.count, 1);
}

TEST(TimerWheel, DisarmedAndDestroyedTimersStaySilent) {
  TimerWheel wheel(kStart);
  Fired fired;
  {
    Timer gone(wheel, &Fired::run, &fired);
    gone.arm(kStart + milliseconds(10));
  }
  Timer timer(wheel, &Fired::run, &fired);
  timer.arm(kStart + milliseconds(10));
  timer.disarm();
  wheel.advance(kStart + milliseconds(100));
  EXPECT_EQ(fired.count, 0);
  EXPECT_EQ(wheel.next_wakeup(), kNoDeadline);
}

struct Checked {
  TimerWheel* wheel;
  TimePoint* now;
  TimePoint deadline;
  int fired = 0;
  std::unique_ptr<Timer> timer;
  static void run(void* self) {
    auto& checked = *static_cast<Checked*>(self);
    ++checked.fired;
    EXPECT_GE(*checked.now, checked.deadline);
    EXPECT_LE(*checked.now - checked.deadline, milliseconds(8));
  }
};

// Following next_wakeup(), every deadline from a millisecond to a day fires within two ticks of its
// time.
TEST(TimerWheel, AnyDeadlineFiresOnTimeWhenWakeupsAreFollowed) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same sequence every run
  TimePoint now = kStart;
  TimerWheel wheel(kStart);
  std::vector<std::unique_ptr<Checked>> all;
  for (int i = 0; i < 2000; ++i) {
    const auto exponent = std::uniform_real_distribution<double>(0, 18)(random);
    auto checked = std::make_unique<Checked>();
    checked->now = &now;
    checked->deadline = kStart + milliseconds(static_cast<std::int64_t>(std::exp(exponent)) + 1);
    checked->timer = std::make_unique<Timer>(wheel, &Checked::run, checked.get());
    checked->timer->arm(checked->deadline);
    all.push_back(std::move(checked));
  }
  int wakeups = 0;
  while (wheel.next_wakeup() != kNoDeadline) {
    ASSERT_GT(wheel.next_wakeup(), now);
    now = wheel.next_wakeup();
    wheel.advance(now);
    ASSERT_LT(++wakeups, 100'000);
  }
  for (const auto& checked : all) EXPECT_EQ(checked->fired, 1);
}

TEST(TimerWheel, ACallbackMayArmItsOwnTimerAgain) {
  TimerWheel wheel(kStart);
  struct Again {
    TimePoint at = kStart;
    int count = 0;
    Timer* timer = nullptr;
    static void run(void* self) {
      auto& again = *static_cast<Again*>(self);
      ++again.count;
      again.at += milliseconds(8);
      again.timer->arm(again.at);
    }
  } again;
  Timer timer(wheel, &Again::run, &again);
  again.timer = &timer;
  timer.arm(kStart + milliseconds(8));
  again.at = kStart + milliseconds(8);
  for (int i = 0; i <= 100; ++i) wheel.advance(kStart + milliseconds(i));
  EXPECT_EQ(again.count, 12);
}

}  // namespace
}  // namespace portcullis::runtime
