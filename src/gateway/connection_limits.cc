#include "gateway/connection_limits.h"

namespace portcullis::gateway {

bool ConnectionCounts::open(const IpAddress& peer, std::uint32_t most,
                            std::uint32_t most_per_address) {
  if (all_.fetch_add(1, std::memory_order_relaxed) >= most) {
    all_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  const IpAddress address = key(peer);
  Part& here = part(address);
  const std::lock_guard lock(here.mutex);
  std::uint32_t& count = here.open[address];
  if (count >= most_per_address) {
    if (count == 0) here.open.erase(address);
    all_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  ++count;
  return true;
}

void ConnectionCounts::close(const IpAddress& peer) {
  const IpAddress address = key(peer);
  Part& here = part(address);
  const std::lock_guard lock(here.mutex);
  if (const auto found = here.open.find(address);
      found != here.open.end() && --found->second == 0) {
    here.open.erase(found);
  }
  all_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace portcullis::gateway
