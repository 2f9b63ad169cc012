#include "runtime/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace portcullis::runtime {

void Timer::arm(TimePoint deadline) {
  deadline_ = deadline;
  if (deadline == kNoDeadline) return;
  // A slot that comes up earlier than the new deadline is left alone: the timer moves on when it
  // does.
  if (link_ != nullptr && due_tick_ <= wheel_->tick_of(deadline)) return;
  unlink();
  wheel_->insert(*this);
}

void Timer::unlink() {
  if (link_ == nullptr) return;
  *link_ = next_;
  if (next_ != nullptr) next_->link_ = link_;
  next_ = nullptr;
  link_ = nullptr;
  --wheel_->linked_;
}

TimerWheel::TimerWheel(TimePoint start) : start_(start) {}

// Rounded up, so that no deadline fires before its time.
std::uint64_t TimerWheel::tick_of(TimePoint at) const {
  if (at <= start_) return 0;
  const auto since = std::chrono::ceil<std::chrono::milliseconds>(at - start_);
  return static_cast<std::uint64_t>((since + kTick - std::chrono::milliseconds(1)) / kTick);
}

void TimerWheel::insert(Timer& timer) {
  constexpr std::uint64_t kFarthest = (1ULL << (kSlotBits * kLevels)) - kSlots;
  const std::uint64_t wanted = std::max(tick_of(timer.deadline_), current_ + 1);
  const std::uint64_t tick = std::min(wanted, current_ + kFarthest);
  unsigned level = 0;
  // The level whose slots, from the one after the current, still reach the tick.
  while (level + 1 < kLevels &&
         (tick >> (kSlotBits * level)) - (current_ >> (kSlotBits * level)) >= kSlots) {
    ++level;
  }
  const auto slot = static_cast<unsigned>((tick >> (kSlotBits * level)) & (kSlots - 1));
  timer.due_tick_ = (tick >> (kSlotBits * level)) << (kSlotBits * level);
  Timer*& head = slots_[level][slot];
  timer.next_ = head;
  timer.link_ = &head;
  if (head != nullptr) head->link_ = &timer.next_;
  head = &timer;
  occupied_[level] |= 1ULL << slot;
  ++linked_;
}

void TimerWheel::run_slot(unsigned level, TimePoint now) {
  const auto slot = static_cast<unsigned>((current_ >> (kSlotBits * level)) & (kSlots - 1));
  occupied_[level] &= ~(1ULL << slot);
  // Taken as a whole first: what a callback arms goes to a later slot, never to this list.
  Timer* list = std::exchange(slots_[level][slot], nullptr);
  if (list != nullptr) list->link_ = &list;
  while (list != nullptr) {
    Timer& timer = *list;
    timer.unlink();
    if (timer.deadline_ == kNoDeadline) continue;
    if (timer.deadline_ > now) {
      insert(timer);
      continue;
    }
    timer.deadline_ = kNoDeadline;
    timer.callback_(timer.context_);
  }
}

void TimerWheel::advance(TimePoint now) {
  if (now < start_) return;
  const auto target = static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(now - start_) / kTick);
  while (current_ < target) {
    if (linked_ == 0) {
      current_ = target;
      return;
    }
    ++current_;
    // From the highest level down: what hangs there may belong to this very tick.
    for (unsigned level = kLevels - 1; level > 0; --level) {
      if ((current_ & ((1ULL << (kSlotBits * level)) - 1)) == 0) run_slot(level, now);
    }
    if ((occupied_[0] >> (current_ & (kSlots - 1)) & 1) != 0) run_slot(0, now);
  }
}

TimePoint TimerWheel::next_wakeup() const {
  if (linked_ == 0) return kNoDeadline;
  std::uint64_t earliest = ~0ULL;
  for (unsigned level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const std::uint64_t index = current_ >> (kSlotBits * level);
    const int next = static_cast<int>((index + 1) & (kSlots - 1));
    const int ahead = std::countr_zero(std::rotr(occupied_[level], next));
    earliest =
        std::min(earliest, (index + 1 + static_cast<std::uint64_t>(ahead)) << (kSlotBits * level));
  }
  return start_ + static_cast<std::int64_t>(earliest) * kTick;
}

}  // namespace portcullis::runtime
