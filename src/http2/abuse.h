// What a client may do for free but not without end: frames that cost the server more than they
// cost their sender.
#pragma once

#include "base/clock.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portcullis::http2 {

// As many in a time.
struct FrameRate {
  std::uint32_t count = 0;
  std::chrono::milliseconds window{};
};

enum class Abuse : std::uint8_t {
  kResets,    // streams reset by the client, or by us for what it did (rapid reset, MadeYouReset)
  kSettings,  // SETTINGS
  kPings,     // PING
  kEmptyFrames,         // DATA or header fragments of no bytes that end nothing
  kSmallFrames,         // DATA of a few bytes that end nothing
  kControlFrames,       // PRIORITY, unknown frames, WINDOW_UPDATE beyond what our DATA is worth
  kContinuationFrames,  // CONTINUATION frames of one header block
  kHeaderSize,          // a header block far beyond what is taken
  kSlowHead,            // a header block that does not end within `head_timeout`
  kWindow,              // a response that its client takes no bytes of
};
inline constexpr std::size_t kAbuses = 10;

// For metrics and logs: `resets`.
[[nodiscard]] constexpr std::string_view name_of(Abuse abuse) {
  constexpr std::array<std::string_view, kAbuses> kNames = {"resets",
                                                            "settings",
                                                            "pings",
                                                            "empty_frames",
                                                            "small_frames",
                                                            "control_frames",
                                                            "continuation_frames",
                                                            "header_size",
                                                            "slow_head",
                                                            "window"};
  return kNames[static_cast<std::size_t>(abuse)];
}

// Counts in windows that follow one another: in any time of one window's length there are at most
// twice as many as the rate says.
class FrameCounter {
 public:
  // One more. True when that is too many.
  [[nodiscard]] bool exceeds(const FrameRate& rate, TimePoint now) {
    if (now - began_ >= rate.window) {
      began_ = now;
      count_ = 0;
    }
    return ++count_ > rate.count;
  }

 private:
  TimePoint began_{};
  std::uint32_t count_ = 0;
};

}  // namespace portcullis::http2
