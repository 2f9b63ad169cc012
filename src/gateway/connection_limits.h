// How many connections a listener has, in all and from each address: asked at accept, across
// workers.
#pragma once

#include "base/ip.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>

namespace portcullis::gateway {

class ConnectionCounts {
 public:
  // One more of all. False, and nothing counted, when the maximum is reached.
  [[nodiscard]] bool open(std::uint32_t most);
  void close() { all_.fetch_sub(1, std::memory_order_relaxed); }
  // One more of an address, once it is known. IPv6 addresses count by their /64.
  [[nodiscard]] bool open_from(const IpAddress& peer, std::uint32_t most);
  void close_from(const IpAddress& peer);
  [[nodiscard]] std::uint32_t all() const { return all_.load(std::memory_order_relaxed); }

 private:
  struct Part {
    std::mutex mutex;
    std::map<IpAddress, std::uint32_t> open;  // as many entries as there are connections at most
  };
  static IpAddress key(const IpAddress& peer) { return peer.is_v4() ? peer : peer.prefix(64); }
  Part& part(const IpAddress& address) {
    return parts_[(address.bytes[15] ^ address.bytes[7]) % parts_.size()];
  }

  std::atomic<std::uint32_t> all_{0};
  std::array<Part, 16> parts_;
};

}  // namespace portcullis::gateway
