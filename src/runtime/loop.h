// One thread's event loop: readiness by epoll (edge-triggered), timers, work posted from other
// threads, and the queue of coroutines to resume.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "runtime/buffer_pool.h"
#include "runtime/timer_wheel.h"

#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace portcullis {

namespace runtime {

// Something with a file descriptor that wants to hear of its readiness.
class Pollable {
 public:
  virtual void on_events(std::uint32_t epoll_events) = 0;

 protected:
  ~Pollable() = default;
};

enum class Trigger : std::uint8_t { kEdge, kLevel };

}  // namespace runtime

class Loop {
 public:
  using Posted = std::move_only_function<void()>;

  // Aborts when the kernel gives no epoll or eventfd: nothing can run without.
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(), which may come first. Both are called on the loop's own thread.
  void run();
  void stop() { stopping_ = true; }

  // The time at the start of this turn: read once for everything that happens in it.
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] WallTime wall_now() const { return wall_now_; }

  // Runs `work` on this loop's thread, in the order of posting. From any thread.
  void post(Posted work);

  // Resumes a coroutine later in this turn; keeps the stack flat where one coroutine wakes another.
  void ready(std::coroutine_handle<> handle) { ready_.push_back(handle); }

  // Resumes a coroutine once everything that has happened by now has been looked at: for what
  // gathers the doings of many into one system call.
  void ready_at_end_of_turn(std::coroutine_handle<> handle) { turn_end_.push_back(handle); }

  // co_await loop.sleep_until(t)
  auto sleep_until(TimePoint deadline) {
    struct Sleep {
      Loop& loop;
      TimePoint until;
      std::coroutine_handle<> waiter = nullptr;
      runtime::Timer timer{loop.timers_, &Sleep::wake, this};
      static void wake(void* self) {
        auto& sleep = *static_cast<Sleep*>(self);
        sleep.loop.ready(sleep.waiter);
      }
      Sleep(Loop& owner, TimePoint at) : loop(owner), until(at) {}
      [[nodiscard]] bool await_ready() const noexcept { return until <= loop.now(); }
      void await_suspend(std::coroutine_handle<> handle) {
        waiter = handle;
        timer.arm(until);
      }
      void await_resume() const noexcept {}
    };
    return Sleep(*this, deadline);
  }

  // co_await loop.yield(): goes on in the next turn. For what could otherwise go on for as long as
  // a peer sends, while no other connection, and no timer, has its turn.
  auto yield() {
    struct Yield {
      Loop& loop;
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> handle) { loop.next_turn_.push_back(handle); }
      void await_resume() const noexcept {}
    };
    return Yield{*this};
  }

  [[nodiscard]] runtime::TimerWheel& timers() { return timers_; }
  [[nodiscard]] runtime::BufferPool& buffers() { return buffers_; }

  // The descriptor must be removed before it is closed and before its Pollable goes. False: the
  // kernel has no room.
  [[nodiscard]] bool add(int fd, runtime::Pollable& pollable, std::uint32_t events,
                         runtime::Trigger trigger);
  void remove(int fd, runtime::Pollable& pollable);

 private:
  void read_clocks();
  void run_posted();
  void run_ready();
  [[nodiscard]] int wait_milliseconds() const;

  struct Wakeup;  // the eventfd behind post()

  int epoll_ = -1;
  std::unique_ptr<Wakeup> wakeup_;
  bool stopping_ = false;
  TimePoint now_;
  WallTime wall_now_;
  runtime::TimerWheel timers_;
  runtime::BufferPool buffers_;
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> turn_end_;
  std::vector<std::coroutine_handle<>> next_turn_;
  struct Batch;
  std::unique_ptr<Batch> batch_;
  std::mutex posted_mutex_;
  std::vector<Posted> posted_;  // guarded by posted_mutex_
};

}  // namespace portcullis
