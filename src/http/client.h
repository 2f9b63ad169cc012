// The client side of one HTTP/1.1 connection: one request at a time, its response read strictly
// (RFC 9112).
#pragma once

#include "base/check.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/chunked.h"
#include "http/client_exchange.h"
#include "http/head.h"
#include "http/message.h"
#include "http/tunnel_end.h"
#include "runtime/stream.h"
#include "runtime/task.h"

#include <memory>
#include <optional>
#include <string_view>

namespace portcullis::http {

class ClientConnection final : public ClientExchange {
 public:
  static constexpr HeadLimits kHeadLimits{.size = 64 * 1024, .fields = 256};

  explicit ClientConnection(std::unique_ptr<runtime::Stream> stream) : stream_(std::move(stream)) {}

  [[nodiscard]] runtime::Stream& stream() { return *stream_; }

  // Begins an exchange: forgets the one before, which must have been complete.
  void begin();

  [[clang::coro_wrapper]] Task<Result<void>> send_head(const RequestHead& head, BodyPiece first,
                                                       TimePoint deadline) override;
  [[clang::coro_wrapper]] Task<Result<void>> send_body(BodyPiece piece,
                                                       TimePoint deadline) override;
  void cancel_send() override { stream_->cancel_write(); }
  // A connection that stood idle was gone before a byte of this request.
  [[nodiscard]] bool unprocessed() const override { return reused_ && !anything_sent_; }

  Task<Result<void>> read_head(Method to, Response& response, TimePoint deadline) override;
  [[nodiscard]] Result<std::string_view> take_buffered_body() override;
  Task<Result<std::string_view>> read_body(TimePoint deadline) override;
  [[nodiscard]] bool is_quiet() override { return stream_->is_quiet(); }
  [[nodiscard]] Result<void> read_trailers(Fields& trailers) override;
  void abandon() override {
    abandoned_ = true;
    stream_->cancel_read();
  }
  void probe_peer() override { stream_->probe_peer(); }

  [[nodiscard]] bool proves_switch() const override { return true; }
  void begin_tunnel() override;
  [[clang::coro_wrapper]] Task<Result<std::string_view>> read_tunnel() override {
    return tunnel().read();
  }
  [[clang::coro_wrapper]] Task<Result<void>> write_tunnel(std::string_view bytes) override {
    return tunnel().write(bytes);
  }
  void finish_tunnel() override { tunnel().finish(); }
  void cancel_tunnel() override { tunnel().cancel(); }
  void abort_tunnel() override { stream_->reset_on_close(); }

  // The response is complete and the server lets the connection stand. Gives its buffer back.
  [[nodiscard]] bool release();
  // Idle and silent: neither closed nor sending what nobody asked for.
  [[nodiscard]] bool is_usable() { return stream_->is_quiet(); }

 private:
  enum class Body : std::uint8_t { kNone, kLength, kChunked, kUntilClose };
  Task<Result<void>> send(std::string_view head, BodyPiece piece, TimePoint deadline);
  void make_room();
  Result<std::string_view> take_from_rest();
  [[nodiscard]] TunnelEnd& tunnel() {
    PC_CHECK(tunnel_.has_value());
    return *tunnel_;
  }

  std::unique_ptr<runtime::Stream> stream_;
  runtime::Buffer buffer_;
  std::size_t begin_ = 0;  // of what is read and not used
  std::size_t end_ = 0;
  Body body_ = Body::kNone;
  std::uint64_t body_left_ = 0;
  ChunkedReader chunks_{kHeadLimits.size};
  bool sends_chunks_ = false;
  bool anything_sent_ = false;
  bool reused_ = false;  // it has carried a request before
  bool keep_alive_ = false;
  bool abandoned_ = false;
  std::optional<TunnelEnd> tunnel_;
};

}  // namespace portcullis::http
