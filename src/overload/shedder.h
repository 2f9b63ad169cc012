// How many requests of one worker may be under way to one upstream, found from how long it takes to
// answer: docs/floods.md says how and why in words.
//
// The limit moves once a window (a tenth of a second and at least sixteen answers):
//
//   slowness = the least of (latency / long-term latency of its operation) in the window
//   gradient = tolerance / slowness, within 0.5 … 1
//   limit   += 0.3 * (limit * gradient + √limit − limit)
//
// which is the gradient of Netflix's concurrency-limits, with three differences. The least of a
// window instead of a mean: a queue delays the fastest too, and a few slow requests say nothing.
// Latency in proportion to that of its own operation: when callers turn from what is quick to what
// is slow, nothing is overloaded. And the long-term latency rises only by what is seen while at
// most `minimum` requests are under way, when no queue of ours can be the reason: an overload that
// lasts never becomes normal, and an upstream that has become slower for other reasons is found out
// as soon as the limit has come down that far.
#pragma once

#include "base/clock.h"
#include "config/overload.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace portcullis::overload {

inline constexpr std::size_t kPriorities = 4;

// As the configuration and metrics call them.
[[nodiscard]] constexpr const char* priority_name(config::Priority priority) {
  switch (priority) {
    case config::Priority::kLow:
      return "low";
    case config::Priority::kNormal:
      return "normal";
    case config::Priority::kHigh:
      return "high";
    case config::Priority::kCritical:
      return "critical";
  }
  return "";
}

// What is known of an operation's latency, on one worker.
struct LatencyBaseline {
  double long_term = 0;     // microseconds; 0: nothing yet
  double window_least = 0;  // in the window of that number
  std::uint64_t window = 0;
};

// One worker's, of one upstream; lives through reloads. No clock, no lock.
class Shedder {
 public:
  explicit Shedder(const config::Overload& settings, TimePoint now);
  void use(const config::Overload& settings);

  // Whether one more request of that priority may go. Each has a share of the limit: low 60 %,
  // normal 80 %, high all of it; critical may go up to the configured maximum.
  [[nodiscard]] bool admits(config::Priority priority) const {
    return in_flight_ < most_[static_cast<std::size_t>(priority)];
  }
  void begin() {
    ++in_flight_;
    if (in_flight_ > peak_) peak_ = in_flight_;
  }
  void end() { --in_flight_; }
  // An answer's head has come after `latency`.
  void observe(Duration latency, LatencyBaseline& baseline, TimePoint now);

  [[nodiscard]] std::uint32_t limit() const { return static_cast<std::uint32_t>(limit_); }
  [[nodiscard]] std::uint32_t in_flight() const { return in_flight_; }

 private:
  static constexpr std::chrono::milliseconds kWindow{100};
  static constexpr std::uint32_t kLeastAnswers = 16;

  void settle(LatencyBaseline& baseline, double microseconds) const;
  void close_window(TimePoint now);
  void share_out();

  config::Overload settings_;
  double limit_;
  std::array<std::uint32_t, kPriorities> most_{};
  std::uint32_t in_flight_ = 0;
  // Of the window that is open.
  std::uint64_t window_ = 1;
  TimePoint opened_;
  std::uint32_t answers_ = 0;
  double slowness_ = 0;
  std::uint32_t peak_ = 0;
  std::uint64_t last_calm_ = 0;  // the last window in which no queue can have been ours
};

}  // namespace portcullis::overload
