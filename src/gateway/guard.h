// What all workers, and all configurations one after the other, share against too much of anything.
#pragma once

#include "gateway/connection_limits.h"
#include "overload/bans.h"
#include "overload/concurrency_gate.h"
#include "overload/memory.h"
#include "ratelimit/table.h"

#include <atomic>
#include <cstdint>
#include <limits>

namespace portcullis::gateway {

struct Guard {
  explicit Guard(TimePoint start) : bans(start), arrivals(start, kArrivalSlots) {}
  overload::Bans bans;
  overload::ConcurrencyGates gates;
  overload::Memory memory;
  // Connections of all listeners together.
  ConnectionCounts connections;
  std::atomic<std::uint32_t> most_connections{std::numeric_limits<std::uint32_t>::max()};
  // How often each address has come. Who finds no room is counted with others like it.
  static constexpr std::size_t kArrivalSlots = std::size_t{1} << 16U;
  ratelimit::Table arrivals;
  ratelimit::SharedBuckets arrivals_beyond;
};

}  // namespace portcullis::gateway
