// gRPC calls on the request's way: their deadlines, and refusals in their words (docs/grpc.md).
//
// A call is an HTTP/2 request whose outcome stands in the trailers, so what the gateway says by
// itself is no problem document but a status there (the protocol's "Trailers-Only").
#pragma once

#include "base/arena.h"
#include "base/result.h"
#include "gateway/streams.h"
#include "http/exchange.h"
#include "http/message.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace portcullis::gateway {

// `application/grpc`, alone or with a message's format behind `+`; not gRPC-Web.
[[nodiscard]] bool is_grpc(std::string_view content_type);
[[nodiscard]] bool is_grpc(const http::Request& request);

// The codes that the gateway uses, by their numbers.
enum class GrpcStatus : std::uint8_t {
  kDeadlineExceeded = 4,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kUnauthenticated = 16,
};
[[nodiscard]] GrpcStatus grpc_status(ErrorCode code) noexcept;
// Of a call that we end before the upstream does.
[[nodiscard]] GrpcStatus grpc_status(StreamEnd why) noexcept;

// grpc-timeout: at most eight digits and a unit of H, M, S, m, u, n. Errors: kMalformedRequest.
[[nodiscard]] Result<std::chrono::nanoseconds> parse_grpc_timeout(std::string_view text);

// One call. Its limit is its deadline, or whatever else ends it first.
struct GrpcCall {
  StreamLimit limit;
  std::string_view timeout;  // for the upstream, of the arena; empty: nobody has said one
};

// `bound` is how long a call may take that says a deadline; one that says none is bounded as other
// streams are. Nothing when the request is no call. Errors: kMalformedRequest.
[[nodiscard]] Result<std::optional<GrpcCall>> find_grpc_call(http::Exchange& exchange,
                                                             const config::Streams& settings,
                                                             const authn::Identity* identity,
                                                             std::chrono::milliseconds bound);

// grpc-status and grpc-message, as trailers or in a head that has no body.
void add_grpc_status(http::Fields& to, GrpcStatus status, std::string_view message, Arena& arena);

}  // namespace portcullis::gateway
