#include "ratelimit/gcra.h"

#include "base/check.h"

#include <algorithm>

namespace portcullis::ratelimit {
namespace {

// GCC and clang have it on every 64-bit target; only -Wpedantic minds.
__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kLongest = std::uint64_t{1} << 62;
constexpr std::uint64_t kNanosecondsPerMs = 1'000'000;

}  // namespace

Gcra::Gcra(std::uint64_t count, std::uint64_t per_ms, std::uint64_t burst) {
  PC_CHECK(count > 0 && per_ms > 0 && burst > 0);
  const Wide per = static_cast<Wide>(per_ms) * kNanosecondsPerMs;
  interval_ = static_cast<std::uint64_t>(std::min<Wide>((per + count - 1) / count, kLongest));
  window_ =
      static_cast<std::uint64_t>(std::min<Wide>(static_cast<Wide>(burst) * interval_, kLongest));
}

Level Gcra::level(std::uint64_t arrival, std::uint64_t now) const {
  const std::uint64_t used = arrival > now ? arrival - now : 0;
  // A worker whose clock reading is a little older than another's sees more used than there is.
  const std::uint64_t left = used < window_ ? window_ - used : 0;
  Level level;
  level.remaining = left / interval_;
  level.full_after_ns = used;
  if (level.remaining == 0) level.next_after_ns = used + interval_ - window_;
  return level;
}

}  // namespace portcullis::ratelimit
