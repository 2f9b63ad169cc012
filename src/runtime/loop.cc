#include "runtime/loop.h"

#include "base/check.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace portcullis {

struct Loop::Wakeup final : runtime::Pollable {
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  ~Wakeup() { close(fd); }
  void on_events(std::uint32_t) override {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t n = read(fd, &count, sizeof count);
  }
  void ring() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(fd, &one, sizeof one);
  }
};

struct Loop::Batch {
  std::array<epoll_event, 256> events;
  int at = 0;
  int count = 0;
};

Loop::Loop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wakeup_(std::make_unique<Wakeup>()),
      now_(Clock::now()),
      wall_now_(WallClock::now()),
      timers_(now_),
      batch_(std::make_unique<Batch>()) {
  PC_CHECK(epoll_ >= 0 && wakeup_->fd >= 0);
  PC_CHECK(add(wakeup_->fd, *wakeup_, EPOLLIN, runtime::Trigger::kLevel));
}

Loop::~Loop() { close(epoll_); }

void Loop::read_clocks() {
  now_ = Clock::now();
  wall_now_ = WallClock::now();
}

void Loop::post(Posted work) {
  bool first = false;
  {
    const std::lock_guard lock(posted_mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(work));
  }
  if (first) wakeup_->ring();
}

void Loop::run_posted() {
  std::vector<Posted> work;
  {
    const std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
  }
  for (Posted& one : work) {
    one();
    run_ready();
  }
}

void Loop::run_ready() {
  // By index: what is resumed may make others ready.
  for (std::size_t i = 0; i < ready_.size(); ++i) ready_[i].resume();
  ready_.clear();
}

int Loop::wait_milliseconds() const {
  if (!ready_.empty() || !turn_end_.empty() || !next_turn_.empty() || stopping_) return 0;
  const TimePoint next = timers_.next_wakeup();
  if (next == kNoDeadline) return -1;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 60'000));
}

void Loop::run() {
  read_clocks();
  run_ready();
  while (!stopping_) {
    Batch& batch = *batch_;
    batch.count = epoll_wait(epoll_, batch.events.data(), static_cast<int>(batch.events.size()),
                             wait_milliseconds());
    read_clocks();
    for (batch.at = 0; batch.at < batch.count;) {
      const epoll_event event = batch.events[static_cast<std::size_t>(batch.at++)];
      if (event.data.ptr == nullptr) continue;
      auto* pollable = static_cast<runtime::Pollable*>(event.data.ptr);
      if (pollable == wakeup_.get()) {
        pollable->on_events(event.events);
        run_posted();
      } else {
        pollable->on_events(event.events);
      }
      run_ready();
    }
    batch.at = batch.count = 0;
    timers_.advance(now_);
    run_ready();
    ready_.swap(turn_end_);
    run_ready();
    ready_.swap(next_turn_);
  }
  stopping_ = false;
}

bool Loop::add(int fd, runtime::Pollable& pollable, std::uint32_t events,
               runtime::Trigger trigger) {
  epoll_event event{};
  event.events =
      events | (trigger == runtime::Trigger::kEdge ? static_cast<std::uint32_t>(EPOLLET) : 0U);
  event.data.ptr = &pollable;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::remove(int fd, runtime::Pollable& pollable) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  // Events of this turn that have not been looked at yet must not reach what is going away.
  for (int i = batch_->at; i < batch_->count; ++i) {
    auto& event = batch_->events[static_cast<std::size_t>(i)];
    if (event.data.ptr == &pollable) event.data.ptr = nullptr;
  }
}

}  // namespace portcullis
