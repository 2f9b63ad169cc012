// The HTTP/1.1 form of an Exchange, on one connection (RFC 9112).
#pragma once

#include "base/check.h"
#include "http/chunked.h"
#include "http/exchange.h"
#include "http/head.h"
#include "http/head_writer.h"
#include "http/server.h"
#include "http/transfer_rate.h"
#include "http/tunnel_end.h"
#include "runtime/stream.h"

#include <optional>

namespace portcullis::http {

// Bytes that were read and not used yet: the beginning of what the client sends next.
struct Carry {
  runtime::Buffer buffer;
  std::size_t begin = 0;
  std::size_t end = 0;

  [[nodiscard]] bool empty() const { return begin == end; }
  [[nodiscard]] std::string_view view() const { return {buffer.data() + begin, end - begin}; }
};

class Http1Exchange final : public Exchange {
 public:
  Http1Exchange(runtime::Stream& stream, ServerContext& context, const ConnectionInfo& info,
                Arena& arena, Carry& carry);

  // Reads and parses the head. Errors: kClosed when the client left (cleanly when nothing had come:
  // see touched()), else the client's.
  Task<Result<void>> read_head();
  [[nodiscard]] bool touched() const { return touched_; }

  // After the handler: drains what the client still sends of a small body, or lingers so that the
  // answer arrives. True when the connection can take the next request, whose first bytes are then
  // in the carry.
  Task<bool> finish();
  // The head was not read: whatever follows cannot be trusted to be a request, or a body.
  void give_up_connection() {
    keep_ = false;
    body_ended_ = false;
    body_failed_ = true;
  }

  Task<Result<std::string_view>> read_body() override;
  void cancel_body() override;
  void when_client_gone(void (*gone)(void*), void* context) override {
    stream_.when_lost(gone, context);
  }
  [[nodiscard]] bool body_ended() const override { return body_ended_; }
  Task<Result<void>> respond_interim(const Response& head) override;
  Task<Result<void>> respond(const Response& head, std::string_view body, More more) override;
  Task<Result<void>> write_body(std::string_view bytes, More more) override;
  Task<Result<void>> write_trailers(const Fields& trailers) override;
  void abort() override;
  void expect_tunnel() override { keep_ = false; }
  Task<Result<void>> begin_tunnel(const Response& head, std::string_view protocol) override;
  Task<Result<std::string_view>> read_tunnel() override;
  Task<Result<void>> write_tunnel(std::string_view bytes) override;
  void finish_tunnel() override;
  void cancel_tunnel() override;

 private:
  enum class ResponseFraming : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

  [[nodiscard]] TimePoint loop_now() const { return stream_.loop().now(); }
  Result<std::optional<std::size_t>> scan_head(HeadScanner& scanner);
  void make_room();
  Task<Result<std::string_view>> next_body_bytes();
  Result<std::string_view> take_chunked();
  void decide_keep_alive();
  [[nodiscard]] ResponseFraming choose_framing(const Response& head) const;
  void write_head(HeadWriter& out, const Response& head);
  Task<Result<void>> write_pieces(std::string_view head, std::string_view body, More more);
  Task<void> linger();
  // Behind begin_tunnel().
  [[nodiscard]] TunnelEnd& tunnel() {
    PC_CHECK(tunnel_.has_value());
    return *tunnel_;
  }

  runtime::Stream& stream_;
  ServerContext& context_;
  const ServerSettings settings_;
  TransferRate receiving_{settings_.body_rate};
  TransferRate sending_{settings_.send_rate};
  Carry& carry_;  // the head stands at its front while the exchange lasts
  HeadFacts facts_;
  std::string_view rest_;  // read and not used: behind the head, or behind the body's last piece
  runtime::Buffer body_buffer_;
  std::uint64_t body_left_ = 0;
  ChunkedReader chunks_;
  bool touched_ = false;
  bool body_ended_ = true;
  bool body_failed_ = false;
  bool body_cancelled_ = false;
  bool body_too_slow_ = false;  // it failed for its rate
  bool continue_owed_ = false;  // the client waits for 100 before it sends the body
  bool keep_ = true;
  bool aborted_ = false;
  bool response_complete_ = false;
  ResponseFraming framing_ = ResponseFraming::kNone;
  std::optional<TunnelEnd> tunnel_;
};

}  // namespace portcullis::http
