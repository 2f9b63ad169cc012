// The client side of one HTTP/1.1 connection: one request at a time, its response read strictly
// (RFC 9112).
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "http/chunked.h"
#include "http/head.h"
#include "http/message.h"
#include "http/tunnel_end.h"
#include "runtime/stream.h"
#include "runtime/task.h"

#include <memory>
#include <string_view>

namespace portcullis::http {

class ClientConnection {
 public:
  static constexpr HeadLimits kHeadLimits{.size = 64 * 1024, .fields = 256};

  explicit ClientConnection(std::unique_ptr<runtime::Stream> stream) : stream_(std::move(stream)) {}

  [[nodiscard]] runtime::Stream& stream() { return *stream_; }

  // Begins an exchange: forgets the one before, which must have been complete.
  void begin();

  // Reads the next response head, interim ones included. Its views live until the next read_head()
  // or read_body(). Errors: kClosed when the connection ended before any byte of a response (see
  // received()), kUpstreamBroken, kTimeout, kCancelled.
  Task<Result<void>> read_head(Method to, Response& response, TimePoint deadline);
  // Something of a response has arrived since begin().
  [[nodiscard]] bool received() const { return received_; }

  // What of the body came with the head, without waiting; may be empty.
  [[nodiscard]] Result<std::string_view> take_buffered_body();
  // The next piece of the body, valid until the next call; empty at its end. Errors:
  // kUpstreamBroken, kTimeout, kCancelled.
  Task<Result<std::string_view>> read_body(TimePoint deadline);
  [[nodiscard]] bool body_ended() const { return body_ended_; }
  // The response is not wanted any more: a waiting read, and every later one, ends with kCancelled.
  void abandon() {
    abandoned_ = true;
    stream_->cancel_read();
  }
  // Fills `trailers` once a chunked body has ended; its views live as long as the exchange.
  [[nodiscard]] Result<void> read_trailers(Fields& trailers);

  // After a head that switched protocols: the raw bytes, those that came with the head first. The
  // views of that head end with the tunnel's first wait.
  [[nodiscard]] TunnelEnd take_tunnel();

  // The response is complete and the server lets the connection stand. Gives its buffer back.
  [[nodiscard]] bool release();
  // Idle and silent: neither closed nor sending what nobody asked for.
  [[nodiscard]] bool is_usable() { return stream_->is_quiet(); }

 private:
  enum class Body : std::uint8_t { kNone, kLength, kChunked, kUntilClose };
  void make_room();
  Result<std::string_view> take_from_rest();

  std::unique_ptr<runtime::Stream> stream_;
  runtime::Buffer buffer_;
  std::size_t begin_ = 0;  // of what is read and not used
  std::size_t end_ = 0;
  Body body_ = Body::kNone;
  std::uint64_t body_left_ = 0;
  ChunkedReader chunks_{kHeadLimits.size};
  bool keep_alive_ = false;
  bool body_ended_ = true;
  bool received_ = false;
  bool abandoned_ = false;
};

}  // namespace portcullis::http
