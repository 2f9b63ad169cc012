#include "http2/server_exchange.h"

#include "base/check.h"
#include "http/status.h"
#include "http2/name_values.h"
#include "http2/server_connection.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>
#include <utility>

namespace portcullis::http2 {
namespace {

using http::BodyKind;
using http::Field;
using http::FieldId;
using http::More;

// What a WebSocket client of HTTP/1.1 would have sent (RFC 6455 4.1); in HTTP/2 nobody looks at the
// answer to it, and the service behind us is owed one.
constexpr std::string_view kWebSocketKey = "cG9ydGN1bGxpcyBvdmVyIA==";
constexpr auto kForever = std::chrono::milliseconds::max();

TimePoint after(TimePoint now, std::chrono::milliseconds patience) {
  return patience == kForever ? kNoDeadline : now + patience;
}

std::string_view number(std::uint64_t value, Arena& arena) {
  char* const text = arena.array<char>(20);
  return {text, static_cast<std::size_t>(std::to_chars(text, text + 20, value).ptr - text)};
}

}  // namespace

// ---- its life

ServerExchange::Owner ServerExchange::create(ServerConnection& connection, std::int32_t stream) {
  runtime::Buffer block = connection.loop().buffers().borrow(runtime::BufferPool::kSmall);
  static_assert(sizeof(ServerExchange) < runtime::BufferPool::kSmall / 2);
  void* const place = block.data();
  return Owner(new (place) ServerExchange(connection, stream, std::move(block)));
}

void ServerExchange::Deleter::operator()(ServerExchange* exchange) const {
  const runtime::Buffer block = std::move(exchange->block);
  exchange->~ServerExchange();
}

ServerExchange::ServerExchange(ServerConnection& connection, std::int32_t stream,
                               runtime::Buffer memory)
    : ExchangeMemory(std::move(memory), sizeof(ServerExchange)),
      Exchange(connection.loop(), ExchangeMemory::arena, connection.info()),
      connection_(connection),
      stream_(stream),
      settings_(connection.context().settings()),
      head_(settings_.head, ExchangeMemory::arena, request_),
      receiving_(settings_.body_rate),
      readable_(connection.loop()),
      sending_(settings_.send_rate),
      response_trailers_(ExchangeMemory::arena),
      taken_(connection.loop()) {
  request_.scheme = connection.info().scheme;
}

nghttp2_session* ServerExchange::session() const { return connection_.session(); }

// ---- what arrives

void ServerExchange::finish_head(bool last) {
  head_finished_ = true;
  const Result<void> read = head_.finish(settings_.paths, connection_.info().scheme, last);
  if (!read) {
    head_error_ = read.error();
  } else if (!head_.protocol().empty()) {
    ask_for_upgrade();
  }
  continue_owed_ = request_.expects_continue && !last;
  body_ended_ = last;
}

void ServerExchange::ask_for_upgrade() {
  tunnel_ = true;
  request_.upgrade = head_.protocol();
  request_.upgrade_only = true;
  if (http::equals_ignoring_case(request_.upgrade, "websocket") &&
      request_.fields.count("sec-websocket-key") == 0) {
    request_.fields.add("sec-websocket-key", kWebSocketKey);
  }
}

bool ServerExchange::is_malformed_request() const {
  return (head_error_ && is_malformed(head_error_->code)) ||
         (body_error_ && is_malformed(body_error_->code));
}

void ServerExchange::malform(ErrorCode code, const char* why) {
  if (!body_error_) body_error_ = Error{code, ErrorSource::kClient, why, {}};
  readable_.open();
}

void ServerExchange::receive(std::string_view bytes) {
  arrived_ += bytes.size();
  if (request_.body == BodyKind::kLength && arrived_ > request_.content_length)
    malform(ErrorCode::kAmbiguousFraming, "body longer than its Content-Length");
  if (closed_ || cancelled_ || body_error_ || head_error_) {
    nghttp2_session_consume_stream(session(), stream_, bytes.size());
    return;
  }
  received_.put(bytes, loop().buffers());
  readable_.open();
}

void ServerExchange::add_trailer(std::string_view name, std::string_view value) {
  if (trailer_error_) return;
  if (const Result<void> added =
          http2::add_trailer(name, value, settings_.head, ExchangeMemory::arena, request_.trailers);
      !added) {
    trailer_error_ = added.error();
  }
}

void ServerExchange::end_body() {
  body_ended_ = true;
  if (request_.body == BodyKind::kLength && arrived_ < request_.content_length)
    malform(ErrorCode::kAmbiguousFraming, "body shorter than its Content-Length");
  if (trailer_error_ && !body_error_) body_error_ = trailer_error_;
  readable_.open();
}

void ServerExchange::on_close() {
  closed_ = true;
  readable_.open();
  taken_.open();
  if (gone_ != nullptr && !end_sent_) gone_(gone_context_);
}

void ServerExchange::on_end_sent() {
  end_sent_ = true;
  taken_.open();
}

void ServerExchange::when_client_gone(void (*gone)(void*), void* context) {
  gone_ = gone;
  gone_context_ = context;
  if (gone != nullptr && closed_) gone(context);
}

// ---- the request's body

void ServerExchange::give_back_piece() {
  const std::size_t size = std::exchange(lent_, 0);
  if (size == 0) return;
  received_.drop_front(size);
  // A reader that keeps up may have more in flight.
  if (!wide_ && received_.empty() && body_bytes_in_ >= ServerConnection::kStreamWindow && !closed_)
    wide_ = connection_.widen(stream_);
  if (nghttp2_session_consume_stream(session(), stream_, size) == 0) connection_.wake_writer();
}

Task<Result<std::string_view>> ServerExchange::next_piece(std::chrono::milliseconds patience) {
  give_back_piece();
  for (;;) {
    if (cancelled_) co_return fail(ErrorCode::kCancelled, "body is not wanted");
    if (body_error_) co_return std::unexpected(*body_error_);
    if (!received_.empty()) {
      const std::string_view piece = received_.front();
      lent_ = piece.size();
      body_bytes_in_ += piece.size();
      receiving_.earn(piece.size());
      co_return piece;
    }
    if (body_ended_) co_return std::string_view{};
    if (closed_) co_return refuse(ErrorCode::kClosed, "client reset the stream");
    const TimePoint since = loop().now();
    const bool any_rate = streaming_ || patience == kForever;
    const TimePoint until =
        any_rate ? after(since, patience) : receiving_.deadline(since, patience);
    if (co_await readable_.wait(until)) {
      receiving_.waited(since, loop().now(), 0);
      continue;
    }
    // Who has more patience may ask again.
    const bool rate = !any_rate && receiving_.is_reason(patience);
    if (!streaming_) connection_.context().on_slow_client(http::SlowClient::kBody, connection());
    co_return refuse(ErrorCode::kRequestTimeout,
                     rate ? "body came more slowly than `minimum_body_rate`"
                          : "body stalled for longer than `body_timeout`");
  }
}

Task<Result<std::string_view>> ServerExchange::read_body() {
  // A client that did not wait needs no leave.
  if (std::exchange(continue_owed_, false) && received_.empty() && !body_ended_ && !closed_) {
    NameValues status(ExchangeMemory::arena, 1);
    status.add(":status", "100");
    nghttp2_submit_headers(session(), NGHTTP2_FLAG_NONE, stream_, nullptr, status.data(),
                           status.size(), nullptr);
    connection_.wake_writer();
  }
  co_return co_await next_piece(settings_.body_timeout);
}

void ServerExchange::cancel_body() {
  cancelled_ = true;
  readable_.open();
}

// ---- the response

void ServerExchange::submit_head(const http::Response& head, bool with_body) {
  response_status_ = head.status;
  has_body_ = with_body;
  Arena& memory = ExchangeMemory::arena;
  NameValues entries(memory, head.fields.size() + 3);
  entries.add(":status", number(static_cast<std::uint64_t>(head.status), memory));
  for (const Field& field : head.fields) {
    if (!http::is_ours_to_write(field.id)) entries.add(field);
  }
  if (head.status >= 200 && head.fields.find(FieldId::kDate) == nullptr)
    entries.add("date", http::http_date(loop().wall_now()));
  const bool bodiless =
      request_.method == http::Method::kHead || head.status == 204 || head.status == 304 || tunnel_;
  if (bodiless) {
    // What the body would have been is for HEAD and 304 to say (RFC 9110 8.6).
    if (const Field* length = head.fields.find(FieldId::kContentLength);
        length != nullptr && head.status != 204 && !tunnel_) {
      entries.add("content-length", length->value);
    }
  } else if (head.body != BodyKind::kUnknown) {
    entries.add("content-length",
                number(head.body == BodyKind::kLength ? head.content_length : 0, memory));
  }
  const nghttp2_data_provider provider = connection_.data_provider();
  nghttp2_submit_response(session(), stream_, entries.data(), entries.size(),
                          with_body ? &provider : nullptr);
  connection_.wake_writer();
}

Task<Result<void>> ServerExchange::respond_interim(const http::Response& head) {
  if (response_status_ != 0) co_return Result<void>{};
  if (closed_) co_return refuse(ErrorCode::kClosed, "client reset the stream");
  Arena& memory = ExchangeMemory::arena;
  NameValues entries(memory, head.fields.size() + 1);
  entries.add(":status", number(static_cast<std::uint64_t>(head.status), memory));
  for (const Field& field : head.fields) {
    if (!http::is_ours_to_write(field.id)) entries.add(field);
  }
  nghttp2_submit_headers(session(), NGHTTP2_FLAG_NONE, stream_, nullptr, entries.data(),
                         entries.size(), nullptr);
  connection_.wake_writer();
  co_return Result<void>{};
}

Task<Result<void>> ServerExchange::respond(const http::Response& head, std::string_view body,
                                           More more) {
  if (closed_) co_return refuse(ErrorCode::kClosed, "client reset the stream");
  // To who asked for a tunnel, any success is one.
  if (tunnel_ && head.status < 300) {
    co_return fail(ErrorCode::kUpstreamBroken, "answered without switching protocols",
                   ErrorSource::kUpstream);
  }
  const bool bodiless =
      request_.method == http::Method::kHead || head.status == 204 || head.status == 304;
  if (bodiless) body = {};
  // A malformed request is answered, and its stream then reset: the answer must not end it.
  const bool with_body =
      is_malformed_request() || (!bodiless && (more == More::kYes || !body.empty()));
  submit_head(head, with_body);
  co_return co_await send(body, more, settings_.body_timeout);
}

Task<Result<void>> ServerExchange::write_body(std::string_view bytes, More more) {
  if (!has_body_) bytes = {};
  co_return co_await send(bytes, more, settings_.body_timeout);
}

Task<Result<void>> ServerExchange::send(std::string_view bytes, More more,
                                        std::chrono::milliseconds patience) {
  if (closed_) co_return refuse(ErrorCode::kClosed, "client reset the stream");
  if (!has_body_) {
    // HEADERS have ended it, or will; whatever follows is nothing.
    if (more == More::kNo) co_return co_await wait_until_taken(patience);
    co_return Result<void>{};
  }
  pending_ = bytes;
  if (more == More::kNo) end_ = is_malformed_request() ? End::kReset : End::kPlain;
  body_bytes_out_ += bytes.size();
  if (pending_.empty() && end_ == End::kNo) co_return Result<void>{};
  if (std::exchange(deferred_, false)) nghttp2_session_resume_data(session(), stream_);
  connection_.wake_writer();
  co_return co_await wait_until_taken(patience);
}

// What the client has taken while there was `pending` left of this response, and the connection had
// sent so much. While the windows are open, what it takes of others is what this one waits for.
std::uint64_t ServerExchange::moved_since(std::size_t pending, std::uint64_t of_connection) const {
  const bool open = nghttp2_session_get_stream_remote_window_size(session(), stream_) > 0 &&
                    nghttp2_session_get_remote_window_size(session()) > 0;
  return open ? connection_.sent() - of_connection : pending - pending_.size();
}

Error ServerExchange::too_slow_to_take() {
  pending_ = {};
  connection_.context().on_abuse(Abuse::kWindow, connection());
  connection_.context().on_slow_client(http::SlowClient::kSend, connection());
  reset(NGHTTP2_CANCEL);
  return {ErrorCode::kTimeout,
          ErrorSource::kClient,
          "client took the answer more slowly than `minimum_send_rate`, or nothing for "
          "`body_timeout`",
          {}};
}

// Until the frames have all of `pending_`, and the end where there is one.
Task<Result<void>> ServerExchange::wait_until_taken(std::chrono::milliseconds patience) {
  for (;;) {
    const bool waits_for_end = end_ != End::kNo || !has_body_;
    if (waits_for_end ? end_sent_ : pending_.empty()) co_return Result<void>{};
    if (closed_) co_return refuse(ErrorCode::kClosed, "client reset the stream");
    if (cancelled_ && tunnel_) co_return fail(ErrorCode::kCancelled, "the tunnel has ended");
    const std::size_t before = pending_.size();
    const std::uint64_t sent = connection_.sent();
    const TimePoint since = loop().now();
    const TimePoint until =
        patience == kForever ? kNoDeadline : sending_.deadline(since, patience, before);
    const bool opened = co_await taken_.wait(until);
    const std::uint64_t moved = moved_since(before, sent);
    if (patience != kForever) sending_.waited(since, loop().now(), moved);
    if (!opened && (moved == 0 || sending_.used_up()))
      co_return std::unexpected(too_slow_to_take());
  }
}

ssize_t ServerExchange::offer(std::size_t most, std::uint32_t& flags) {
  if (pending_.empty() && end_ == End::kNo) {
    deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const std::size_t size = std::min(most, pending_.size());
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (size == pending_.size() && end_ != End::kNo) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (end_ != End::kPlain) flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    // No frame is written that says nothing: the end is here.
    if (end_ == End::kReset && size == 0) on_end_sent();
    if (end_ == End::kTrailers) {
      const NameValues entries(ExchangeMemory::arena, response_trailers_.all());
      nghttp2_submit_trailer(session(), stream_, entries.data(), entries.size());
    }
  }
  return static_cast<ssize_t>(size);
}

void ServerExchange::take(char* into, std::size_t size) {
  if (size > 0) std::memcpy(into, pending_.data(), size);
  pending_.remove_prefix(size);
  if (!pending_.empty()) return;
  if (end_ == End::kReset) end_sent_ = true;
  taken_.open();
}

Task<Result<void>> ServerExchange::write_trailers(const http::Fields& trailers) {
  if (!has_body_ || trailers.size() == 0) co_return co_await write_body({}, More::kNo);
  if (closed_) co_return refuse(ErrorCode::kClosed, "client reset the stream");
  for (const Field& field : trailers) {
    if (!http::is_ours_to_write(field.id)) response_trailers_.add(field);
  }
  end_ = End::kTrailers;
  if (std::exchange(deferred_, false)) nghttp2_session_resume_data(session(), stream_);
  connection_.wake_writer();
  co_return co_await wait_until_taken(settings_.body_timeout);
}

void ServerExchange::reset(std::uint32_t code) {
  if (closed_ || std::exchange(reset_sent_, true)) return;
  nghttp2_submit_rst_stream(session(), NGHTTP2_FLAG_NONE, stream_, code);
  connection_.wake_writer();
}

Task<void> ServerExchange::finish() {
  gone_ = nullptr;
  cancelled_ = true;
  if (!end_sent_) {
    abort();
  } else if (end_ == End::kReset) {
    reset(NGHTTP2_PROTOCOL_ERROR);
  } else if (!body_ended_) {
    // RFC 9113 8.1: the answer is complete, and the rest of the request is not wanted.
    reset(NGHTTP2_NO_ERROR);
  }
  while (!closed_) (void)co_await taken_.wait(kNoDeadline);
  if (wide_) connection_.narrowed();
  give_back_piece();
  while (!received_.empty()) {
    lent_ = received_.front().size();
    give_back_piece();
  }
}

// ---- a tunnel (RFC 8441)

Task<Result<void>> ServerExchange::begin_tunnel(const http::Response& head, std::string_view) {
  if (closed_) co_return refuse(ErrorCode::kClosed, "client reset the stream");
  http::Response response(ExchangeMemory::arena);
  response.status = 200;
  for (const Field& field : head.fields) {
    if (field.name != "sec-websocket-accept") response.fields.add(field);
  }
  submit_head(response, true);
  response_status_ = 101;
  co_return Result<void>{};
}

Task<Result<std::string_view>> ServerExchange::read_tunnel() {
  co_return co_await next_piece(kForever);
}

Task<Result<void>> ServerExchange::write_tunnel(std::string_view bytes) {
  if (cancelled_) co_return fail(ErrorCode::kCancelled, "the tunnel has ended");
  co_return co_await send(bytes, More::kYes, kForever);
}

void ServerExchange::finish_tunnel() {
  end_ = End::kPlain;
  if (std::exchange(deferred_, false)) nghttp2_session_resume_data(session(), stream_);
  connection_.wake_writer();
}

void ServerExchange::cancel_tunnel() {
  cancelled_ = true;
  readable_.open();
  taken_.open();
}

}  // namespace portcullis::http2
