// Who is at the other end, behind proxies that are trusted to say so.
#pragma once

#include "base/ip.h"
#include "http/message.h"

#include <span>

namespace portcullis::gateway {

[[nodiscard]] bool is_trusted(const IpAddress& address, std::span<const Cidr> trusted);

// The client's address: the peer itself, unless it is a trusted proxy. Then the rightmost address
// of Forwarded (RFC 7239) or X-Forwarded-For that is not itself a trusted proxy; what stands left
// of it, anybody could have written. What cannot be read ends the walk at the last trusted hop.
// Most proxies add to one of the two fields and let the other pass, so where both are there and
// disagree, one was written by the client: neither is believed.
[[nodiscard]] IpAddress client_address(const IpAddress& peer, std::span<const Cidr> trusted,
                                       const http::Fields& fields);

// The scheme that the client used: the connection's own, or what a trusted proxy says of its own in
// X-Forwarded-Proto.
[[nodiscard]] http::Scheme client_scheme(const IpAddress& peer, std::span<const Cidr> trusted,
                                         const http::Request& request);

}  // namespace portcullis::gateway
