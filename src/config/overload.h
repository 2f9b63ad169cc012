// How the gateway holds out when too much comes: whom it bans, what it sheds, how much memory it
// takes. Plain data with its defaults, as in config.h.
#pragma once

#include "base/ip.h"
#include "config/rate.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace portcullis::config {

// What of an API goes first when not everything can be served.
enum class Priority : std::uint8_t { kLow, kNormal, kHigh, kCritical };

// How many offences of a kind are too many. Nothing: they are not counted.
struct BanCounters {
  std::optional<Rate> malformed;        // requests that break HTTP
  std::optional<Rate> unauthenticated;  // credentials that are missing or wrong
  std::optional<Rate> rate_limited;     // requests that a limit refused
  std::optional<Rate> handshakes;       // TLS handshakes that failed
  std::optional<Rate> slow;             // heads, bodies and answers that moved too slowly
  std::optional<Rate> http2;            // abuse of HTTP/2
  std::optional<Rate> connections;      // connections beyond what one address may have or make
};

struct Bans {
  BanCounters counters;
  std::chrono::milliseconds first{60'000};
  std::chrono::milliseconds maximum{86'400'000};
  std::chrono::milliseconds forgiven_after{86'400'000};
  std::vector<Cidr> never;
};

struct Overload {
  bool shed = false;
  std::uint32_t minimum = 8;   // requests in flight of a worker to an upstream
  std::uint32_t initial = 64;  // the same, before anything has been measured
  std::uint32_t maximum = 1024;
  std::uint32_t tolerance = 150;  // per cent of the long-term latency
};

struct Memory {
  std::uint64_t ceiling = 0;  // bytes; 0: three quarters of what the machine or its cgroup has
};

}  // namespace portcullis::config
