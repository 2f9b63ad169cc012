#include "http/client.h"

#include "http/head_writer.h"

#include <algorithm>
#include <cstring>

namespace portcullis::http {
namespace {

auto broken(std::string why) {
  return fail(ErrorCode::kUpstreamBroken, std::move(why), ErrorSource::kUpstream);
}

auto abandoned() { return fail(ErrorCode::kCancelled, "the response is not wanted any more"); }

}  // namespace

void ClientConnection::begin() {
  body_ = Body::kNone;
  body_ended_ = true;
  received_ = false;
  keep_alive_ = false;
  abandoned_ = false;
  reused_ = reused_ || anything_sent_;
  anything_sent_ = false;
}

// ---- the request

Task<Result<void>> ClientConnection::send_head(const RequestHead& head, BodyPiece first,
                                               TimePoint deadline) {
  sends_chunks_ = head.body == BodyKind::kUnknown;
  return send(head.text, first, deadline);
}

Task<Result<void>> ClientConnection::send_body(BodyPiece piece, TimePoint deadline) {
  return send({}, piece, deadline);
}

Task<Result<void>> ClientConnection::send(std::string_view head, BodyPiece piece,
                                          TimePoint deadline) {
  char size_text[20];
  iovec parts[5];  // head, chunk head, piece, its end, last chunk
  std::size_t count = 0;
  const auto add = [&](std::string_view text) {
    if (!text.empty()) parts[count++] = {const_cast<char*>(text.data()), text.size()};
  };
  add(head);
  std::optional<HeadWriter> last;
  if (!sends_chunks_) {
    add(piece.bytes);
  } else {
    if (!piece.bytes.empty()) {
      add(write_chunk_head(piece.bytes.size(), std::span<char, 20>(size_text)));
      add(piece.bytes);
      add("\r\n");
    }
    if (piece.more == More::kNo) {
      last.emplace(stream_->loop().buffers()).put("0\r\n");
      if (piece.trailers != nullptr) {
        for (const Field& field : *piece.trailers) last->field(field.name, field.value);
      }
      add(last->put("\r\n").text());
    }
  }
  if (count == 0) co_return Result<void>{};
  PC_CO_CHECK(co_await stream_->write(std::span(parts, count), deadline));
  anything_sent_ = true;
  co_return Result<void>{};
}

// ---- its answer

// For the next read: what interim heads took of the buffer is used again before it grows, so that
// no number of them makes it larger than one head.
void ClientConnection::make_room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ < buffer_.size()) return;
  runtime::Buffer larger = stream_->loop().buffers().borrow(buffer_.size() * 2);
  std::memcpy(larger.data(), buffer_.data(), end_);
  buffer_ = std::move(larger);
}

Task<Result<void>> ClientConnection::read_head(Method to, Response& response, TimePoint deadline) {
  HeadScanner scanner;
  std::size_t size = 0;
  if (!buffer_) buffer_ = stream_->loop().buffers().borrow(runtime::BufferPool::kLarge);
  for (;;) {
    if (end_ > begin_) {
      received_ = true;
      const auto found = scanner.scan({buffer_.data() + begin_, end_ - begin_});
      if (!found) co_return broken(found.error().detail);
      if (const std::optional<std::size_t>& whole = *found; whole) {
        size = *whole;
        break;
      }
      if (end_ - begin_ >= kHeadLimits.size) co_return broken("head is too large");
    }
    make_room();
    if (abandoned_) co_return abandoned();
    PC_CO_TRY(const std::size_t n,
              co_await stream_->read({buffer_.data() + end_, buffer_.size() - end_}, deadline));
    if (n == 0) {
      if (received_) co_return broken("connection ended in the head of the response");
      co_return fail(ErrorCode::kClosed, "connection ended before a response",
                     ErrorSource::kUpstream);
    }
    end_ += n;
  }
  char* const head = buffer_.data() + begin_;
  begin_ += size;
  PC_CO_TRY(const HeadFacts facts, parse_response_head({head, size}, kHeadLimits, to, response));
  keep_alive_ = facts.keep_alive && response.status >= 200;  // behind an interim one, more is due
  body_left_ = response.content_length;
  body_ended_ = response.body == BodyKind::kNone;
  if (response.body == BodyKind::kLength) {
    body_ = Body::kLength;
  } else if (facts.chunked) {
    body_ = Body::kChunked;
    chunks_ = ChunkedReader(kHeadLimits.size);
  } else {
    body_ = Body::kUntilClose;
  }
  co_return Result<void>{};
}

Result<std::string_view> ClientConnection::take_from_rest() {
  char* const at = buffer_.data() + begin_;
  const std::size_t held = end_ - begin_;
  switch (body_) {
    case Body::kNone:
      return std::string_view{};
    case Body::kLength: {
      const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(held, body_left_));
      begin_ += take;
      body_left_ -= take;
      body_ended_ = body_left_ == 0;
      return std::string_view(at, take);
    }
    case Body::kUntilClose:
      begin_ = end_;
      return std::string_view(at, held);
    case Body::kChunked: {
      auto step = chunks_.feed({at, held});
      if (!step) return broken(step.error().detail);
      begin_ += step->consumed;
      body_ended_ = chunks_.done();
      return step->data;
    }
  }
  return std::string_view{};
}

Result<std::string_view> ClientConnection::take_buffered_body() {
  if (body_ended_ || begin_ == end_) return std::string_view{};
  return take_from_rest();
}

Task<Result<std::string_view>> ClientConnection::read_body(TimePoint deadline) {
  while (!body_ended_) {
    if (begin_ == end_) {
      begin_ = end_ = 0;
      // More than the body may hold: what stands behind it makes the connection unfit for reuse.
      if (abandoned_) co_return abandoned();
      const Result<std::size_t> n =
          co_await stream_->read({buffer_.data(), buffer_.size()}, deadline);
      if (!n) {
        if (n.error().code == ErrorCode::kClosed)
          co_return broken("connection lost in the body of the response");
        co_return std::unexpected(n.error());
      }
      if (*n == 0) {
        if (body_ != Body::kUntilClose)
          co_return broken("connection ended in the body of the response");
        body_ended_ = true;
        break;
      }
      end_ = *n;
    }
    PC_CO_TRY(const std::string_view piece, take_from_rest());
    if (!piece.empty()) co_return piece;
  }
  co_return std::string_view{};
}

Result<void> ClientConnection::read_trailers(Fields& trailers) {
  if (body_ != Body::kChunked || !chunks_.done()) return {};
  if (const auto parsed = parse_trailers(chunks_.trailer_section(), kHeadLimits.fields, trailers);
      !parsed) {
    return broken(parsed.error().detail);
  }
  return {};
}

void ClientConnection::begin_tunnel() {
  stream_->probe_peer();
  const std::string_view early(buffer_.data() + begin_, end_ - begin_);
  begin_ = end_ = 0;
  tunnel_.emplace(*stream_, early, std::move(buffer_));
}

bool ClientConnection::release() {
  // Bytes behind the response answer nothing that was asked.
  const bool clean = keep_alive_ && body_ended_ && begin_ == end_ && received_;
  buffer_.release();
  begin_ = end_ = 0;
  return clean;
}

}  // namespace portcullis::http
