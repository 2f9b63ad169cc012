// How slowly a peer may send, or take, what is transferred: an allowance of time that is used up
// while we wait for the peer, and earned back by the bytes that move. Time in which the peer waits
// for us (an upstream that is slow, a queue) costs it nothing. The same for each version of HTTP:
//
//   const TimePoint until = rate.deadline(now, stall);   // and wait until then at most
//   rate.waited(before, now, bytes);                     // bytes moved
#pragma once

#include "base/clock.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace portcullis::http {

// The slowest transfer that is no attack.
struct MinimumRate {
  // `bytes_a_second` 0: any. It may be slower for `grace` in all.
  static constexpr MinimumRate of(std::uint32_t bytes_a_second, std::chrono::milliseconds grace) {
    constexpr std::uint32_t kNanoseconds = 1'000'000'000;
    if (bytes_a_second == 0) return {};
    return {(kNanoseconds + bytes_a_second - 1) / bytes_a_second, grace};
  }
  std::uint32_t nanoseconds_a_byte = 0;  // so that a request costs no division; 0: any rate
  std::chrono::milliseconds grace{0};
};

class TransferRate {
 public:
  explicit TransferRate(const MinimumRate& least)
      : left_(least.grace), grace_(least.grace), nanoseconds_a_byte_(least.nanoseconds_a_byte) {}

  // Until when to wait, if `expected` bytes are to move at once: `stall` from now at most.
  [[nodiscard]] TimePoint deadline(TimePoint now, Duration stall,
                                   std::uint64_t expected = 0) const {
    if (nanoseconds_a_byte_ == 0) return now + stall;
    return now + std::min(stall, left_ + earned(expected));
  }

  void earn(std::uint64_t bytes) { left_ = std::min(left_ + earned(bytes), grace_); }

  // The wait that began at `since` has ended, and `bytes` moved.
  void waited(TimePoint since, TimePoint now, std::uint64_t bytes) {
    if (nanoseconds_a_byte_ == 0) return;
    left_ = std::clamp(left_ - (now - since) + earned(bytes), Duration{0}, grace_);
  }

  // Nothing is left: who has not moved what was expected by now is too slow.
  [[nodiscard]] bool used_up() const { return nanoseconds_a_byte_ != 0 && left_ <= Duration{0}; }

  // Whether a wait that timed out, and is not told to waited(), ended for the rate and not for the
  // stall.
  [[nodiscard]] bool is_reason(Duration stall) const {
    return nanoseconds_a_byte_ != 0 && left_ < stall;
  }

 private:
  // What would overflow is an hour and more: no stall is longer.
  [[nodiscard]] Duration earned(std::uint64_t bytes) const {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 32U;
    return std::chrono::nanoseconds(std::min(bytes, kMost) * nanoseconds_a_byte_);
  }

  Duration left_;
  Duration grace_;
  std::uint32_t nanoseconds_a_byte_;
};

}  // namespace portcullis::http
