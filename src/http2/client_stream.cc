#include "http2/client_stream.h"

#include "http/client.h"
#include "http/head.h"
#include "http2/name_values.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace portcullis::http2 {
namespace {

using http::FieldId;
using http::More;

constexpr http::HeadLimits kLimits = http::ClientConnection::kHeadLimits;
constexpr std::size_t kLineOverhead = 4;  // `: ` and CR LF, as HTTP/1.1 counts a head
constexpr unsigned kMostInterim = 16;

auto cancelled() { return fail(ErrorCode::kCancelled, "the response is not wanted any more"); }
auto timed_out() { return fail(ErrorCode::kTimeout, "deadline passed"); }

}  // namespace

ClientStream::ClientStream(std::shared_ptr<ClientSession> session)
    : session_(std::move(session)), sent_(session_->loop()), arrived_(session_->loop()) {}

ClientStream::~ClientStream() {
  if (id_ == 0) {
    --session_->unsent_;
    session_->end_if_done();
    session_->changed();
    return;
  }
  if (closed_) return;
  pending_ = {};
  // An end that is just about to be said needs nobody to wait for it.
  const bool ending = remote_ended_ && last_ && trailers_ == nullptr && !abandoned_;
  if (!ending) reset(NGHTTP2_CANCEL);
  session_->streams_[id_] = nullptr;
}

void ClientStream::reset(std::uint32_t error_code) {
  if (id_ == 0 || closed_ || session_->over_) return;
  nghttp2_submit_rst_stream(session_->session_, NGHTTP2_FLAG_NONE, id_, error_code);
  session_->wake_writer();
}

bool ClientStream::complain(std::string why) {
  if (why_.empty()) why_ = std::move(why);
  received_ = true;
  unprocessed_ = false;
  arrived_.open();
  sent_.open();
  reset(NGHTTP2_PROTOCOL_ERROR);
  return false;
}

Error ClientStream::broken() const {
  return {ErrorCode::kUpstreamBroken,
          ErrorSource::kUpstream,
          why_.empty() ? "the stream ended before its response" : why_,
          {}};
}

// ---- the request

Result<void> ClientStream::submit(const http::RequestHead& head) {
  if (session_->over_ || nghttp2_session_check_request_allowed(session_->session_) == 0)
    return fail(ErrorCode::kClosed, "the connection takes no more requests",
                ErrorSource::kUpstream);
  tunnel_ = head.tunnel;
  if (tunnel_ && nghttp2_session_get_remote_settings(
                     session_->session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 1) {
    return fail(ErrorCode::kUpstreamBroken,
                "takes no other protocol over HTTP/2 (RFC 8441): its SETTINGS do not allow it",
                ErrorSource::kUpstream);
  }
  const bool bare = !tunnel_ && last_ && pending_.empty() && trailers_ == nullptr;
  const std::int32_t id = session_->submit(head.fields, !bare, arena_);
  if (id < 0) return fail(ErrorCode::kClosed, nghttp2_strerror(id), ErrorSource::kUpstream);
  id_ = id;
  asked_ = session_->loop().now();
  --session_->unsent_;
  session_->streams_.emplace(id, this);
  session_->carried_any_ = true;
  session_->wake_writer();
  return {};
}

void ClientStream::offer(const http::BodyPiece& piece) {
  pending_ = piece.bytes;
  last_ = piece.more == More::kNo;
  trailers_ = piece.trailers != nullptr && piece.trailers->size() > 0 ? piece.trailers : nullptr;
}

// Until nghttp2 has copied what was offered, which it does as far as the windows let it.
Task<Result<void>> ClientStream::until_taken(TimePoint deadline) {
  Result<void> outcome;
  while (outcome && (!pending_.empty() || trailers_ != nullptr)) {
    if (send_cancelled_ || abandoned_)
      outcome = cancelled();
    else if (closed_ || !why_.empty())
      outcome = std::unexpected(broken());
    else if (!co_await sent_.wait(deadline) && (!pending_.empty() || trailers_ != nullptr))
      outcome = timed_out();
  }
  if (!outcome) {
    // A part of it may have gone, and nothing can follow.
    pending_ = {};
    trailers_ = nullptr;
    last_ = false;
    send_cancelled_ = true;
  }
  co_return outcome;
}

Task<Result<void>> ClientStream::send_head(const http::RequestHead& head, http::BodyPiece first,
                                           TimePoint deadline) {
  offer(head.tunnel ? http::BodyPiece{{}, More::kYes} : first);
  const Result<void> submitted = submit(head);
  if (!submitted) {
    pending_ = {};
    trailers_ = nullptr;
    co_return submitted;
  }
  co_return co_await until_taken(deadline);
}

Task<Result<void>> ClientStream::send_body(http::BodyPiece piece, TimePoint deadline) {
  if (send_cancelled_ || abandoned_) co_return cancelled();
  if (closed_ || !why_.empty()) co_return std::unexpected(broken());
  offer(piece);
  if (std::exchange(deferred_, false)) nghttp2_session_resume_data(session_->session_, id_);
  session_->wake_writer();
  co_return co_await until_taken(deadline);
}

std::ptrdiff_t ClientStream::take_body(char* into, std::size_t size, bool& end) {
  const std::size_t take = std::min(size, pending_.size());
  end = last_ && take == pending_.size();
  if (take == 0 && !end) {
    deferred_ = true;
    return -1;
  }
  if (take > 0) std::memcpy(into, pending_.data(), take);
  pending_.remove_prefix(take);
  if (pending_.empty()) sent_.open();
  return static_cast<std::ptrdiff_t>(take);
}

void ClientStream::submit_trailers() {
  const NameValues pairs(arena_, trailers_->all());
  nghttp2_submit_trailer(session_->session_, id_, pairs.data(), pairs.size());
  trailers_ = nullptr;
}

void ClientStream::cancel_send() {
  send_cancelled_ = true;
  sent_.open();
}

// ---- what the session brings

bool ClientStream::add_field(std::string_view name, std::string_view value) {
  if (!block_) return true;
  block_bytes_ += name.size() + value.size() + kLineOverhead;
  if (block_bytes_ > kLimits.size) return complain("head is too large");
  if (++block_fields_ > kLimits.fields) return complain("too many fields");
  if (!http::is_field_value(value)) return complain("control character in a field value");
  if (name == ":status") {
    block_->status = arena_.copy(value);
    return true;
  }
  if (!http::is_lower_token(name)) return complain("character that may not stand in a field name");
  const FieldId id = http::identify_field(name);
  if (http::is_connection_specific(id) || id == FieldId::kHttp2Settings)
    return complain("field of an HTTP/1.1 connection");
  block_->fields.add({arena_.copy(name), arena_.copy(value), id});
  return true;
}

bool ClientStream::end_block() {
  if (!block_ || !why_.empty()) return why_.empty();
  const Block block = *block_;
  block_.reset();
  received_ = true;
  if (final_came_) {
    for (const http::Field& field : block.fields) {
      if (!http::may_stand_in_trailers(field))
        return complain("field that may not stand in trailers");
    }
    trailer_block_ = block;
    return true;
  }
  const std::string_view status = block.status;
  const bool shaped = status.size() == 3 && status[0] >= '1' && status[0] <= '5' &&
                      std::ranges::all_of(status, [](char c) { return c >= '0' && c <= '9'; });
  if (!shaped || status == "101") return complain("status code is malformed");
  final_came_ = status[0] != '1';
  if (final_came_) {
    block_bytes_ = 0;  // the trailers' own
    block_fields_ = 0;
  } else if (++interim_ > kMostInterim) {
    return complain("too many interim responses");
  }
  heads_.push_back(block);
  arrived_.open();
  return true;
}

void ClientStream::add_data(std::string_view bytes) {
  if (!why_.empty() || abandoned_) return;
  // nghttp2 resets such a stream, but hands on what has come until then.
  if (body_.size() + bytes.size() > static_cast<std::size_t>(kClientStreamWindow)) {
    static_cast<void>(complain("more than the stream's window allows"));
    return;
  }
  body_.put(bytes, session_->loop().buffers());
  arrived_.open();
}

void ClientStream::end_remote() {
  remote_ended_ = true;
  arrived_.open();
}

void ClientStream::close(std::string why, bool unprocessed) {
  closed_ = true;
  unprocessed_ = unprocessed && !final_came_;
  if (why_.empty() && !remote_ended_) why_ = std::move(why);
  arrived_.open();
  sent_.open();
}

// ---- the answer

// A connection on which nothing at all came while a request waited has probably died.
void ClientStream::suspect() {
  if (session_->heard_ < asked_) session_->retire();
}

Task<Result<void>> ClientStream::read_head(http::Method to, http::Response& response,
                                           TimePoint deadline) {
  while (heads_.empty()) {
    if (abandoned_) co_return cancelled();
    if (closed_ || !why_.empty()) co_return std::unexpected(broken());
    if (!co_await arrived_.wait(deadline) && heads_.empty()) {
      suspect();
      co_return timed_out();
    }
  }
  if (abandoned_) co_return cancelled();
  const Block head = heads_.front();
  heads_.erase(heads_.begin());
  std::from_chars(head.status.data(), head.status.data() + head.status.size(), response.status);
  response.fields = head.fields;
  response.body = http::BodyKind::kNone;
  if (response.status < 200) co_return Result<void>{};
  if (tunnel_ && response.status < 300) {
    response.status = 101;  // RFC 8441 5: what HTTP/1.1 says in that way
    co_return Result<void>{};
  }
  if (to == http::Method::kHead || response.status == 204 || response.status == 304) {
    body_ended_ = true;
    co_return Result<void>{};
  }
  settle_body_end();
  if (body_ended_ && !trailer_block_) co_return Result<void>{};
  response.body = http::BodyKind::kUnknown;
  if (const http::Field* length = response.fields.find(FieldId::kContentLength)) {
    const std::string_view text = length->value;
    std::from_chars(text.data(), text.data() + text.size(), response.content_length);
    response.body = response.content_length > 0 ? http::BodyKind::kLength : http::BodyKind::kNone;
  }
  co_return Result<void>{};
}

// What the reader had in hand is taken: the peer may send as much again.
void ClientStream::release_taken() {
  if (lent_ == 0) return;
  body_.drop_front(lent_);
  if (!closed_ && !session_->over_) {
    nghttp2_session_consume_stream(session_->session_, id_, lent_);
    session_->wake_writer();
  }
  lent_ = 0;
}

std::string_view ClientStream::take_piece() {
  const std::string_view piece = body_.front();
  lent_ = piece.size();
  settle_body_end();
  return piece;
}

Result<std::string_view> ClientStream::take_buffered_body() {
  if (body_ended_) return std::string_view{};
  release_taken();
  if (!body_.empty()) return take_piece();
  settle_body_end();
  return std::string_view{};
}

Task<Result<std::string_view>> ClientStream::read_body(TimePoint deadline) {
  while (!body_ended_) {
    release_taken();
    if (abandoned_) co_return cancelled();
    if (!body_.empty()) co_return take_piece();
    settle_body_end();
    if (body_ended_) break;
    if (closed_ || !why_.empty()) co_return std::unexpected(broken());
    if (!co_await arrived_.wait(deadline) && body_.empty() && !remote_ended_) {
      suspect();
      co_return timed_out();
    }
  }
  co_return std::string_view{};
}

Result<void> ClientStream::read_trailers(http::Fields& trailers) {
  if (!trailer_block_) return {};
  for (const http::Field& field : trailer_block_->fields) trailers.add(field);
  return {};
}

void ClientStream::abandon() {
  abandoned_ = true;
  reset(NGHTTP2_CANCEL);
  arrived_.open();
  sent_.open();
}

// ---- a tunnel

Task<Result<std::string_view>> ClientStream::read_tunnel() {
  body_ended_ = false;
  Result<std::string_view> piece = co_await read_body(kNoDeadline);
  if (!piece && piece.error().code == ErrorCode::kUpstreamBroken)
    co_return fail(ErrorCode::kClosed, piece.error().detail);
  co_return piece;
}

Task<Result<void>> ClientStream::write_tunnel(std::string_view bytes) {
  const Result<void> sent = co_await send_body({bytes, More::kYes}, kNoDeadline);
  if (!sent && sent.error().code == ErrorCode::kUpstreamBroken)
    co_return fail(ErrorCode::kClosed, sent.error().detail);
  co_return sent;
}

void ClientStream::finish_tunnel() {
  if (closed_ || abandoned_ || last_) return;
  offer({{}, More::kNo});
  if (std::exchange(deferred_, false)) nghttp2_session_resume_data(session_->session_, id_);
  session_->wake_writer();
}

void ClientStream::cancel_tunnel() {
  abandoned_ = true;
  arrived_.open();
  sent_.open();
}

void ClientStream::abort_tunnel() { reset(NGHTTP2_CANCEL); }

}  // namespace portcullis::http2
