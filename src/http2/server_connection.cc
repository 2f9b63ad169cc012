#include "http2/server_connection.h"

#include "base/check.h"
#include "http2/server_callbacks.h"

#include <algorithm>
#include <cstring>
#include <sys/uio.h>
#include <utility>

namespace portcullis::http2 {
namespace {

// What may be on its way to us. It is given back as bytes arrive, so that the bodies that nobody
// takes just now hold back no other.
constexpr std::int32_t kConnectionWindow = 1024 * 1024;
constexpr std::int32_t kWideWindow = 256 * 1024;
constexpr unsigned kMostWidened = 4;
constexpr std::uint32_t kLargestFrame = 16 * 1024;  // SETTINGS_MAX_FRAME_SIZE, unless said
constexpr std::size_t kSmallFrame = 64;
constexpr unsigned kReadsAtOnce = 16;
constexpr std::chrono::milliseconds kRelaxAfter{1'000};
constexpr std::chrono::seconds kDrainPatience{1};
constexpr std::chrono::seconds kLinger{1};
constexpr std::size_t kMostLingered = 256 * 1024;

template <typename Head>
bool ends_stream(const Head& frame) {
  return (frame.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

// RFC 7540 5.3.1. Nothing looks at priorities, and yet nothing can depend on itself.
bool depends_on_itself(const FrameHead& frame, std::string_view payload) {
  if (frame.type != NGHTTP2_PRIORITY || payload.size() < 4) return false;
  std::uint32_t on = 0;
  for (const char octet : payload.substr(0, 4)) on = on << 8 | static_cast<std::uint8_t>(octet);
  return static_cast<std::int32_t>(on & 0x7fffffff) == frame.stream;
}

// A reset that we send for what the client has done.
bool is_provoked(std::uint32_t code) {
  switch (code) {
    case NGHTTP2_PROTOCOL_ERROR:
    case NGHTTP2_FLOW_CONTROL_ERROR:
    case NGHTTP2_STREAM_CLOSED:
    case NGHTTP2_FRAME_SIZE_ERROR:
    case NGHTTP2_REFUSED_STREAM:
    case NGHTTP2_COMPRESSION_ERROR:
      return true;
    default:
      return false;
  }
}

}  // namespace

// ---- its life

ServerConnection::ServerConnection(runtime::Stream& stream, ServerContext& context,
                                   const http::ConnectionInfo& info, http::Activity& activity)
    : stream_(stream),
      context_(context),
      info_(info),
      activity_(activity),
      settings_(context.http2()),
      sending_(context.settings().send_rate),
      watch_(
          stream.loop().timers(),
          [](void* self) { static_cast<ServerConnection*>(self)->on_watch(); }, this) {}

ServerConnection::~ServerConnection() { nghttp2_session_del(session_); }

Task<void> ServerConnection::run() {
  start_session();
  idle_since_ = loop().now();
  watch(loop().now() + context_.settings().head_timeout);
  tasks_.spawn(write_all());
  wake_writer();
  co_await read_all();
  stopped_ = true;
  if (peer_ended_) dead_ = true;
  end_exchanges();
  co_await exchanges_.join();
  closing_ = true;
  wake_writer();
  co_await tasks_.join();
  watch_.disarm();
  if (!dead_) co_await linger();
}

void ServerConnection::start_session() {
  PC_CHECK(nghttp2_session_server_new3(&session_, ServerCallbacks::all(), this,
                                       ServerCallbacks::options(), memory_.functions()) == 0);
  const std::array<nghttp2_settings_entry, 5> ours = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings_.streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, context_.settings().head.size},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, ours.data(), ours.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

nghttp2_data_provider ServerConnection::data_provider() {
  return {.source = {.ptr = nullptr}, .read_callback = ServerCallbacks::read_data};
}

bool ServerConnection::widen(std::int32_t stream) {
  if (widened_ == kMostWidened) return false;
  if (nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream, kWideWindow) != 0)
    return false;
  ++widened_;
  return true;
}

void ServerConnection::stop() {
  stopped_ = true;
  stream_.cancel_read();
}

// ---- reading

Task<void> ServerConnection::read_all() {
  for (unsigned reads = 1; !stopped_; ++reads) {
    const auto available = co_await stream_.wait_available(kNoDeadline);
    if (stopped_) co_return;
    if (context_.draining() || activity_.given_up()) begin_drain();
    if (!available) {
      if (available.error().code == ErrorCode::kCancelled) continue;
      dead_ = true;
      co_return;
    }
    runtime::Buffer buffer = loop().buffers().borrow(runtime::BufferPool::kLarge);
    const Result<std::size_t> n =
        co_await stream_.read({buffer.data(), buffer.size()}, kNoDeadline);
    if (!n && n.error().code == ErrorCode::kCancelled) continue;
    if (!n || *n == 0) {
      peer_ended_ = true;
      co_return;
    }
    const bool good = receive({buffer.data(), *n});
    buffer.release();
    start_exchanges();
    wake_writer();
    if (!good) co_return;
    // Who never stops sending must leave the others their turn.
    if (reads % kReadsAtOnce == 0) co_await loop().yield();
  }
}

bool ServerConnection::receive(std::string_view bytes) {
  while (!bytes.empty()) {
    const FrameSplitter::Piece piece = splitter_.next(bytes);
    if (piece.head != nullptr) {
      on_frame_begin(*piece.head);
      if (depends_on_itself(*piece.head, piece.payload)) on_protocol_error(NGHTTP2_PROTOCOL_ERROR);
    }
    if (stopped_) return false;
    const ssize_t taken = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const std::uint8_t*>(piece.bytes.data()), piece.bytes.size());
    // What is wrong with single frames has its GOAWAY queued by now; this is no HTTP/2 at all.
    if (taken < 0) on_protocol_error(NGHTTP2_PROTOCOL_ERROR);
    if (stopped_) return false;
  }
  if (in_head_) watch(head_since_ + context_.settings().head_timeout);
  return true;
}

void ServerConnection::on_frame_begin(const FrameHead& frame) {
  // Whatever became of the block before (RFC 9113 6.10: nothing stands between its frames).
  if (frame.type != NGHTTP2_CONTINUATION) in_head_ = false;
  check_stream(frame);
  auto counter = [&](Abuse kind) -> FrameCounter& {
    return counters_[static_cast<std::size_t>(kind)];
  };
  const bool ack = (frame.flags & NGHTTP2_FLAG_ACK) != 0;
  const bool header_fragment = frame.type == NGHTTP2_HEADERS || frame.type == NGHTTP2_CONTINUATION;
  if (frame.length == 0 && (header_fragment || (frame.type == NGHTTP2_DATA && !ends_stream(frame))))
    count(counter(Abuse::kEmptyFrames), settings_.empty_frames, Abuse::kEmptyFrames);
  switch (frame.type) {
    case NGHTTP2_DATA:
      if (frame.length < kSmallFrame && !ends_stream(frame))
        count(counter(Abuse::kSmallFrames), settings_.small_frames, Abuse::kSmallFrames);
      return;
    case NGHTTP2_HEADERS:
      continuations_ = 0;
      return;
    case NGHTTP2_CONTINUATION:
      if (++continuations_ > settings_.continuation_frames) abuse(Abuse::kContinuationFrames);
      return;
    case NGHTTP2_RST_STREAM:
      return count(counter(Abuse::kResets), settings_.resets, Abuse::kResets);
    case NGHTTP2_SETTINGS:
      if (!ack) count(counter(Abuse::kSettings), settings_.settings, Abuse::kSettings);
      return;
    case NGHTTP2_PING:
      if (!ack) return count(counter(Abuse::kPings), settings_.pings, Abuse::kPings);
      // Few of ours are ever under way.
      count(counter(Abuse::kControlFrames), settings_.control_frames, Abuse::kControlFrames);
      return;
    case NGHTTP2_WINDOW_UPDATE:
      if (window_credit_ > 0) {
        --window_credit_;
        return;
      }
      [[fallthrough]];
    default:
      count(counter(Abuse::kControlFrames), settings_.control_frames, Abuse::kControlFrames);
      return;
  }
}

void ServerConnection::on_protocol_error(std::uint32_t code) {
  if (!std::exchange(stopped_, true)) nghttp2_session_terminate_session(session_, code);
}

void ServerConnection::on_stream_opened(std::int32_t stream) {
  if (stream > last_stream_ + 2)
    skipped_[next_skipped_++ % skipped_.size()] = {last_stream_ + 2, stream - 2};
  last_stream_ = stream;
}

void ServerConnection::on_stream_ended(std::int32_t stream) {
  ended_[next_ended_++ % ended_.size()] = stream;
}

// Frames of streams that are over are the client's fault only where the client has ended them:
// those that we have reset may have some on their way.
void ServerConnection::check_stream(const FrameHead& frame) {
  const std::int32_t stream = frame.stream;
  if (frame.length > kLargestFrame) return on_protocol_error(NGHTTP2_FRAME_SIZE_ERROR);
  if (frame.type == NGHTTP2_PRIORITY && stream == 0)
    return on_protocol_error(NGHTTP2_PROTOCOL_ERROR);
  if (frame.type != NGHTTP2_HEADERS && frame.type != NGHTTP2_DATA) return;
  if (stream <= 0 || stream > last_stream_ ||
      nghttp2_session_find_stream(session_, stream) != nullptr)
    return;
  if (std::ranges::find(ended_, stream) != ended_.end())
    return on_protocol_error(NGHTTP2_STREAM_CLOSED);
  const bool skipped = std::ranges::any_of(
      skipped_, [&](const auto& range) { return stream >= range.first && stream <= range.second; });
  if (skipped && frame.type == NGHTTP2_HEADERS) on_protocol_error(NGHTTP2_PROTOCOL_ERROR);
}

void ServerConnection::on_frame_received(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_RST_STREAM:
      if (ServerExchange* of = exchange(frame.hd.stream_id); of != nullptr) of->on_reset();
      return;
    case NGHTTP2_SETTINGS:
      shaken_ = true;
      return;
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0 && draining_) finish_drain();
      return;
    case NGHTTP2_HEADERS: {
      in_head_ = false;
      ServerExchange* of = exchange(frame.hd.stream_id);
      if (of == nullptr) return;
      if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
        of->finish_head(ends_stream(frame.hd));
      } else if (ends_stream(frame.hd)) {
        of->end_body();
      } else {
        // RFC 9113 8.1: trailers are a stream's last frame.
        nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, frame.hd.stream_id,
                                  NGHTTP2_PROTOCOL_ERROR);
      }
      return;
    }
    case NGHTTP2_DATA: {
      // Nothing but padding.
      if (frame.data.padlen > 0 && frame.data.padlen >= frame.hd.length && !ends_stream(frame.hd))
        count(counters_[static_cast<std::size_t>(Abuse::kEmptyFrames)], settings_.empty_frames,
              Abuse::kEmptyFrames);
      ServerExchange* of = exchange(frame.hd.stream_id);
      if (of != nullptr && ends_stream(frame.hd)) of->end_body();
      return;
    }
    default:
      return;
  }
}

void ServerConnection::count(FrameCounter& counter, const FrameRate& rate, Abuse kind) {
  if (counter.exceeds(rate, loop().now())) abuse(kind);
}

void ServerConnection::abuse(Abuse kind) {
  if (std::exchange(stopped_, true)) return;
  context_.on_abuse(kind, info_);
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
  stream_.cancel_read();
}

// ---- requests

// Once nghttp2 has done with the bytes, so that no handler runs in the middle of its work.
void ServerConnection::start_exchanges() {
  if (begun_.empty()) return;
  std::swap(begun_, starting_);
  if (in_head_ && !starting_.back()->head_finished()) {
    begun_.push_back(std::move(starting_.back()));
    starting_.pop_back();
  }
  for (ServerExchange::Owner& next : starting_) {
    activity_.enter(http::Phase::kMultiplexed, loop().now());
    exchanges_.spawn(answer(std::move(next)));
  }
  starting_.clear();
}

Task<void> ServerConnection::answer(ServerExchange::Owner exchange) {
  if (exchange->head_finished()) {
    if (const std::optional<Error>& error = exchange->head_error(); error)
      co_await context_.handler().handle_unreadable(*exchange, *error);
    else
      co_await context_.handler().handle(*exchange);
  }
  co_await exchange->finish();
  std::erase(open_, exchange.get());
  if (open_.empty()) {
    idle_since_ = loop().now();
    activity_.enter(http::Phase::kIdle, idle_since_);
    relaxed_ = false;
    watch(idle_since_ + std::min(kRelaxAfter, context_.settings().idle_timeout));
  }
}

void ServerConnection::end_exchanges() {
  for (const ServerExchange::Owner& each : begun_) {
    nghttp2_session_set_stream_user_data(session_, each->stream(), nullptr);
    std::erase(open_, each.get());
  }
  begun_.clear();
  const std::vector<ServerExchange*> open = open_;
  for (ServerExchange* each : open) {
    nghttp2_session_set_stream_user_data(session_, each->stream(), nullptr);
    each->on_close();
  }
}

// ---- writing

void ServerConnection::wake_writer() {
  wanted_ = true;
  if (writer_) loop().ready_at_end_of_turn(std::exchange(writer_, nullptr));
}

Task<void> ServerConnection::write_all() {
  struct Sleep {
    ServerConnection& self;
    [[nodiscard]] bool await_ready() const noexcept { return self.wanted_; }
    void await_suspend(std::coroutine_handle<> handle) noexcept { self.writer_ = handle; }
    void await_resume() const noexcept { self.wanted_ = false; }
  };
  for (;;) {
    co_await Sleep{*this};
    if (!dead_) co_await flush();
    if (closing_) co_return;
    if (dead_ ||
        (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0))
      stop();
  }
}

Task<void> ServerConnection::flush() {
  runtime::Buffer buffer = loop().buffers().borrow(runtime::BufferPool::kLarge);
  for (;;) {
    fill(buffer);
    if (out_size_ == 0 && out_tail_.empty()) co_return;
    std::array<iovec, 2> parts = {
        {{buffer.data(), out_size_}, {const_cast<char*>(out_tail_.data()), out_tail_.size()}}};
    const std::size_t skip = out_size_ == 0 ? 1 : 0;
    const std::size_t end = out_tail_.empty() ? 1 : 2;
    const std::size_t size = out_size_ + out_tail_.size();
    const TimePoint since = loop().now();
    const Result<std::size_t> written =
        co_await stream_.write(std::span(parts).subspan(skip, end - skip),
                               sending_.deadline(since, context_.settings().body_timeout, size));
    if (written) {
      sending_.waited(since, loop().now(), size);
      sent_ += size;
    } else {
      if (written.error().code == ErrorCode::kTimeout) {
        context_.on_abuse(Abuse::kWindow, info_);
        context_.on_slow_client(http::SlowClient::kSend, info_);
      }
      dead_ = true;
      co_return;
    }
  }
}

void ServerConnection::fill(runtime::Buffer& into) {
  out_ = &into;
  out_size_ = 0;
  out_tail_ = {};
  while (into.size() - out_size_ >= ServerCallbacks::kLeastRoom) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) break;
    const std::string_view frame(reinterpret_cast<const char*>(bytes),
                                 static_cast<std::size_t>(size));
    if (frame.size() > into.size() - out_size_) {
      out_tail_ = frame;  // nghttp2 keeps it until it is asked for the next
      break;
    }
    std::memcpy(into.data() + out_size_, frame.data(), frame.size());
    out_size_ += frame.size();
  }
  out_ = nullptr;
}

void ServerConnection::on_frame_sent(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_DATA:
      // One for the stream, one for the connection.
      window_credit_ = std::min(window_credit_ + 2, 1'000'000U);
      break;
    case NGHTTP2_RST_STREAM:
      if (is_provoked(frame.rst_stream.error_code))
        count(counters_[static_cast<std::size_t>(Abuse::kResets)], settings_.resets,
              Abuse::kResets);
      return;
    case NGHTTP2_HEADERS:
      break;
    default:
      return;
  }
  if (!ends_stream(frame.hd)) return;
  if (ServerExchange* of = exchange(frame.hd.stream_id); of != nullptr) of->on_end_sent();
}

// A close with unread bytes in the socket is a reset, which can overtake a GOAWAY.
Task<void> ServerConnection::linger() {
  stream_.shutdown_write();
  const TimePoint deadline = loop().now() + kLinger;
  const runtime::Buffer sink = loop().buffers().borrow(runtime::BufferPool::kLarge);
  for (std::size_t taken = 0; taken < kMostLingered;) {
    const Result<std::size_t> n = co_await stream_.read({sink.data(), sink.size()}, deadline);
    if (!n || *n == 0) co_return;
    taken += *n;
  }
}

// ---- time

void ServerConnection::watch(TimePoint at) {
  if (at >= watched_) return;
  watched_ = at;
  watch_.arm(at);
}

void ServerConnection::on_watch() {
  watched_ = kNoDeadline;
  if (stopped_) return;
  const TimePoint now = loop().now();
  const http::ServerSettings& settings = context_.settings();
  const auto due = [&](TimePoint at) {
    if (at <= now) return true;
    watch(at);
    return false;
  };
  if (in_head_ && due(head_since_ + settings.head_timeout)) return abuse(Abuse::kSlowHead);
  if (draining_ && !drained_ && due(drain_since_ + kDrainPatience)) finish_drain();
  const bool late = !shaken_ && due(idle_since_ + settings.head_timeout);
  const bool idle = open_.empty() && due(idle_since_ + settings.idle_timeout);
  if (open_.empty() && !relaxed_ && due(idle_since_ + kRelaxAfter) &&
      nghttp2_session_want_write(session_) == 0) {
    memory_.relax();
    relaxed_ = true;
  }
  if (!late && !idle) return;
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  wake_writer();
}

// RFC 9113 6.8: first that no more requests are wanted, then, once what was on its way has come,
// the last one that is answered.
void ServerConnection::begin_drain() {
  if (std::exchange(draining_, true)) return;
  drain_since_ = loop().now();
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  watch(drain_since_ + kDrainPatience);
  wake_writer();
}

void ServerConnection::finish_drain() {
  if (std::exchange(drained_, true)) return;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  wake_writer();
}

Task<Result<bool>> begins_with_preface(runtime::Stream& stream,
                                       const http::ServerSettings& settings) {
  Loop& loop = stream.loop();
  const auto available = co_await stream.wait_available(loop.now() + settings.idle_timeout);
  if (!available && (available.error().code != ErrorCode::kCancelled || stream.is_quiet()))
    co_return std::unexpected(available.error());
  const TimePoint deadline = loop.now() + settings.head_timeout;
  std::array<char, kPreface.size()> bytes{};
  for (std::size_t known = 0;;) {
    PC_CO_TRY(const std::size_t n, co_await stream.peek(bytes, known, deadline));
    if (n == 0) co_return refuse(ErrorCode::kClosed, "client left before it said anything");
    known = n;
    if (!kPreface.starts_with(std::string_view(bytes.data(), known))) co_return false;
    if (known == kPreface.size()) co_return true;
  }
}

Task<void> serve(runtime::Stream& stream, ServerContext& context, const http::ConnectionInfo& info,
                 http::Activity& activity) {
  ServerConnection connection(stream, context, info, activity);
  co_await connection.run();
}

}  // namespace portcullis::http2
