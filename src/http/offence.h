// What a client may be banned for, when it does it again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portcullis::http {

enum class Offence : std::uint8_t {
  kMalformed,        // a request that breaks HTTP
  kUnauthenticated,  // credentials that are missing or wrong
  kRateLimited,      // a request that a limit refused
  kHandshake,        // a TLS handshake that failed
  kSlow,             // a head or a body that came too slowly, an answer that was taken so
  kHttp2,            // abuse of HTTP/2
  kConnections,      // a connection beyond what one address may have, or may make in a time
};
inline constexpr std::size_t kOffences = 7;

// As the configuration, logs and metrics call them.
[[nodiscard]] constexpr std::string_view offence_name(Offence offence) {
  switch (offence) {
    case Offence::kMalformed:
      return "malformed";
    case Offence::kUnauthenticated:
      return "unauthenticated";
    case Offence::kRateLimited:
      return "rate_limited";
    case Offence::kHandshake:
      return "handshakes";
    case Offence::kSlow:
      return "slow";
    case Offence::kHttp2:
      return "http2";
    case Offence::kConnections:
      return "connections";
  }
  return "";
}

}  // namespace portcullis::http
