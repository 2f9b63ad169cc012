#include "gateway/forward.h"

#include "gateway/body_pump.h"
#include "gateway/compress.h"
#include "gateway/tunnel.h"
#include "gateway/upgrade.h"
#include "gateway/upstream_head.h"
#include "ratelimit/fields.h"
#include "runtime/task.h"

#include <algorithm>
#include <utility>

namespace portcullis::gateway {
namespace {

using http::BodyKind;
using http::ClientExchange;
using http::More;

constexpr int kMostInterimResponses = 16;
constexpr unsigned kPiecesAtOnce = 16;

// How one attempt ended, beside its Result.
enum class Processed : std::uint8_t {
  kMaybe,  // something of the request may have been acted upon
  kNo,     // certainly not: it may be sent again
};

// While this lives, a client that goes takes the request to the upstream along.
class WhileClientStays {
 public:
  WhileClientStays(http::Exchange& exchange, ClientExchange& upstream) : exchange_(exchange) {
    exchange_.when_client_gone(
        [](void* waiting) { static_cast<ClientExchange*>(waiting)->abandon(); }, &upstream);
  }
  ~WhileClientStays() { exchange_.when_client_gone(nullptr, nullptr); }
  WhileClientStays(const WhileClientStays&) = delete;
  WhileClientStays& operator=(const WhileClientStays&) = delete;

 private:
  http::Exchange& exchange_;
};

// What the client gets of the upstream's head, and what we add.
void fill_response(const Forwarding& forwarding, const http::Response& from, http::Response& to) {
  to.status = from.status;
  to.body = from.body;
  to.content_length = from.content_length;
  const bool nominates = may_nominate(from.fields);
  const bool limited = forwarding.verdict.tightest.limit != nullptr;
  for (const http::Field& field : from.fields) {
    // Content-Length goes along for answers to HEAD and for 304; the exchange frames all others
    // itself.
    if (is_hop_by_hop(field.id) && field.id != http::FieldId::kContentLength) continue;
    if (field.id == http::FieldId::kXRequestId) continue;
    if (limited && field.id == http::FieldId::kOther &&
        (field.name == ratelimit::kRateLimitField ||
         field.name == ratelimit::kRateLimitPolicyField)) {
      continue;
    }
    if (forwarding.fields.drops(field)) continue;
    if (nominates && is_nominated(from.fields, field)) continue;
    to.fields.add(field);
  }
  to.fields.add({"x-request-id", forwarding.account.request_id, http::FieldId::kXRequestId});
  add_limit_fields(to.fields, forwarding.verdict, forwarding.exchange.arena());
  forwarding.fields.add_to(to.fields, forwarding.exchange, forwarding.account, Maker::kUpstream);
}

// A 101 is final, and believed only by who asked for it. The client, whose handshake may be that of
// HTTP/1.1, gets the proof that it waits for.
Result<void> check_switch(const Forwarding& forwarding, const ClientExchange& upstream,
                          http::Response& response) {
  const std::string_view protocol = forwarding.account.upgrade;
  if (protocol.empty()) {
    return fail(ErrorCode::kUpstreamBroken, "upgraded a connection that asked for no upgrade",
                ErrorSource::kUpstream);
  }
  http::Exchange& exchange = forwarding.exchange;
  if (upstream.proves_switch())
    return check_upgrade_response(exchange.request(), protocol, response);
  add_upgrade_proof(exchange.request(), protocol, response, exchange.arena());
  return {};
}

// The wait for a head, or for what a call has left.
TimePoint head_deadline(const Forwarding& forwarding) {
  const TimePoint patience = forwarding.exchange.loop().now() + forwarding.plan.timeout;
  return forwarding.grpc != nullptr ? std::min(patience, forwarding.grpc->limit.at) : patience;
}

// A call whose time is over before its answer has begun.
std::optional<Error> call_over(Forwarding& forwarding) {
  const GrpcCall* const call = forwarding.grpc;
  if (call == nullptr || forwarding.exchange.loop().now() < call->limit.at) return std::nullopt;
  forwarding.account.ended = call->limit.why;
  forwarding.streams.count_end(call->limit.why);
  const bool deadline = call->limit.why == StreamEnd::kDeadline;
  return Error{deadline ? ErrorCode::kUpstreamTimeout
                        : (call->limit.why == StreamEnd::kExpired ? ErrorCode::kCredentialsInvalid
                                                                  : ErrorCode::kUnavailable),
               deadline ? ErrorSource::kUpstream : ErrorSource::kInternal,
               "the call's time was over: " + std::string(stream_end_name(call->limit.why)),
               {}};
}

// Waits for the final response's head, passing interim ones on. While the request's body still
// moves, the upstream's time has not begun.
Task<Result<http::Response>> read_final_head(Forwarding& forwarding, ClientExchange& upstream,
                                             const TaskGroup& pumping) {
  http::Exchange& exchange = forwarding.exchange;
  const http::Method method = exchange.request().method;
  for (int interim_left = kMostInterimResponses; interim_left >= 0; --interim_left) {
    http::Response response(exchange.arena());
    const bool pumped = pumping.running() > 0;
    const Result<void> read =
        co_await upstream.read_head(method, response, head_deadline(forwarding));
    if (!read) {
      if (read.error().code == ErrorCode::kTimeout) {
        if (std::optional<Error> over = call_over(forwarding)) co_return std::unexpected(*over);
      }
      if (read.error().code == ErrorCode::kTimeout && pumped) {
        ++interim_left;
        continue;
      }
      co_return std::unexpected(as_upstream_error(read.error()));
    }
    if (response.status >= 200) co_return response;
    if (response.status == 101) {
      PC_CO_CHECK(check_switch(forwarding, upstream, response));
      co_return response;
    }
    if (response.status == 100) continue;  // ours to say, and said when the body was asked for
    http::Response interim(exchange.arena());
    interim.status = response.status;
    for (const http::Field& field : response.fields) {
      if (!is_hop_by_hop(field.id) && !forwarding.fields.drops(field)) interim.fields.add(field);
    }
    PC_CO_CHECK(co_await exchange.respond_interim(interim));
  }
  co_return fail(ErrorCode::kUpstreamBroken, "too many interim responses", ErrorSource::kUpstream);
}

// What has a length was granted as a whole. What has none goes on for no longer than the
// credentials of its caller.
BodyBounds body_bounds(const Forwarding& forwarding, const http::Response& received) {
  const http::Field* type = received.fields.find(http::FieldId::kContentType);
  const bool grpc = forwarding.grpc != nullptr && type != nullptr && is_grpc(type->value);
  const bool events = grpc || (type != nullptr && is_event_stream(type->value));
  const authn::IdentityRef& identity = forwarding.account.identity;
  const bool endless = received.body == BodyKind::kUnknown;
  return {
      .limit = grpc ? forwarding.grpc->limit
                    : stream_limit(forwarding.exchange, forwarding.stream_settings,
                                   endless && identity ? &*identity : nullptr),
      .silence = events ? std::max(forwarding.plan.timeout, forwarding.stream_settings.idle_timeout)
                        : forwarding.plan.timeout,
      .events = events,
      .grpc = grpc};
}

// The response's body, piece by piece: the next one is read when the client has taken the last.
Task<Result<void>> relay_body(Forwarding& forwarding, ClientExchange& upstream,
                              const BodyBounds& bounds) {
  http::Exchange& exchange = forwarding.exchange;
  for (unsigned pieces = 1; !upstream.body_ended(); ++pieces) {
    // Between two sockets that are always ready, nobody else would have a turn.
    if (pieces % kPiecesAtOnce == 0) co_await exchange.loop().yield();
    PC_CO_TRY(const std::optional<std::string_view> piece,
              co_await read_piece(forwarding, upstream, bounds));
    if (!piece) co_return co_await end_early(forwarding, bounds);
    if (upstream.body_ended()) {
      http::Fields trailers(exchange.arena());
      PC_CO_CHECK(read_trailers(forwarding, upstream, trailers));
      if (trailers.size() > 0) {
        if (!piece->empty()) PC_CO_CHECK(co_await exchange.write_body(*piece, More::kYes));
        co_return co_await exchange.write_trailers(trailers);
      }
    }
    PC_CO_CHECK(
        co_await exchange.write_body(*piece, upstream.body_ended() ? More::kNo : More::kYes));
  }
  co_return Result<void>{};
}

// A body that is a stream by nature: counted, and the account says how it ended.
Task<Result<void>> relay_events(Forwarding& forwarding, ClientExchange& upstream,
                                const BodyBounds& bounds, Task<Result<void>> relay) {
  OpenStream stream(
      forwarding.streams, bounds.grpc ? StreamKind::kGrpc : StreamKind::kEvents,
      [](void* upstream) { static_cast<ClientExchange*>(upstream)->abandon(); }, &upstream);
  upstream.probe_peer();
  Result<void> outcome = co_await std::move(relay);
  std::optional<StreamEnd>& ended = forwarding.account.ended;
  if (stream.ended()) ended = stream.ended();
  const bool by_upstream = outcome || outcome.error().source == ErrorSource::kUpstream;
  if (!ended) ended = by_upstream ? StreamEnd::kUpstream : StreamEnd::kClient;
  stream.end(*ended);
  if (outcome || by_upstream) co_return outcome;
  // Its reader has left, which is how most of them end, or we do.
  forwarding.exchange.abort();
  co_return Result<void>{};
}

Task<Result<void>> relay(Forwarding& forwarding, ClientExchange& upstream,
                         const TaskGroup& pumping) {
  http::Exchange& exchange = forwarding.exchange;
  const TimePoint asked = exchange.loop().now();
  if (pumping.running() == 0) forwarding.account.passing.sent(asked);
  PC_CO_TRY(const http::Response received, co_await read_final_head(forwarding, upstream, pumping));
  forwarding.ledger.shard().observe(
      forwarding.seconds,
      static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(exchange.loop().now() - asked)
              .count()));
  forwarding.account.passing.answered(exchange.loop().now());
  http::Response response(exchange.arena());
  fill_response(forwarding, received, response);
  if (response.status == 101) [[unlikely]]
    co_return co_await exchange.begin_tunnel(response, forwarding.account.upgrade);
  if (!forwarding.plan.coding.responses.empty()) {
    Compression compression = prepare_compression(forwarding, response);
    if (compression.encoder != nullptr) {
      const BodyBounds bounds = body_bounds(forwarding, received);
      Task<Result<void>> body =
          relay_compressed(forwarding, upstream, response, bounds, std::move(compression));
      if (bounds.events)
        co_return co_await relay_events(forwarding, upstream, bounds, std::move(body));
      co_return co_await std::move(body);
    }
  }
  const Result<std::string_view> first = upstream.take_buffered_body();
  if (!first) co_return std::unexpected(first.error());
  // Trailers need the end of the body to themselves.
  http::Fields trailers(exchange.arena());
  if (upstream.body_ended()) PC_CO_CHECK(read_trailers(forwarding, upstream, trailers));
  const bool whole = upstream.body_ended() && trailers.size() == 0;
  PC_CO_CHECK(co_await exchange.respond(response, *first, whole ? More::kNo : More::kYes));
  if (whole) co_return Result<void>{};
  if (upstream.body_ended()) co_return co_await exchange.write_trailers(trailers);
  const BodyBounds bounds = body_bounds(forwarding, received);
  Task<Result<void>> body = relay_body(forwarding, upstream, bounds);
  if (bounds.events) co_return co_await relay_events(forwarding, upstream, bounds, std::move(body));
  co_return co_await std::move(body);
}

// One try on one connection.
Task<Result<void>> attempt(Forwarding& forwarding, upstream::Lease& lease,
                           const http::RequestHead& head, BodyPump& pump, Processed& processed) {
  http::Exchange& exchange = forwarding.exchange;
  ClientExchange& upstream = lease.exchange();
  const WhileClientStays watching(exchange, upstream);
  const Result<void> sent = co_await pump.begin(upstream, head);
  if (!sent) {
    const bool ours =
        sent.error().source == ErrorSource::kClient || sent.error().code == ErrorCode::kCancelled;
    if (ours) co_return std::unexpected(sent.error());
    if (upstream.unprocessed() && pump.repeatable()) processed = Processed::kNo;
    co_return std::unexpected(as_upstream_error(sent.error()));
  }
  TaskGroup pumping;
  if (!pump.ended()) pumping.spawn(pump.run());
  Result<void> outcome = co_await relay(forwarding, upstream, pumping);
  if (pumping.running() > 0) pump.stop();
  co_await pumping.join();
  if (!outcome) {
    if (exchange.response_status() != 0) co_return outcome;
    if (const std::optional<Error>& client_error = pump.client_error())
      co_return std::unexpected(*client_error);
    // A connection that had stood idle may have been closed just then.
    const bool lost = lease.reused() && !upstream.received() &&
                      http::is_idempotent(exchange.request().method) &&
                      outcome.error().code == ErrorCode::kUpstreamBroken;
    if ((lost || upstream.unprocessed()) && pump.repeatable()) processed = Processed::kNo;
    co_return outcome;
  }
  if (exchange.response_status() == 101) co_return outcome;  // the tunnel needs it
  if (pump.ended()) lease.keep();
  co_return outcome;
}

void count_failure(Forwarding& forwarding, const Error& error) {
  if (error.source != ErrorSource::kUpstream) return;
  forwarding.ledger.count_upstream_failure(forwarding.upstream.name(), error.code);
}

// Whose connection the target is told that it is.
upstream::Upstream::Ends ends_of(const Forwarding& forwarding) {
  const http::ConnectionInfo& connection = forwarding.exchange.connection();
  const IpAddress& client = forwarding.account.client;
  // Of a client behind another proxy no port is known.
  const bool direct = client == connection.peer.address;
  upstream::Upstream::Ends ends{{client, direct ? connection.peer.port : std::uint16_t{0}},
                                connection.local};
  if (ends.destination.port == 0 && client.is_v4()) ends.destination.address = IpAddress::v4(0);
  return ends;
}

// What an attempt says of its target: a proxy's or an overloaded server's statuses, and silence,
// speak against it; what the client did, or a pooled connection that had ended, says nothing.
void judge(upstream::Target& target, const Forwarding& forwarding, const Result<void>& outcome,
           Processed processed) {
  if (outcome) {
    const int status = forwarding.exchange.response_status();
    if (status == 502 || status == 503 || status == 504)
      target.failed("answered with status " + std::to_string(status));
    else
      target.succeeded();
    return;
  }
  const Error& error = outcome.error();
  const bool its_fault =
      error.code == ErrorCode::kUpstreamBroken || error.code == ErrorCode::kUpstreamTimeout;
  if (its_fault && processed == Processed::kMaybe) target.failed(error.detail);
}

}  // namespace

Task<Result<std::optional<std::string_view>>> read_piece(Forwarding& forwarding,
                                                         ClientExchange& upstream,
                                                         const BodyBounds& bounds) {
  Loop& loop = forwarding.exchange.loop();
  while (loop.now() < bounds.limit.at) {
    const Result<std::string_view> piece =
        co_await upstream.read_body(std::min(loop.now() + bounds.silence, bounds.limit.at));
    if (piece) co_return *piece;
    if (piece.error().code != ErrorCode::kTimeout)
      co_return std::unexpected(as_upstream_error(piece.error()));
    if (loop.now() >= bounds.limit.at) break;
    if (!bounds.events) co_return std::unexpected(as_upstream_error(piece.error()));
    forwarding.account.ended = StreamEnd::kIdle;
    co_return std::nullopt;
  }
  forwarding.account.ended = bounds.limit.why;
  co_return std::nullopt;
}

Task<Result<void>> end_early(Forwarding& forwarding, const BodyBounds& bounds) {
  http::Exchange& exchange = forwarding.exchange;
  const std::optional<StreamEnd>& ended = forwarding.account.ended;
  if (bounds.grpc && ended) {
    http::Fields trailers(exchange.arena());
    add_grpc_status(trailers, grpc_status(*ended), stream_end_name(*ended), exchange.arena());
    co_return co_await exchange.write_trailers(trailers);
  }
  if (bounds.events) co_return co_await exchange.write_body({}, More::kNo);
  if (ended) forwarding.streams.count_end(*ended);
  exchange.abort();
  co_return Result<void>{};
}

Result<void> read_trailers(const Forwarding& forwarding, ClientExchange& upstream,
                           http::Fields& to) {
  http::Fields trailers(forwarding.exchange.arena());
  PC_CHECK_OK(upstream.read_trailers(trailers));
  for (const http::Field& field : trailers) {
    if (!forwarding.fields.drops(field)) to.add(field);
  }
  return {};
}

Error as_upstream_error(Error error) {
  switch (error.code) {
    case ErrorCode::kTimeout:
      return {ErrorCode::kUpstreamTimeout, ErrorSource::kUpstream, "no answer in time", {}};
    case ErrorCode::kCancelled:
      return {ErrorCode::kClosed, ErrorSource::kClient, "client left before its answer", {}};
    case ErrorCode::kClosed:
      return {ErrorCode::kUpstreamBroken,
              ErrorSource::kUpstream,
              "connection lost: " + error.detail,
              {}};
    default:
      error.source = ErrorSource::kUpstream;
      return error;
  }
}

Task<Result<void>> forward(Forwarding& forwarding) {
  UpstreamHead head(forwarding);
  BodyPump pump(forwarding);
  upstream::Freshness freshness = upstream::Freshness::kAny;
  std::optional<upstream::Upstream::Ends> ends;
  if (forwarding.upstream.tells_client()) ends = ends_of(forwarding);
  Result<void> outcome;
  for (std::uint32_t retries = 0;; ++retries) {
    std::optional<upstream::Lease> lease;
    if (freshness == upstream::Freshness::kAny) lease = forwarding.upstream.try_acquire();
    if (!lease) {
      Result<upstream::Lease> made =
          co_await forwarding.upstream.acquire(freshness, ends ? &*ends : nullptr);
      if (!made) {
        if (std::optional<Error> over = call_over(forwarding)) {
          outcome = std::unexpected(*std::move(over));
          break;
        }
        count_failure(forwarding, made.error());
        outcome = std::unexpected(std::move(made).error());
        break;
      }
      lease = std::move(*made);
    }
    upstream::Target& target = lease->target();
    forwarding.account.upstream_target = &target.name();
    Processed processed = Processed::kMaybe;
    outcome = co_await attempt(forwarding, *lease, head.view(), pump, processed);
    judge(target, forwarding, outcome, processed);
    if (outcome) {
      if (forwarding.exchange.response_status() == 101) [[unlikely]] {
        head.release();
        co_await run_tunnel(forwarding, lease->exchange());
      }
      break;
    }
    count_failure(forwarding, outcome.error());
    if (processed == Processed::kMaybe || retries >= forwarding.plan.retries) break;
    forwarding.ledger.count_upstream_retry(forwarding.upstream.name());
    freshness = upstream::Freshness::kNewConnection;
  }
  if (pump.reading()) co_await pump.finish();
  co_return outcome;
}

void add_limit_fields(http::Fields& fields, const ratelimit::Verdict& verdict, Arena& arena) {
  if (verdict.tightest.limit == nullptr) return;
  const std::size_t room = verdict.tightest.limit->quoted_name.size() + ratelimit::kFieldRoom;
  const std::span<char> text(arena.array<char>(room), room);
  fields.add(ratelimit::kRateLimitField, ratelimit::rate_limit_value(verdict, text));
  fields.add(ratelimit::kRateLimitPolicyField, ratelimit::policy_value(verdict));
  if (verdict.allowed) return;
  const std::span<char> retry(arena.array<char>(ratelimit::kFieldRoom), ratelimit::kFieldRoom);
  fields.add(ratelimit::kRetryAfterField, ratelimit::retry_after_value(verdict, retry));
}

}  // namespace portcullis::gateway
