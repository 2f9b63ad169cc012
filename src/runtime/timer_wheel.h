// A hierarchical timer wheel (Varghese and Lauck, 1987): four levels of 64 slots over ticks of 4
// ms, so that setting, moving and dropping a deadline cost a few stores however many there are.
// Deadlines beyond 18 hours fire early and are set again by their timers.
#pragma once

#include "base/clock.h"

#include <array>
#include <cstdint>

namespace portcullis::runtime {

class TimerWheel;

// One deadline of one object. Moving a deadline later, and dropping it, only writes a word: the
// wheel finds out when the old slot comes up. The callback runs on the loop, once for each arm().
class Timer {
 public:
  using Callback = void (*)(void* context);

  Timer(TimerWheel& wheel, Callback callback, void* context)
      : wheel_(&wheel), callback_(callback), context_(context) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { unlink(); }

  void arm(TimePoint deadline);
  void disarm() { deadline_ = kNoDeadline; }
  [[nodiscard]] bool armed() const { return deadline_ != kNoDeadline; }

 private:
  friend class TimerWheel;
  void unlink();

  TimerWheel* wheel_;
  Callback callback_;
  void* context_;
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;  // what points to this timer; null when it hangs nowhere
  TimePoint deadline_ = kNoDeadline;
  std::uint64_t due_tick_ = 0;  // the tick of the slot that it hangs in
};

class TimerWheel {
 public:
  explicit TimerWheel(TimePoint start);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Runs the callbacks of every deadline at or before `now`.
  void advance(TimePoint now);

  // When advance() should be called next, at the latest; kNoDeadline when no timer hangs here.
  [[nodiscard]] TimePoint next_wakeup() const;

 private:
  friend class Timer;
  static constexpr unsigned kLevels = 4;
  static constexpr unsigned kSlotBits = 6;
  static constexpr unsigned kSlots = 1U << kSlotBits;
  static constexpr std::chrono::milliseconds kTick{4};

  void insert(Timer& timer);
  void run_slot(unsigned level, TimePoint now);
  [[nodiscard]] std::uint64_t tick_of(TimePoint at) const;

  TimePoint start_;
  std::uint64_t current_ = 0;  // the last tick that was run
  std::size_t linked_ = 0;
  std::array<std::array<Timer*, kSlots>, kLevels> slots_{};
  std::array<std::uint64_t, kLevels> occupied_{};  // bit i: slot i may hold timers
};

}  // namespace portcullis::runtime
