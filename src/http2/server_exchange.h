// The HTTP/2 form of an Exchange: one stream of a connection (RFC 9113 5).
#pragma once

#include "base/arena.h"
#include "http/exchange.h"
#include "http/server.h"
#include "http/transfer_rate.h"
#include "http2/received_body.h"
#include "http2/request_head.h"
#include "runtime/buffer_pool.h"
#include "runtime/gate.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nghttp2/nghttp2.h>
#include <optional>
#include <string_view>
#include <vector>

namespace portcullis::http2 {

class ServerConnection;

// What an exchange is built on, so that it is there before it: a buffer that holds the exchange
// itself, its head and all else that lives as long.
struct ExchangeMemory {
  ExchangeMemory(runtime::Buffer buffer, std::size_t used)
      : block(std::move(buffer)), arena(block.data() + used, block.size() - used) {}
  runtime::Buffer block;
  Arena arena;
};

class ServerExchange final : private ExchangeMemory, public http::Exchange {
 public:
  struct Deleter {
    void operator()(ServerExchange* exchange) const;
  };
  using Owner = std::unique_ptr<ServerExchange, Deleter>;
  static Owner create(ServerConnection& connection, std::int32_t stream);

  // ---- for the connection: what arrives

  [[nodiscard]] std::int32_t stream() const { return stream_; }
  [[nodiscard]] RequestHead& head() { return head_; }
  void finish_head(bool last);
  void receive(std::string_view bytes);
  void add_trailer(std::string_view name, std::string_view value);
  void end_body();
  void on_reset() { reset_received_ = true; }
  // Nothing more of it may come.
  [[nodiscard]] bool ended_by_client() const { return body_ended_ || reset_received_; }
  // The stream is over on the wire, for good or by a reset.
  void on_close();
  // Its END_STREAM has been written.
  void on_end_sent();
  // The next bytes of the response, at most `most`, for the frame that is being made.
  ssize_t offer(std::size_t most, std::uint32_t& flags);
  // Takes what offer() has said, into memory of that size.
  void take(char* into, std::size_t size);

  // ---- for the task that answers it

  // False: its stream was over before its head was.
  [[nodiscard]] bool head_finished() const { return head_finished_; }
  [[nodiscard]] const std::optional<Error>& head_error() const { return head_error_; }
  // After the handler: ends the stream, whatever state it is in, and waits until it is closed.
  Task<void> finish();

  Task<Result<std::string_view>> read_body() override;
  void cancel_body() override;
  [[nodiscard]] bool body_ended() const override { return body_ended_ && received_.empty(); }
  void when_client_gone(void (*gone)(void*), void* context) override;
  Task<Result<void>> respond_interim(const http::Response& head) override;
  Task<Result<void>> respond(const http::Response& head, std::string_view body,
                             http::More more) override;
  Task<Result<void>> write_body(std::string_view bytes, http::More more) override;
  Task<Result<void>> write_trailers(const http::Fields& trailers) override;
  void abort() override { reset(NGHTTP2_INTERNAL_ERROR); }
  void expect_tunnel() override {}
  Task<Result<void>> begin_tunnel(const http::Response& head, std::string_view protocol) override;
  Task<Result<std::string_view>> read_tunnel() override;
  Task<Result<void>> write_tunnel(std::string_view bytes) override;
  void finish_tunnel() override;
  void cancel_tunnel() override;

 private:
  enum class End : std::uint8_t { kNo, kPlain, kTrailers, kReset };

  ServerExchange(ServerConnection& connection, std::int32_t stream, runtime::Buffer block);
  ~ServerExchange() = default;
  [[nodiscard]] nghttp2_session* session() const;
  void ask_for_upgrade();
  [[nodiscard]] bool is_malformed_request() const;
  void malform(ErrorCode code, const char* why);
  void give_back_piece();
  Task<Result<std::string_view>> next_piece(std::chrono::milliseconds patience);
  void submit_head(const http::Response& head, bool with_body);
  Task<Result<void>> send(std::string_view bytes, http::More more,
                          std::chrono::milliseconds patience);
  Task<Result<void>> wait_until_taken(std::chrono::milliseconds patience);
  [[nodiscard]] std::uint64_t moved_since(std::size_t pending, std::uint64_t of_connection) const;
  Error too_slow_to_take();
  void reset(std::uint32_t code);

  ServerConnection& connection_;
  const std::int32_t stream_;
  const http::ServerSettings settings_;
  RequestHead head_;
  std::optional<Error> head_error_;
  // The request.
  ReceivedBody received_;
  std::size_t lent_ = 0;  // bytes that the last read gave
  http::TransferRate receiving_;
  bool wide_ = false;  // its window has been widened
  std::uint64_t arrived_ = 0;
  std::optional<Error> body_error_;
  std::optional<Error> trailer_error_;
  runtime::Gate readable_;
  bool head_finished_ = false;
  bool body_ended_ = false;
  bool cancelled_ = false;
  bool continue_owed_ = false;
  // The response.
  std::string_view pending_;  // what the handler waits for to be taken
  http::TransferRate sending_;
  http::Fields response_trailers_;
  runtime::Gate taken_;
  End end_ = End::kNo;
  bool deferred_ = false;  // the frames have caught up with the handler
  bool has_body_ = false;
  bool end_sent_ = false;
  bool closed_ = false;
  bool reset_sent_ = false;
  bool reset_received_ = false;
  bool tunnel_ = false;
  void (*gone_)(void*) = nullptr;
  void* gone_context_ = nullptr;
};

}  // namespace portcullis::http2
