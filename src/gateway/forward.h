// Step 11: the request to an upstream, and its answer back, both streaming.
#pragma once

#include "base/arena.h"
#include "base/ip.h"
#include "gateway/account.h"
#include "gateway/answer_fields.h"
#include "gateway/codecs.h"
#include "gateway/grpc.h"
#include "gateway/plan.h"
#include "gateway/streams.h"
#include "http/client_exchange.h"
#include "http/exchange.h"
#include "ratelimit/limiter.h"
#include "upstream/upstream.h"

#include <chrono>
#include <optional>
#include <span>
#include <string_view>

namespace portcullis::gateway {

struct Forwarding {
  http::Exchange& exchange;
  const Plan& plan;
  std::string_view path;  // what the upstream gets
  const AnswerFields& fields;
  std::span<const Cidr> trusted_proxies;
  upstream::Upstream& upstream;
  Account& account;
  const ratelimit::Verdict& verdict;
  telemetry::HistogramId seconds;
  Ledger& ledger;
  Codecs& codecs;
  coding::Coding body_coding;  // what the request's body is decoded from; mostly kIdentity
  const config::Streams& stream_settings;
  StreamPlace streams;
  const GrpcCall* grpc = nullptr;  // null: the request is no call
};

// Forwards and answers. After an error the exchange has been answered as far as response_status()
// says: when it is 0, nothing has, and the error can be told; else the answer was cut short.
Task<Result<void>> forward(Forwarding& forwarding);

// An error of the connection to the upstream, as one of the upstream.
[[nodiscard]] Error as_upstream_error(Error error);

// How long a response's body may go on, and be silent.
struct BodyBounds {
  StreamLimit limit;
  std::chrono::milliseconds silence;
  bool events;        // a stream by nature: its silence is no error, and it is never whole
  bool grpc = false;  // a stream too, whose end is for its trailers to say
};

// The next piece of a response's body. Nothing when a bound is reached; the account then says
// which, and end_early() does what is to be done then.
Task<Result<std::optional<std::string_view>>> read_piece(Forwarding& forwarding,
                                                         http::ClientExchange& upstream,
                                                         const BodyBounds& bounds);

// Ends a body before its end. A stream of events goes as if it were whole, since its reader comes
// again and shows its credentials anew; a call says why in its trailers; any other body is cut off.
Task<Result<void>> end_early(Forwarding& forwarding, const BodyBounds& bounds);

// The trailers that go on: what may not be said in the head may not be said behind the body.
[[nodiscard]] Result<void> read_trailers(const Forwarding& forwarding,
                                         http::ClientExchange& upstream, http::Fields& to);

// RateLimit, RateLimit-Policy and Retry-After, when a limit was asked.
void add_limit_fields(http::Fields& fields, const ratelimit::Verdict& verdict, Arena& arena);

}  // namespace portcullis::gateway
