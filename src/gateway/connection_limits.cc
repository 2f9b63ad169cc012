#include "gateway/connection_limits.h"

namespace portcullis::gateway {

bool ConnectionCounts::open(std::uint32_t most) {
  if (all_.fetch_add(1, std::memory_order_relaxed) < most) return true;
  all_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

bool ConnectionCounts::open_from(const IpAddress& peer, std::uint32_t most) {
  const IpAddress address = key(peer);
  Part& here = part(address);
  const std::lock_guard lock(here.mutex);
  std::uint32_t& count = here.open[address];
  if (count >= most) {
    if (count == 0) here.open.erase(address);
    return false;
  }
  ++count;
  return true;
}

void ConnectionCounts::close_from(const IpAddress& peer) {
  const IpAddress address = key(peer);
  Part& here = part(address);
  const std::lock_guard lock(here.mutex);
  if (const auto found = here.open.find(address);
      found != here.open.end() && --found->second == 0) {
    here.open.erase(found);
  }
}

}  // namespace portcullis::gateway
