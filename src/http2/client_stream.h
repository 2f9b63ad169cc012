// One request on a ClientSession, and its answer: the HTTP/2 form of a ClientExchange.
//
// What comes is kept here until it is asked for: heads within the bounds that HTTP/1.1 has, bodies
// within the stream's window.
#pragma once

#include "base/arena.h"
#include "http/client_exchange.h"
#include "http2/client_session.h"
#include "http2/received_body.h"
#include "runtime/gate.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::http2 {

class ClientStream final : public http::ClientExchange {
 public:
  explicit ClientStream(std::shared_ptr<ClientSession> session);
  // What of the exchange is not over is reset: CANCEL.
  ~ClientStream() override;

  Task<Result<void>> send_head(const http::RequestHead& head, http::BodyPiece first,
                               TimePoint deadline) override;
  Task<Result<void>> send_body(http::BodyPiece piece, TimePoint deadline) override;
  void cancel_send() override;
  [[nodiscard]] bool unprocessed() const override { return unprocessed_; }

  Task<Result<void>> read_head(http::Method to, http::Response& response,
                               TimePoint deadline) override;
  [[nodiscard]] Result<std::string_view> take_buffered_body() override;
  Task<Result<std::string_view>> read_body(TimePoint deadline) override;
  [[nodiscard]] bool is_quiet() override { return body_.empty() && !remote_ended_ && !closed_; }
  [[nodiscard]] Result<void> read_trailers(http::Fields& trailers) override;
  void abandon() override;
  void probe_peer() override {}  // done for every session

  [[nodiscard]] bool proves_switch() const override { return false; }
  void begin_tunnel() override {}
  Task<Result<std::string_view>> read_tunnel() override;
  Task<Result<void>> write_tunnel(std::string_view bytes) override;
  void finish_tunnel() override;
  void cancel_tunnel() override;
  void abort_tunnel() override;

 private:
  friend class ClientSession;
  friend struct ClientCallbacks;

  // A head or a trailer section, as it came.
  struct Block {
    explicit Block(Arena& arena) : fields(arena) {}
    std::string_view status;
    http::Fields fields;
  };

  // ---- what the session brings, in its callbacks
  void begin_block() { block_.emplace(arena_); }
  [[nodiscard]] bool add_field(std::string_view name, std::string_view value);
  // False when it is malformed.
  [[nodiscard]] bool end_block();
  void add_data(std::string_view bytes);
  void end_remote();
  // The stream is over for nghttp2; `why` is empty when both sides had said their last.
  void close(std::string why, bool unprocessed);
  // What nghttp2 wants of the body: at most `size` bytes into `into`; sets `end` behind the last.
  // Negative: nothing yet.
  std::ptrdiff_t take_body(char* into, std::size_t size, bool& end);

  Result<void> submit(const http::RequestHead& head);
  void offer(const http::BodyPiece& piece);
  Task<Result<void>> until_taken(TimePoint deadline);
  void submit_trailers();
  void reset(std::uint32_t error_code);
  [[nodiscard]] bool complain(std::string why);
  [[nodiscard]] Error broken() const;
  void release_taken();
  [[nodiscard]] std::string_view take_piece();
  // Only while the reader asks: it goes by what it saw last.
  void settle_body_end() { body_ended_ = remote_ended_ && body_.size() == lent_; }
  void suspect();

  std::shared_ptr<ClientSession> session_;
  Arena arena_;
  std::int32_t id_ = 0;  // 0: not submitted

  // ---- the request
  runtime::Gate sent_;
  std::string_view pending_;  // what is to be sent; lives in the caller of send_body()
  const http::Fields* trailers_ = nullptr;
  bool last_ = false;      // nothing comes behind `pending_`
  bool deferred_ = false;  // nghttp2 waits to be told that there is more
  bool send_cancelled_ = false;
  bool unprocessed_ = true;  // nothing of it has been given to the connection
  bool tunnel_ = false;

  // ---- the answer
  runtime::Gate arrived_;
  TimePoint asked_;             // when the request went
  std::optional<Block> block_;  // that is coming in
  std::vector<Block> heads_;    // that came and were not asked for
  std::optional<Block> trailer_block_;
  ReceivedBody body_;
  std::size_t lent_ = 0;  // bytes at the front of body_ that the reader has in hand
  std::size_t block_bytes_ = 0;
  std::uint32_t block_fields_ = 0;
  unsigned interim_ = 0;
  bool final_came_ = false;
  bool remote_ended_ = false;
  bool closed_ = false;
  bool abandoned_ = false;
  std::string why_;  // what went wrong; empty: nothing
};

}  // namespace portcullis::http2
