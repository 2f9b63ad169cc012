// Where one coroutine waits for another part of its own thread.
#pragma once

#include "base/check.h"
#include "base/clock.h"
#include "runtime/loop.h"
#include "runtime/timer_wheel.h"

#include <coroutine>
#include <utility>

namespace portcullis::runtime {

// One coroutine at a time waits at it, and looks for itself at what has changed. What opens it
// while nobody waits opens it for the next.
class Gate {
 public:
  explicit Gate(Loop& loop)
      : loop_(loop),
        timer_(loop.timers(), [](void* self) { static_cast<Gate*>(self)->resume(); }, this) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Lets the waiter go on later in this turn.
  void open() {
    open_ = true;
    resume();
  }

  // co_await gate.wait(deadline): true once it is open, which closes it behind the waiter; false at
  // the deadline.
  auto wait(TimePoint deadline) {
    struct Wait {
      Gate& gate;
      TimePoint deadline;
      [[nodiscard]] bool await_ready() const noexcept {
        return gate.open_ || deadline <= gate.loop_.now();
      }
      void await_suspend(std::coroutine_handle<> handle) {
        PC_CHECK(!gate.waiter_);
        gate.waiter_ = handle;
        if (deadline != kNoDeadline) gate.timer_.arm(deadline);
      }
      [[nodiscard]] bool await_resume() const noexcept { return std::exchange(gate.open_, false); }
    };
    return Wait{*this, deadline};
  }

 private:
  void resume() {
    timer_.disarm();
    if (waiter_) loop_.ready(std::exchange(waiter_, nullptr));
  }

  Loop& loop_;
  std::coroutine_handle<> waiter_;
  bool open_ = false;
  Timer timer_;
};

}  // namespace portcullis::runtime
