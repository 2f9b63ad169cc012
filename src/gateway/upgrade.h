// Requests that ask to switch the connection to another protocol (RFC 9110 7.8): which of them go
// on as such, and which answers to them are believed.
//
// A proxy that takes a connection for a tunnel when its upstream does not lets requests through
// that nobody checked. So a handshake must be whole before it goes on, and only a 101 that fits it
// opens the tunnel.
#pragma once

#include "base/arena.h"
#include "base/result.h"
#include "http/message.h"

#include <span>
#include <string>
#include <string_view>

namespace portcullis::gateway {

// The one of `permitted` (in lower case) that comes first among the protocols that the client
// offers; empty when there is none.
[[nodiscard]] std::string_view choose_protocol(std::string_view offered,
                                               std::span<const std::string> permitted);

// Errors: kMalformedUpgrade.
[[nodiscard]] Result<void> check_upgrade_request(const http::Request& request,
                                                 std::string_view protocol);

class CorsRule;

// A browser says which page asks, sends its cookies along, and asks no leave of anybody: where the
// route has a rule for origins, it holds here too (RFC 6455 10.2). Who sends no Origin is no
// browser. Errors: kOriginNotAllowed.
[[nodiscard]] Result<void> check_upgrade_origin(const http::Request& request, const CorsRule& cors);

// `response` has the status 101. Errors: kUpstreamBroken.
[[nodiscard]] Result<void> check_upgrade_response(const http::Request& request,
                                                  std::string_view protocol,
                                                  const http::Response& response);

// Adds to a response of an upstream whose protocol proves the switch by itself what the client's
// handshake, if it had one, waits for.
void add_upgrade_proof(const http::Request& request, std::string_view protocol,
                       http::Response& response, Arena& arena);

// What Sec-WebSocket-Accept must be for a Sec-WebSocket-Key (RFC 6455 4.2.2).
[[nodiscard]] std::string websocket_accept(std::string_view key);

}  // namespace portcullis::gateway
