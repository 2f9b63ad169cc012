// A token bucket in one 64-bit word: the generic cell rate algorithm (ITU-T I.371, "virtual
// scheduling"). The word is the theoretical arrival time: when the bucket would be full again, in
// nanoseconds since a start. At or before `now`, the bucket is full.
#pragma once

#include <cstdint>

namespace portcullis::ratelimit {

// What one request means to one bucket.
struct Decision {
  bool allowed = false;
  std::uint64_t arrival = 0;  // the word after it, when it is allowed
};

// What a caller may be told about a bucket.
struct Level {
  std::uint64_t remaining = 0;      // requests that would be allowed at once
  std::uint64_t full_after_ns = 0;  // until the bucket is full again
  std::uint64_t next_after_ns = 0;  // until one request is allowed; 0 when one is now
};

// `burst` requests at once when idle, and one more every per/count. Immutable.
class Gcra {
 public:
  // All three are at least 1. The interval between two requests is rounded up to whole nanoseconds,
  // so a rate is never exceeded; what does not fit (an interval or a bucket that takes more than
  // 146 years to fill) is cut to that, with room for at least one request.
  Gcra(std::uint64_t count, std::uint64_t per_ms, std::uint64_t burst);

  // Pure. `now` and `arrival` are nanoseconds since the same start, below 2^62.
  [[nodiscard]] Decision decide(std::uint64_t arrival, std::uint64_t now) const {
    const std::uint64_t after = (arrival > now ? arrival : now) + interval_;
    return {after - now <= window_, after};
  }
  [[nodiscard]] Level level(std::uint64_t arrival, std::uint64_t now) const;

  [[nodiscard]] std::uint64_t interval() const { return interval_; }
  [[nodiscard]] std::uint64_t window() const { return window_; }

 private:
  std::uint64_t interval_;  // ns that one request uses up
  std::uint64_t window_;    // ns that a full bucket holds: burst * interval
};

}  // namespace portcullis::ratelimit
