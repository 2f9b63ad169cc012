// The two clocks, by name: monotonic for deadlines and limits, wall for tokens and logs. Functions
// that decide take `now` as a parameter; only loops and the composition root read a clock.
#pragma once

#include <chrono>

namespace portcullis {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;
using WallClock = std::chrono::system_clock;
using WallTime = WallClock::time_point;

inline constexpr TimePoint kNoDeadline = TimePoint::max();

}  // namespace portcullis
