#include "gateway/forward.h"

#include "gateway/compress.h"
#include "gateway/decompress.h"
#include "gateway/tunnel.h"
#include "gateway/upgrade.h"
#include "gateway/upstream_head.h"
#include "http/chunked.h"
#include "ratelimit/fields.h"
#include "runtime/task.h"

#include <algorithm>
#include <utility>

namespace portcullis::gateway {
namespace {

using http::BodyKind;
using http::ClientConnection;
using http::More;

constexpr int kMostInterimResponses = 16;
constexpr unsigned kPiecesAtOnce = 16;

// How one attempt ended, beside its Result.
enum class Processed : std::uint8_t {
  kMaybe,  // something of the request may have been acted upon
  kNo,     // certainly not: it may be sent again
};

// The request's body on its way up, beside the response on its way down.
class BodyPump {
 public:
  BodyPump(Forwarding& forwarding, ClientConnection& connection)
      : forwarding_(forwarding), exchange_(forwarding.exchange), connection_(connection) {}

  // The head with the first piece of the body, in one write.
  Task<Result<void>> send_head(std::string_view head) {
    std::string_view first;
    if (exchange_.request().body != BodyKind::kNone) {
      PC_CO_TRY(first, co_await next_piece());
    }
    co_return co_await send(head, first);
  }

  // All of the request has been written: what follows on the connection is another one.
  [[nodiscard]] bool ended() const { return ended_; }

  // The rest. A failure ends the wait for a response that cannot come.
  Task<void> run() {
    while (!ended_ && !stopped_) {
      Result<std::string_view> piece = co_await next_piece();
      if (!piece) {
        client_error_ = std::move(piece).error();
        connection_.abandon();
        co_return;
      }
      if (stopped_) co_return;
      const Result<void> sent = co_await send({}, *piece);
      // The upstream may have answered and stopped reading: its response says.
      if (!sent) co_return;
    }
  }

  void stop() {
    stopped_ = true;
    exchange_.cancel_body();
    connection_.stream().cancel_write();
  }

  // Why the client's side failed, if it did.
  [[nodiscard]] const std::optional<Error>& client_error() const { return client_error_; }
  // Nothing of the request has reached the socket.
  [[nodiscard]] bool nothing_sent() const { return !anything_sent_; }

 private:
  Task<Result<std::string_view>> next_piece() {
    if (decoding()) [[unlikely]]
      co_return co_await next_decoded_piece();
    PC_CO_TRY(const std::string_view piece, co_await exchange_.read_body());
    PC_CO_CHECK(check_size());
    co_return piece;
  }

  [[nodiscard]] Result<void> check_size() const {
    if (exchange_.body_bytes_in() <= forwarding_.plan.body_size) return {};
    return refuse(ErrorCode::kContentTooLarge, "body exceeds `body_size`");
  }

  [[nodiscard]] bool decoding() const {
    return forwarding_.body_coding != coding::Coding::kIdentity;
  }

  Task<Result<std::string_view>> next_decoded_piece() {
    if (decoder_ == nullptr) {
      PC_CO_TRY(decoder_,
                RequestDecoder::make(forwarding_.plan, forwarding_.body_coding, forwarding_.codecs,
                                     forwarding_.ledger.shard(), exchange_.loop().buffers()));
    }
    for (;;) {
      PC_CO_TRY(const std::string_view plain, decoder_->next());
      if (!plain.empty()) {
        // Few bytes can become very many: others have their turn meanwhile.
        if (++decoded_pieces_ % kPiecesAtOnce == 0) co_await exchange_.loop().yield();
        co_return plain;
      }
      if (exchange_.body_ended()) {
        PC_CO_CHECK(decoder_->finish());
        co_return std::string_view{};
      }
      PC_CO_TRY(const std::string_view coded, co_await exchange_.read_body());
      PC_CO_CHECK(check_size());
      decoder_->give(coded);
    }
  }

  Task<Result<void>> send(std::string_view head, std::string_view piece) {
    const bool chunked = exchange_.request().body == BodyKind::kUnknown || decoding();
    const bool last = exchange_.body_ended() && (decoder_ == nullptr || decoder_->whole());
    char size_text[20];
    iovec parts[5];  // head, chunk head, piece, its end, last chunk
    std::size_t count = 0;
    const auto add = [&](std::string_view text) {
      if (!text.empty()) parts[count++] = {const_cast<char*>(text.data()), text.size()};
    };
    add(head);
    if (chunked && !piece.empty())
      add(http::write_chunk_head(piece.size(), std::span<char, 20>(size_text)));
    add(piece);
    if (chunked && !piece.empty()) add("\r\n");
    http::HeadWriter tail(exchange_.loop().buffers());
    if (chunked && last) {
      tail.put("0\r\n");
      write_upstream_trailers(forwarding_, tail);
      tail.put("\r\n");
      add(tail.text());
    }
    if (count > 0) {
      PC_CO_CHECK(co_await connection_.stream().write(
          std::span(parts, count), exchange_.loop().now() + forwarding_.plan.timeout));
      anything_sent_ = true;
    }
    ended_ = last;
    co_return Result<void>{};
  }

  Forwarding& forwarding_;
  http::Exchange& exchange_;
  ClientConnection& connection_;
  std::optional<Error> client_error_;
  std::unique_ptr<RequestDecoder> decoder_;
  unsigned decoded_pieces_ = 0;
  bool ended_ = false;
  bool stopped_ = false;
  bool anything_sent_ = false;
};

// While this lives, a client that goes takes the request to the upstream along.
class WhileClientStays {
 public:
  WhileClientStays(http::Exchange& exchange, ClientConnection& connection) : exchange_(exchange) {
    exchange_.when_client_gone(
        [](void* waiting) { static_cast<ClientConnection*>(waiting)->abandon(); }, &connection);
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

// A 101 is final, and believed only by who asked for it.
Result<void> check_switch(const Forwarding& forwarding, const http::Response& response) {
  const std::string_view protocol = forwarding.account.upgrade;
  if (protocol.empty()) {
    return fail(ErrorCode::kUpstreamBroken, "upgraded a connection that asked for no upgrade",
                ErrorSource::kUpstream);
  }
  return check_upgrade_response(forwarding.exchange.request(), protocol, response);
}

// Waits for the final response's head, passing interim ones on. While the request's body still
// moves, the upstream's time has not begun.
Task<Result<http::Response>> read_final_head(Forwarding& forwarding, ClientConnection& connection,
                                             const TaskGroup& pumping) {
  http::Exchange& exchange = forwarding.exchange;
  const http::Method method = exchange.request().method;
  for (int interim_left = kMostInterimResponses; interim_left >= 0; --interim_left) {
    http::Response response(exchange.arena());
    const bool pumped = pumping.running() > 0;
    const Result<void> read = co_await connection.read_head(
        method, response, exchange.loop().now() + forwarding.plan.timeout);
    if (!read) {
      if (read.error().code == ErrorCode::kTimeout && pumped) {
        ++interim_left;
        continue;
      }
      co_return std::unexpected(as_upstream_error(read.error()));
    }
    if (response.status >= 200) co_return response;
    if (response.status == 101) {
      PC_CO_CHECK(check_switch(forwarding, response));
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
  const bool events = type != nullptr && is_event_stream(type->value);
  const authn::IdentityRef& identity = forwarding.account.identity;
  const bool endless = received.body == BodyKind::kUnknown;
  return {
      .limit = stream_limit(forwarding.exchange, forwarding.stream_settings,
                            endless && identity ? &*identity : nullptr),
      .silence = events ? std::max(forwarding.plan.timeout, forwarding.stream_settings.idle_timeout)
                        : forwarding.plan.timeout,
      .events = events};
}

// The response's body, piece by piece: the next one is read when the client has taken the last.
Task<Result<void>> relay_body(Forwarding& forwarding, ClientConnection& connection,
                              const BodyBounds& bounds) {
  http::Exchange& exchange = forwarding.exchange;
  for (unsigned pieces = 1; !connection.body_ended(); ++pieces) {
    // Between two sockets that are always ready, nobody else would have a turn.
    if (pieces % kPiecesAtOnce == 0) co_await exchange.loop().yield();
    PC_CO_TRY(const std::optional<std::string_view> piece,
              co_await read_piece(forwarding, connection, bounds));
    if (!piece && bounds.events) co_return co_await exchange.write_body({}, More::kNo);
    if (!piece) {
      cut_off(forwarding);
      co_return Result<void>{};
    }
    if (connection.body_ended()) {
      http::Fields trailers(exchange.arena());
      PC_CO_CHECK(read_trailers(forwarding, connection, trailers));
      if (trailers.size() > 0) {
        if (!piece->empty()) PC_CO_CHECK(co_await exchange.write_body(*piece, More::kYes));
        co_return co_await exchange.write_trailers(trailers);
      }
    }
    PC_CO_CHECK(
        co_await exchange.write_body(*piece, connection.body_ended() ? More::kNo : More::kYes));
  }
  co_return Result<void>{};
}

// A body that is a stream by nature: counted, and the account says how it ended.
Task<Result<void>> relay_events(Forwarding& forwarding, ClientConnection& connection,
                                Task<Result<void>> relay) {
  OpenStream stream(
      forwarding.streams, StreamKind::kEvents,
      [](void* upstream) { static_cast<ClientConnection*>(upstream)->abandon(); }, &connection);
  connection.stream().probe_peer();
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

Task<Result<void>> relay(Forwarding& forwarding, ClientConnection& connection,
                         const TaskGroup& pumping) {
  http::Exchange& exchange = forwarding.exchange;
  const TimePoint asked = exchange.loop().now();
  PC_CO_TRY(const http::Response received,
            co_await read_final_head(forwarding, connection, pumping));
  forwarding.ledger.shard().observe(
      forwarding.seconds,
      static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(exchange.loop().now() - asked)
              .count()));
  http::Response response(exchange.arena());
  fill_response(forwarding, received, response);
  if (response.status == 101) [[unlikely]]
    co_return co_await exchange.begin_tunnel(response, forwarding.account.upgrade);
  if (!forwarding.plan.coding.responses.empty()) {
    Compression compression = prepare_compression(forwarding, response);
    if (compression.encoder != nullptr) {
      const BodyBounds bounds = body_bounds(forwarding, received);
      Task<Result<void>> body =
          relay_compressed(forwarding, connection, response, bounds, std::move(compression));
      if (bounds.events) co_return co_await relay_events(forwarding, connection, std::move(body));
      co_return co_await std::move(body);
    }
  }
  const Result<std::string_view> first = connection.take_buffered_body();
  if (!first) co_return std::unexpected(first.error());
  // Trailers need the end of the body to themselves.
  http::Fields trailers(exchange.arena());
  if (connection.body_ended()) PC_CO_CHECK(read_trailers(forwarding, connection, trailers));
  const bool whole = connection.body_ended() && trailers.size() == 0;
  PC_CO_CHECK(co_await exchange.respond(response, *first, whole ? More::kNo : More::kYes));
  if (whole) co_return Result<void>{};
  if (connection.body_ended()) co_return co_await exchange.write_trailers(trailers);
  const BodyBounds bounds = body_bounds(forwarding, received);
  Task<Result<void>> body = relay_body(forwarding, connection, bounds);
  if (bounds.events) co_return co_await relay_events(forwarding, connection, std::move(body));
  co_return co_await std::move(body);
}

// One try on one connection.
Task<Result<void>> attempt(Forwarding& forwarding, upstream::Lease& lease, std::string_view head,
                           Processed& processed) {
  http::Exchange& exchange = forwarding.exchange;
  ClientConnection& connection = lease.connection();
  connection.begin();
  const WhileClientStays watching(exchange, connection);
  BodyPump pump(forwarding, connection);
  const Result<void> sent = co_await pump.send_head(head);
  if (!sent) {
    const bool ours =
        sent.error().source == ErrorSource::kClient || sent.error().code == ErrorCode::kCancelled;
    if (ours) co_return std::unexpected(sent.error());
    // The write failed as a whole: the connection was gone before a byte of this request.
    if (lease.reused() && pump.nothing_sent() && exchange.body_bytes_in() == 0)
      processed = Processed::kNo;
    co_return std::unexpected(as_upstream_error(sent.error()));
  }
  TaskGroup pumping;
  if (exchange.request().body != BodyKind::kNone && !pump.ended()) pumping.spawn(pump.run());
  Result<void> outcome = co_await relay(forwarding, connection, pumping);
  if (pumping.running() > 0) pump.stop();
  co_await pumping.join();
  if (!outcome) {
    const std::optional<Error>& client_error = pump.client_error();
    if (client_error && exchange.response_status() == 0) co_return std::unexpected(*client_error);
    const bool idempotent = http::is_idempotent(exchange.request().method);
    if (lease.reused() && !connection.received() && idempotent && exchange.body_bytes_in() == 0 &&
        outcome.error().code == ErrorCode::kUpstreamBroken) {
      processed = Processed::kNo;
    }
    co_return outcome;
  }
  if (exchange.response_status() == 101) co_return outcome;  // the tunnel needs it
  if (exchange.request().body == BodyKind::kNone || pump.ended()) lease.keep();
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
                                                         ClientConnection& connection,
                                                         const BodyBounds& bounds) {
  Loop& loop = forwarding.exchange.loop();
  while (loop.now() < bounds.limit.at) {
    const Result<std::string_view> piece =
        co_await connection.read_body(std::min(loop.now() + bounds.silence, bounds.limit.at));
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

void cut_off(Forwarding& forwarding) {
  if (forwarding.account.ended) forwarding.streams.count_end(*forwarding.account.ended);
  forwarding.exchange.abort();
}

Result<void> read_trailers(const Forwarding& forwarding, ClientConnection& connection,
                           http::Fields& to) {
  http::Fields trailers(forwarding.exchange.arena());
  PC_CHECK_OK(connection.read_trailers(trailers));
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
  http::HeadWriter head(forwarding.exchange.loop().buffers());
  write_upstream_head(forwarding, head);
  upstream::Freshness freshness = upstream::Freshness::kAny;
  std::optional<upstream::Upstream::Ends> ends;
  if (forwarding.upstream.tells_client()) ends = ends_of(forwarding);
  for (std::uint32_t retries = 0;; ++retries) {
    std::optional<upstream::Lease> lease;
    if (freshness == upstream::Freshness::kAny) lease = forwarding.upstream.try_acquire();
    if (!lease) {
      Result<upstream::Lease> made =
          co_await forwarding.upstream.acquire(freshness, ends ? &*ends : nullptr);
      if (!made) {
        count_failure(forwarding, made.error());
        co_return std::unexpected(std::move(made).error());
      }
      lease = std::move(*made);
    }
    upstream::Target& target = lease->target();
    forwarding.account.upstream_target = &target.name();
    Processed processed = Processed::kMaybe;
    Result<void> outcome = co_await attempt(forwarding, *lease, head.text(), processed);
    judge(target, forwarding, outcome, processed);
    if (outcome) {
      if (forwarding.exchange.response_status() == 101) [[unlikely]] {
        head.release();
        co_await run_tunnel(forwarding, lease->connection());
      }
      co_return outcome;
    }
    count_failure(forwarding, outcome.error());
    if (processed == Processed::kMaybe || retries >= forwarding.plan.retries) co_return outcome;
    forwarding.ledger.count_upstream_retry(forwarding.upstream.name());
    freshness = upstream::Freshness::kNewConnection;
  }
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
