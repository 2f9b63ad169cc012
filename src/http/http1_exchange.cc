#include "http/http1_exchange.h"

#include "http/status.h"

#include <cstring>
#include <utility>

namespace portcullis::http {
namespace {

constexpr std::uint64_t kMostDrainedBytes = 64 * 1024;
constexpr std::chrono::seconds kLinger{2};

}  // namespace

Http1Exchange::Http1Exchange(runtime::Stream& stream, ServerContext& context,
                             const ConnectionInfo& info, Arena& arena, Carry& carry)
    : Exchange(stream.loop(), arena, info),
      stream_(stream),
      context_(context),
      settings_(context.settings()),
      carry_(carry),
      chunks_(settings_.head.size) {
  request_.scheme = info.scheme;
}

// ---- the request

void Http1Exchange::make_room() {
  if (!carry_.buffer) {
    carry_.buffer = loop().buffers().borrow(runtime::BufferPool::kSmall);
    carry_.begin = carry_.end = 0;
    return;
  }
  if (carry_.end < carry_.buffer.size()) return;
  const std::size_t held = carry_.end - carry_.begin;
  if (carry_.begin > 0) {
    std::memmove(carry_.buffer.data(), carry_.buffer.data() + carry_.begin, held);
  } else {
    runtime::Buffer larger = loop().buffers().borrow(carry_.buffer.size() * 2);
    std::memcpy(larger.data(), carry_.buffer.data(), held);
    carry_.buffer = std::move(larger);
  }
  carry_.begin = 0;
  carry_.end = held;
}

Result<std::optional<std::size_t>> Http1Exchange::scan_head(HeadScanner& scanner) {
  PC_TRY(const std::optional<std::size_t> size, scanner.scan(carry_.view()));
  if (size ? *size > settings_.head.size : carry_.end - carry_.begin >= settings_.head.size) {
    // Where the request line fits, it is the fields that are too long.
    const std::size_t first = scanner.first_line_size();
    return first > 0 && first <= settings_.head.size
               ? refuse(ErrorCode::kHeadTooLarge, "head is larger than `head_size`")
               : refuse(ErrorCode::kUriTooLong, "request line is larger than `head_size`");
  }
  return size;
}

Task<Result<void>> Http1Exchange::read_head() {
  const TimePoint deadline = loop_now() + settings_.head_timeout;
  HeadScanner scanner;
  std::size_t size = 0;
  bool skipped = false;
  for (;;) {
    if (!carry_.empty()) {
      touched_ = true;
      // RFC 9112 2.2: one empty line before the request line is no harm.
      if (!skipped && carry_.view().starts_with("\r\n")) {
        carry_.begin += 2;
        skipped = true;
      }
      if (carry_.view() != "\r") {
        PC_CO_TRY(const std::optional<std::size_t> found, scan_head(scanner));
        if (found) {
          size = *found;
          break;
        }
      }
    }
    make_room();
    const Result<std::size_t> n = co_await stream_.read(
        {carry_.buffer.data() + carry_.end, carry_.buffer.size() - carry_.end}, deadline);
    if (!n) {
      if (n.error().code == ErrorCode::kTimeout) {
        co_return refuse(ErrorCode::kRequestTimeout, "head did not arrive within `head_timeout`");
      }
      co_return std::unexpected(n.error());
    }
    if (*n == 0) co_return refuse(ErrorCode::kClosed, "client left before the end of the head");
    carry_.end += *n;
  }
  char* const head = carry_.buffer.data() + carry_.begin;
  rest_ = {head + size, carry_.end - carry_.begin - size};
  PC_CO_TRY(facts_,
            parse_request_head({head, size}, settings_.head, settings_.paths, arena(), request_));
  keep_ = facts_.keep_alive;
  body_left_ = request_.content_length;
  body_ended_ = request_.body == BodyKind::kNone;
  continue_owed_ = request_.expects_continue && !body_ended_;
  co_return Result<void>{};
}

Task<Result<std::string_view>> Http1Exchange::read_body() {
  if (body_ended_) co_return std::string_view{};
  if (body_cancelled_) co_return fail(ErrorCode::kCancelled, "body is not wanted");
  if (body_failed_) co_return refuse(ErrorCode::kClosed, "body failed before");
  // A client that did not wait needs no leave.
  if (std::exchange(continue_owed_, false) && rest_.empty()) {
    char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    iovec part{text, sizeof text - 1};
    const Result<std::size_t> asked =
        co_await stream_.write(std::span(&part, 1), loop_now() + settings_.body_timeout);
    if (!asked) {
      body_failed_ = true;
      keep_ = false;
      co_return std::unexpected(asked.error());
    }
    if (body_cancelled_) co_return fail(ErrorCode::kCancelled, "body is not wanted");
  }
  Result<std::string_view> bytes = co_await next_body_bytes();
  // A wait that cancel_body() ended took nothing: the rest can still be drained.
  if (!bytes && body_cancelled_ && bytes.error().code == ErrorCode::kCancelled) co_return bytes;
  if (!bytes) {
    keep_ = false;
    // Who has more patience than `body_timeout` may ask again.
    if (bytes.error().code == ErrorCode::kTimeout) {
      co_return refuse(ErrorCode::kRequestTimeout,
                       body_too_slow_ ? "body came more slowly than `minimum_body_rate`"
                                      : "body stalled for longer than `body_timeout`");
    }
    body_failed_ = true;
  } else {
    body_bytes_in_ += bytes->size();
  }
  co_return bytes;
}

Task<Result<std::string_view>> Http1Exchange::next_body_bytes() {
  for (;;) {
    if (!rest_.empty()) {
      if (!facts_.chunked) {
        const std::string_view piece = rest_.substr(0, body_left_);
        rest_.remove_prefix(piece.size());
        body_left_ -= piece.size();
        body_ended_ = body_left_ == 0;
        co_return piece;
      }
      PC_CO_TRY(const std::string_view piece, take_chunked());
      if (!piece.empty() || body_ended_) co_return piece;
    }
    if (!body_buffer_) body_buffer_ = loop().buffers().borrow(runtime::BufferPool::kLarge);
    // What stands behind the body is the next request, and goes to the carry.
    const TimePoint since = loop_now();
    const Result<std::size_t> n =
        co_await stream_.read({body_buffer_.data(), body_buffer_.size()},
                              streaming_ ? since + settings_.body_timeout
                                         : receiving_.deadline(since, settings_.body_timeout));
    if (!n) {
      if (n.error().code == ErrorCode::kTimeout && !streaming_) {
        body_too_slow_ = receiving_.is_reason(settings_.body_timeout);
        context_.on_slow_client(SlowClient::kBody, connection());
      }
      co_return std::unexpected(n.error());
    }
    receiving_.waited(since, loop_now(), *n);
    if (*n == 0) co_return refuse(ErrorCode::kClosed, "client left before the end of the body");
    rest_ = {body_buffer_.data(), *n};
  }
}

Result<std::string_view> Http1Exchange::take_chunked() {
  PC_TRY(const ChunkedReader::Step step,
         chunks_.feed({const_cast<char*>(rest_.data()), rest_.size()}));
  rest_.remove_prefix(step.consumed);
  if (chunks_.done()) {
    PC_CHECK_OK(
        parse_trailers(chunks_.trailer_section(), settings_.head.fields, request_.trailers));
    body_ended_ = true;
  }
  return step.data;
}

void Http1Exchange::cancel_body() {
  body_cancelled_ = true;
  stream_.cancel_read();
}

// ---- the response

void Http1Exchange::decide_keep_alive() {
  if (context_.draining()) keep_ = false;
  if (body_ended_) return;
  // What is left of a small body is drained; a client that still waits for 100 may send its body or
  // not, so nobody could say where the next request begins (RFC 9110 10.1.1).
  const bool drainable =
      !facts_.chunked && body_left_ <= kMostDrainedBytes && !continue_owed_ && !body_failed_;
  if (!drainable) keep_ = false;
}

Http1Exchange::ResponseFraming Http1Exchange::choose_framing(const Response& head) const {
  if (request_.method == Method::kHead || head.status == 204 || head.status == 304)
    return ResponseFraming::kNone;
  if (head.body != BodyKind::kUnknown) return ResponseFraming::kLength;
  return facts_.version == Version::kHttp11 ? ResponseFraming::kChunked
                                            : ResponseFraming::kUntilClose;
}

void Http1Exchange::write_head(HeadWriter& out, const Response& head) {
  out.put("HTTP/1.1 ").put_number(static_cast<std::uint64_t>(head.status)).put(" ");
  out.put(reason_phrase(head.status)).put("\r\n");
  for (const Field& field : head.fields) {
    if (is_ours_to_write(field.id)) continue;
    out.field(field.name, field.value);
  }
  if (head.fields.find(FieldId::kDate) == nullptr) out.field("date", http_date(loop().wall_now()));
  switch (framing_) {
    case ResponseFraming::kNone:
      // What the body would have been is for HEAD and 304 to say (RFC 9110 8.6).
      if (const Field* length = head.fields.find(FieldId::kContentLength);
          length != nullptr && head.status != 204) {
        out.field("content-length", length->value);
      }
      break;
    case ResponseFraming::kLength:
      out.put("content-length: ")
          .put_number(head.body == BodyKind::kLength ? head.content_length : 0)
          .put("\r\n");
      break;
    case ResponseFraming::kChunked:
      out.put("transfer-encoding: chunked\r\n");
      break;
    case ResponseFraming::kUntilClose:
      break;
  }
  if (!keep_) {
    out.put("connection: close\r\n");
  } else if (facts_.version == Version::kHttp10) {
    out.put("connection: keep-alive\r\n");
  }
  out.put("\r\n");
}

Task<Result<void>> Http1Exchange::respond_interim(const Response& head) {
  if (facts_.version == Version::kHttp10 || response_status_ != 0) co_return Result<void>{};
  HeadWriter out(loop().buffers());
  out.put("HTTP/1.1 ").put_number(static_cast<std::uint64_t>(head.status)).put(" ");
  out.put(reason_phrase(head.status)).put("\r\n");
  for (const Field& field : head.fields) {
    if (!is_ours_to_write(field.id)) out.field(field.name, field.value);
  }
  out.put("\r\n");
  co_return co_await write_pieces(out.text(), {}, More::kYes);
}

Task<Result<void>> Http1Exchange::respond(const Response& head, std::string_view body, More more) {
  decide_keep_alive();
  response_status_ = head.status;
  framing_ = choose_framing(head);
  if (framing_ == ResponseFraming::kUntilClose) keep_ = false;
  HeadWriter out(loop().buffers());
  write_head(out, head);
  if (framing_ == ResponseFraming::kNone) body = {};
  co_return co_await write_pieces(out.text(), body, more);
}

Task<Result<void>> Http1Exchange::write_body(std::string_view bytes, More more) {
  if (framing_ == ResponseFraming::kNone) bytes = {};
  co_return co_await write_pieces({}, bytes, more);
}

Task<Result<void>> Http1Exchange::write_pieces(std::string_view head, std::string_view body,
                                               More more) {
  char size_text[20];
  iovec parts[4];
  std::size_t count = 0;
  const auto add = [&](std::string_view text) {
    if (!text.empty()) parts[count++] = {const_cast<char*>(text.data()), text.size()};
  };
  add(head);
  const bool chunked = framing_ == ResponseFraming::kChunked && response_status_ != 0;
  if (chunked && !body.empty()) {
    add(write_chunk_head(body.size(), std::span<char, 20>(size_text)));
    add(body);
    add(more == More::kYes ? std::string_view("\r\n") : std::string_view("\r\n0\r\n\r\n"));
  } else {
    add(body);
    if (chunked && more == More::kNo) add("0\r\n\r\n");
  }
  body_bytes_out_ += body.size();
  if (count > 0) {
    std::uint64_t size = 0;
    for (const iovec& part : std::span(parts, count)) size += part.iov_len;
    const TimePoint since = loop_now();
    const Result<std::size_t> written = co_await stream_.write(
        std::span(parts, count), sending_.deadline(since, settings_.body_timeout, size));
    if (!written) {
      if (written.error().code == ErrorCode::kTimeout)
        context_.on_slow_client(SlowClient::kSend, connection());
      keep_ = false;
      aborted_ = true;
      co_return std::unexpected(written.error());
    }
    sending_.waited(since, loop_now(), size);
  }
  if (more == More::kNo) response_complete_ = true;
  co_return Result<void>{};
}

Task<Result<void>> Http1Exchange::write_trailers(const Fields& trailers) {
  if (framing_ != ResponseFraming::kChunked || trailers.size() == 0)
    co_return co_await write_body({}, More::kNo);
  HeadWriter out(loop().buffers());
  out.put("0\r\n");
  for (const Field& field : trailers) out.field(field.name, field.value);
  out.put("\r\n");
  framing_ = ResponseFraming::kNone;  // the section is its own end
  co_return co_await write_pieces(out.text(), {}, More::kNo);
}

void Http1Exchange::abort() {
  keep_ = false;
  aborted_ = true;
  stream_.reset_on_close();
}

// ---- a tunnel

Task<Result<void>> Http1Exchange::begin_tunnel(const Response& head, std::string_view protocol) {
  keep_ = false;
  response_status_ = 101;
  HeadWriter out(loop().buffers());
  out.put("HTTP/1.1 101 Switching Protocols\r\n");
  for (const Field& field : head.fields) {
    if (!is_ours_to_write(field.id)) out.field(field.name, field.value);
  }
  out.field("connection", "upgrade").field("upgrade", protocol).put("\r\n");
  stream_.probe_peer();
  PC_CO_CHECK(co_await write_pieces(out.text(), {}, More::kNo));
  tunnel_.emplace(stream_, std::exchange(rest_, {}));
  co_return Result<void>{};
}

Task<Result<std::string_view>> Http1Exchange::read_tunnel() {
  PC_CO_TRY(const std::string_view bytes, co_await tunnel().read());
  body_bytes_in_ += bytes.size();
  co_return bytes;
}

Task<Result<void>> Http1Exchange::write_tunnel(std::string_view bytes) {
  PC_CO_CHECK(co_await tunnel().write(bytes));
  body_bytes_out_ += bytes.size();
  co_return Result<void>{};
}

void Http1Exchange::finish_tunnel() { tunnel().finish(); }
void Http1Exchange::cancel_tunnel() { tunnel().cancel(); }

// ---- the end

Task<bool> Http1Exchange::finish() {
  if (!response_complete_ || aborted_) {
    if (!aborted_) abort();
    co_return false;
  }
  if (keep_ && !body_ended_) {
    std::uint64_t drained = 0;
    body_cancelled_ = false;
    while (!body_ended_ && drained <= kMostDrainedBytes) {
      const Result<std::string_view> bytes = co_await next_body_bytes();
      if (!bytes) co_return false;
      drained += bytes->size();
    }
  }
  if (!keep_) {
    if (!body_ended_ || !rest_.empty() || !stream_.is_quiet()) co_await linger();
    co_return false;
  }
  if (rest_.empty()) {
    carry_.begin = carry_.end = 0;
  } else {
    const bool in_body_buffer = body_buffer_ && rest_.data() >= body_buffer_.data() &&
                                rest_.data() < body_buffer_.data() + body_buffer_.size();
    if (in_body_buffer) carry_.buffer = std::move(body_buffer_);
    carry_.begin = static_cast<std::size_t>(rest_.data() - carry_.buffer.data());
    carry_.end = carry_.begin + rest_.size();
  }
  co_return true;
}

// A close with unread bytes in the socket is a reset, which can overtake the answer: say that we
// are done, and take what still comes for a moment (RFC 9112 9.6).
Task<void> Http1Exchange::linger() {
  stream_.shutdown_write();
  const TimePoint deadline = loop_now() + kLinger;
  runtime::Buffer sink = loop().buffers().borrow(runtime::BufferPool::kLarge);
  std::uint64_t taken = 0;
  while (taken < 16 * kMostDrainedBytes) {
    const Result<std::size_t> n = co_await stream_.read({sink.data(), sink.size()}, deadline);
    if (!n || *n == 0) break;
    taken += *n;
  }
}

}  // namespace portcullis::http
