// The header that a balancer puts before everything else on a connection, to say whose it is: PROXY
// protocol, versions 1 and 2 (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt).
//
// Read strictly and within bounds: it says who is calling, so a header that two readers could take
// differently is refused. It is only ever read from peers that are trusted.
#pragma once

#include "base/ip.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace portcullis::http {

struct ProxyHeader {
  std::size_t size = 0;  // of the header: what the client sends begins behind it
  // Whose connection it is, and where it came in. Nothing when the balancer speaks for itself
  // (LOCAL, UNKNOWN, AF_UNSPEC): then the peer of the connection is the peer.
  struct Ends {
    IpEndpoint source;
    IpEndpoint destination;
  };
  std::optional<Ends> ends;
};

// The whole of a header, fields (TLV) included; no balancer sends as much.
inline constexpr std::size_t kMaximumProxyHeader = 4096;

// The header at the front of `bytes`; nothing when more bytes must come first, which is never so
// once there are kMaximumProxyHeader. A CRC32c is checked where there is one, other fields are
// skipped. Errors: kMalformedRequest.
[[nodiscard]] Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

enum class ProxyVersion : std::uint8_t { kV1, kV2 };

// The header that says so to an upstream. Without `ends`, that the connection is our own. Ends of
// different families are written as IPv6, IPv4 mapped into it.
[[nodiscard]] std::string write_proxy_header(ProxyVersion version,
                                             const std::optional<ProxyHeader::Ends>& ends);

}  // namespace portcullis::http
