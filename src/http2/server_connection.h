// One HTTP/2 connection of a client: its session, one task that reads, one that writes, and one for
// each request.
#pragma once

#include "http2/abuse.h"
#include "http2/frame_splitter.h"
#include "http2/server.h"
#include "http2/server_exchange.h"
#include "http2/session_memory.h"
#include "runtime/task.h"

#include <array>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <nghttp2/nghttp2.h>
#include <string_view>
#include <utility>
#include <vector>

namespace portcullis::http2 {

class ServerConnection {
 public:
  // What of one body may be here before anybody has taken it. A few of those whose readers keep up
  // may have more, so that one upload can fill a long line.
  static constexpr std::uint32_t kStreamWindow = 64 * 1024;

  ServerConnection(runtime::Stream& stream, ServerContext& context,
                   const http::ConnectionInfo& info, http::Activity& activity);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  Task<void> run();

  // ---- for its exchanges

  [[nodiscard]] nghttp2_session* session() const { return session_; }
  [[nodiscard]] Loop& loop() { return stream_.loop(); }
  [[nodiscard]] ServerContext& context() { return context_; }
  [[nodiscard]] const http::ConnectionInfo& info() const { return info_; }
  // What the body of any response comes from: the exchange of its stream.
  [[nodiscard]] static nghttp2_data_provider data_provider();
  // There is something to write. It is written at the end of this turn, with all else of the turn.
  void wake_writer();
  // Bytes that have gone to the socket.
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  // Lets more of this stream be on its way, for as long as it lives. False: there are enough such.
  bool widen(std::int32_t stream);
  void narrowed() { --widened_; }

 private:
  friend struct ServerCallbacks;

  void start_session();
  Task<void> read_all();
  [[nodiscard]] bool receive(std::string_view bytes);
  void start_exchanges();
  Task<void> answer(ServerExchange::Owner exchange);
  Task<void> write_all();
  Task<void> flush();
  // Fills the buffer with frames; what does not fit comes after it, from nghttp2's memory.
  void fill(runtime::Buffer& into);
  Task<void> linger();
  void end_exchanges();
  // Nothing more is read; what is queued may still be written.
  void stop();
  void begin_drain();
  void finish_drain();
  void on_watch();
  void watch(TimePoint at);
  void abuse(Abuse kind);
  void count(FrameCounter& counter, const FrameRate& rate, Abuse kind);
  void on_frame_begin(const FrameHead& frame);
  void check_stream(const FrameHead& frame);
  void on_stream_opened(std::int32_t stream);
  void on_stream_ended(std::int32_t stream);
  void on_protocol_error(std::uint32_t code);
  void on_frame_received(const nghttp2_frame& frame);
  void on_frame_sent(const nghttp2_frame& frame);
  [[nodiscard]] ServerExchange* exchange(std::int32_t stream) const {
    return static_cast<ServerExchange*>(nghttp2_session_get_stream_user_data(session_, stream));
  }

  runtime::Stream& stream_;
  ServerContext& context_;
  const http::ConnectionInfo& info_;
  http::Activity& activity_;
  SessionMemory memory_;
  nghttp2_session* session_ = nullptr;
  const ServerSettings settings_;
  TaskGroup tasks_;                    // the writer
  TaskGroup exchanges_;                // one for each request
  std::vector<ServerExchange*> open_;  // every exchange that lives
  std::vector<ServerExchange::Owner> starting_;
  std::vector<ServerExchange::Owner> begun_;  // of the bytes in hand
  std::coroutine_handle<> writer_;            // when it sleeps
  bool wanted_ = false;                       // there may be something to write
  runtime::Buffer* out_ = nullptr;            // while it is filled
  std::size_t out_size_ = 0;
  std::string_view out_tail_;
  std::uint64_t sent_ = 0;
  http::TransferRate sending_;
  unsigned widened_ = 0;  // streams
  bool stopped_ = false;  // reads no more
  bool dead_ = false;     // cannot write any more
  bool closing_ = false;  // every exchange has ended
  bool peer_ended_ = false;
  bool shaken_ = false;   // the client's SETTINGS have come
  bool in_head_ = false;  // a header block has begun and not ended
  bool draining_ = false;
  bool drained_ = false;  // its last GOAWAY is on its way
  TimePoint head_since_{};
  TimePoint idle_since_{};
  TimePoint drain_since_{};
  TimePoint watched_ = kNoDeadline;
  bool relaxed_ = false;  // since the last request
  runtime::Timer watch_;
  FrameSplitter splitter_{kPreface.size()};
  std::int32_t last_stream_ = -1;  // that the client has opened
  // What nghttp2 forgets: streams that their client has ended, the last of them, and identifiers
  // that it has passed over. Neither may be used again (RFC 9113 5.1, 5.1.1).
  std::array<std::int32_t, 32> ended_{};
  std::size_t next_ended_ = 0;
  std::array<std::pair<std::int32_t, std::int32_t>, 4> skipped_{};
  std::size_t next_skipped_ = 0;
  std::uint32_t continuations_ = 0;
  std::uint32_t window_credit_ = 0;  // WINDOW_UPDATEs that our DATA has earned the client
  std::array<FrameCounter, kAbuses> counters_;
};

}  // namespace portcullis::http2
