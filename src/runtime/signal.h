// One coroutine waits until another says that something may have changed.
#pragma once

#include "base/clock.h"
#include "runtime/loop.h"
#include "runtime/timer_wheel.h"

#include <coroutine>
#include <utility>

namespace portcullis::runtime {

class Signal {
 public:
  explicit Signal(Loop& loop)
      : loop_(loop),
        timer_(loop.timers(), [](void* self) { static_cast<Signal*>(self)->time_out(); }, this) {}
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  // Resumes who waits, later in this turn. Says nothing to who comes afterwards.
  void notify() {
    if (!waiter_) return;
    timer_.disarm();
    loop_.ready(std::exchange(waiter_, nullptr));
  }

  // co_await signal.wait(deadline): false when the deadline passed first. One waiter at a time,
  // which looks for itself at what has changed.
  auto wait(TimePoint deadline) {
    struct Wait {
      Signal& signal;
      TimePoint until;
      [[nodiscard]] bool await_ready() const noexcept {
        signal.in_time_ = until > signal.loop_.now();
        return !signal.in_time_;
      }
      void await_suspend(std::coroutine_handle<> handle) {
        signal.waiter_ = handle;
        signal.timer_.arm(until);
      }
      [[nodiscard]] bool await_resume() const noexcept { return signal.in_time_; }
    };
    return Wait{*this, deadline};
  }

 private:
  void time_out() {
    in_time_ = false;
    if (waiter_) loop_.ready(std::exchange(waiter_, nullptr));
  }

  Loop& loop_;
  std::coroutine_handle<> waiter_;
  bool in_time_ = true;
  Timer timer_;
};

}  // namespace portcullis::runtime
