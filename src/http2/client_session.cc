#include "http2/client_session.h"

#include "base/check.h"
#include "http2/client_stream.h"
#include "http2/name_values.h"

#include <algorithm>
#include <cstring>
#include <nghttp2/nghttp2.h>
#include <utility>

namespace portcullis::http2 {
namespace {

// What a peer may send that carries nothing (pings, settings, empty frames, and what we do not
// know) before that is an attack; each frame that does carry something makes up for some.
constexpr std::int32_t kMostIdleFrames = 4096;
constexpr std::int32_t kEarned = 8;
// A peer that takes no bytes at all is no peer any more.
constexpr std::chrono::seconds kWriteTimeout{30};
constexpr std::chrono::seconds kFarewell{1};
constexpr unsigned kReadsAtOnce = 16;
constexpr std::size_t kMostHeadBytes = 256 * 1024;  // that we send: `head_size` bounds it before
constexpr std::uint32_t kMostHeadBytesReceived = 64 * 1024;

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

// What nghttp2 calls. Nothing here waits, and nothing calls nghttp2 to read or write.
struct ClientCallbacks {
  static ClientSession& self(void* user) { return *static_cast<ClientSession*>(user); }

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
    const bool carries = head->type == NGHTTP2_HEADERS ||
                         (head->type == NGHTTP2_DATA && head->length > 0) ||
                         head->type == NGHTTP2_RST_STREAM;
    if (carries)
      self(user).earn();
    else
      self(user).spend();
    return self(user).budget_ < 0 ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (ClientStream* stream = self(user).find(frame->hd.stream_id)) stream->begin_block();
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    ClientStream* stream = self(user).find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    return stream->add_field(text_of(name, name_size), text_of(value, value_size))
               ? 0
               : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  // Left to itself, nghttp2 would drop such a field and let the rest pass.
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame* frame,
                               const std::uint8_t* name, std::size_t name_size, const std::uint8_t*,
                               std::size_t, std::uint8_t, void* user) {
    constexpr std::size_t kMostShown = 40;
    if (ClientStream* stream = self(user).find(frame->hd.stream_id)) {
      std::string shown;
      for (const char c : text_of(name, std::min(name_size, kMostShown)))
        shown += c > ' ' && c <= '~' ? c : '?';
      static_cast<void>(stream->complain("field `" + shown + "` is malformed"));
    }
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    ClientSession& session = self(user);
    switch (frame->hd.type) {
      case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) break;
        session.has_settings_ = true;
        session.settings_.open();
        session.changed();
        break;
      case NGHTTP2_GOAWAY:
        session.retired_ = true;
        // RFC 9113 5.4.1: behind an error the server closes the connection. What it has not looked
        // at is told apart first.
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR)
          session.ending_ = nghttp2_http2_strerror(frame->goaway.error_code);
        session.end_if_done();
        session.changed();
        break;
      case NGHTTP2_HEADERS:
        if (ClientStream* stream = session.find(frame->hd.stream_id)) {
          if (stream->end_block() && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
            stream->end_remote();
        }
        break;
      case NGHTTP2_DATA:
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) break;
        if (ClientStream* stream = session.find(frame->hd.stream_id)) stream->end_remote();
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                     const std::uint8_t* bytes, std::size_t size, void* user) {
    // The stream alone is held back by who reads it.
    nghttp2_session_consume_connection(session, size);
    if (ClientStream* stream = self(user).find(id)) stream->add_data(text_of(bytes, size));
    return 0;
  }

  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
    if (ClientStream* stream = self(user).find(frame->hd.stream_id); stream != nullptr)
      static_cast<void>(stream->complain(nghttp2_strerror(error)));
    return 0;
  }

  static int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_DATA) self(user).earn();
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (ClientStream* stream = self(user).find(frame->hd.stream_id)) stream->unprocessed_ = false;
    return 0;
  }

  // A request that is not begun any more: the connection is going away.
  static int on_frame_not_send(nghttp2_session*, const nghttp2_frame* frame, int error,
                               void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    ClientSession& session = self(user);
    if (ClientStream* stream = session.find(frame->hd.stream_id))
      stream->close(nghttp2_strerror(error), true);
    session.forget(frame->hd.stream_id);
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    ClientSession& session = self(user);
    if (ClientStream* stream = session.find(id)) {
      stream->received_ = true;
      stream->close(code == NGHTTP2_NO_ERROR
                        ? std::string()
                        : std::string("reset the stream: ") + nghttp2_http2_strerror(code),
                    code == NGHTTP2_REFUSED_STREAM);
    }
    session.forget(id);
    return 0;
  }

  static int on_error(nghttp2_session*, int, const char* message, std::size_t size, void* user) {
    constexpr std::size_t kMostShown = 200;
    if (self(user).why_.empty()) self(user).why_.assign(message, std::min(size, kMostShown));
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source*, void* user) {
    ClientStream* stream = self(user).find(id);
    bool end = true;
    const std::ptrdiff_t n =
        stream == nullptr ? 0 : stream->take_body(reinterpret_cast<char*>(into), size, end);
    if (n < 0) return NGHTTP2_ERR_DEFERRED;
    if (end) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (end && stream != nullptr && stream->trailers_ != nullptr) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      stream->submit_trailers();
    }
    return n;
  }

  static const nghttp2_session_callbacks* table() {
    static nghttp2_session_callbacks* const made = [] {
      nghttp2_session_callbacks* fresh = nullptr;
      PC_CHECK(nghttp2_session_callbacks_new(&fresh) == 0);
      nghttp2_session_callbacks_set_on_begin_frame_callback(fresh, on_begin_frame);
      nghttp2_session_callbacks_set_on_begin_headers_callback(fresh, on_begin_headers);
      nghttp2_session_callbacks_set_on_header_callback(fresh, on_header);
      nghttp2_session_callbacks_set_on_invalid_header_callback(fresh, on_invalid_header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(fresh, on_frame_recv);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(fresh, on_data);
      nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(fresh, on_invalid_frame);
      nghttp2_session_callbacks_set_on_frame_send_callback(fresh, on_frame_send);
      nghttp2_session_callbacks_set_on_frame_not_send_callback(fresh, on_frame_not_send);
      nghttp2_session_callbacks_set_on_stream_close_callback(fresh, on_stream_close);
      nghttp2_session_callbacks_set_error_callback2(fresh, on_error);
      return fresh;
    }();
    return made;
  }

  static const nghttp2_option* options() {
    static nghttp2_option* const made = [] {
      nghttp2_option* fresh = nullptr;
      PC_CHECK(nghttp2_option_new(&fresh) == 0);
      nghttp2_option_set_no_auto_window_update(fresh, 1);
      nghttp2_option_set_no_closed_streams(fresh, 1);
      nghttp2_option_set_max_send_header_block_length(fresh, kMostHeadBytes);
      return fresh;
    }();
    return made;
  }
};

ClientSession::ClientSession(std::unique_ptr<runtime::Stream> stream)
    : stream_(std::move(stream)),
      settings_(stream_->loop()),
      writable_(stream_->loop()),
      idle_since_(stream_->loop().now()),
      heard_(idle_since_),
      budget_(kMostIdleFrames) {
  PC_CHECK(nghttp2_session_client_new2(&session_, ClientCallbacks::table(), this,
                                       ClientCallbacks::options()) == 0);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kClientStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMostHeadBytesReceived}};
  PC_CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)) ==
           0);
  PC_CHECK(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                                 kClientConnectionWindow) == 0);
  stream_->probe_peer();
}

ClientSession::~ClientSession() {
  PC_CHECK(streams() == 0 || over_);
  nghttp2_session_del(session_);
}

Task<void> ClientSession::run(std::shared_ptr<ClientSession> session) {
  TaskGroup writing;
  writing.spawn(session->write());
  co_await session->read();
  co_await writing.join();
}

Task<void> ClientSession::read() {
  Loop& loop = stream_->loop();
  for (unsigned reads = 1; !over_; ++reads) {
    if (reads % kReadsAtOnce == 0) co_await loop.yield();
    if (over_) co_return;
    // An idle connection holds no buffer.
    const Result<std::size_t> available = co_await stream_->wait_available(kNoDeadline);
    if (over_) co_return;
    runtime::Buffer buffer = loop.buffers().borrow(runtime::BufferPool::kLarge);
    Result<std::size_t> n = available;
    if (available) n = co_await stream_->read({buffer.data(), buffer.size()}, kNoDeadline);
    if (over_) co_return;
    if (!n) {
      fail(n.error().detail);
    } else if (*n == 0) {
      fail(has_settings_ ? "the server closed it" : "closed before it spoke HTTP/2");
    } else {
      feed({buffer.data(), *n});
    }
  }
}

void ClientSession::feed(std::string_view bytes) {
  if (!has_settings_ && bytes.starts_with("HTTP/")) {
    fail("the server answers in HTTP/1.1, and does not speak HTTP/2 in clear text");
    return;
  }
  heard_ = loop().now();
  const ssize_t used = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (used < 0) {
    fail(budget_ < 0 ? "too many frames that carry nothing"
                     : nghttp2_strerror(static_cast<int>(used)));
    return;
  }
  if (!ending_.empty()) {
    fail("the server ended it: " + std::string(ending_));
    return;
  }
  wake_writer();
}

std::size_t ClientSession::collect(std::span<char> into) {
  std::size_t size = 0;
  while (size < into.size()) {
    if (unsent_bytes_.empty()) {
      const std::uint8_t* bytes = nullptr;
      const ssize_t n = nghttp2_session_mem_send(session_, &bytes);
      if (n < 0) {
        fail(nghttp2_strerror(static_cast<int>(n)));
        return 0;
      }
      if (n == 0) break;
      unsent_bytes_ = text_of(bytes, static_cast<std::size_t>(n));
    }
    const std::size_t take = std::min(unsent_bytes_.size(), into.size() - size);
    std::memcpy(into.data() + size, unsent_bytes_.data(), take);
    unsent_bytes_.remove_prefix(take);
    size += take;
  }
  return size;
}

Task<void> ClientSession::write() {
  runtime::Buffer buffer;
  while (!over_) {
    if (!buffer) buffer = loop().buffers().borrow(runtime::BufferPool::kLarge);
    const std::size_t size = collect({buffer.data(), buffer.size()});
    if (over_) co_return;
    if (size == 0) {
      buffer.release();
      if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) {
        fail(why_.empty() ? "the connection was ended" : why_);
        co_return;
      }
      (void)co_await writable_.wait(kNoDeadline);
      continue;
    }
    iovec part{buffer.data(), size};
    const TimePoint deadline =
        loop().now() + (retired_ && streams() == 0 ? kFarewell : kWriteTimeout);
    const Result<std::size_t> sent = co_await stream_->write(std::span(&part, 1), deadline);
    if (!sent && !over_) fail(sent.error().detail);
  }
}

void ClientSession::wake_writer() {
  if (!over_) writable_.open();
}

void ClientSession::fail(std::string why) {
  if (over_) return;
  over_ = true;
  why_ = std::move(why);
  for (const auto& [id, stream] : streams_) {
    if (stream != nullptr) stream->close("connection lost: " + why_, stream->unprocessed_);
  }
  streams_.clear();
  stream_->cancel();
  settings_.open();
  writable_.open();
  changed();
}

void ClientSession::close(std::string_view why) { fail(std::string(why)); }

Task<Result<void>> ClientSession::ready(TimePoint deadline) {
  while (!has_settings_ && !over_) {
    if (!co_await settings_.wait(deadline))
      co_return fail_with(ErrorCode::kTimeout, "the server did not begin to speak HTTP/2 in time");
  }
  if (over_) co_return fail_with(ErrorCode::kUpstreamBroken, why_);
  if (room() == 0)
    co_return fail_with(ErrorCode::kUpstreamBroken, "the server allows no request at all");
  co_return Result<void>{};
}

std::unexpected<Error> ClientSession::fail_with(ErrorCode code, std::string why) {
  return portcullis::fail(code, std::move(why), ErrorSource::kUpstream);
}

std::uint32_t ClientSession::room() const {
  if (!is_open() || !has_settings_ || nghttp2_session_check_request_allowed(session_) == 0)
    return 0;
  const std::uint32_t allowed = std::min(
      kMostClientStreams,
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
  return allowed > streams() ? allowed - streams() : 0;
}

bool ClientSession::has_room() const { return room() > 0; }

std::unique_ptr<ClientStream> ClientSession::open(const std::shared_ptr<ClientSession>& session) {
  PC_CHECK(session->has_room());
  ++session->unsent_;
  auto stream = std::make_unique<ClientStream>(session);
  return stream;
}

void ClientSession::retire() {
  retired_ = true;
  end_if_done();
}

void ClientSession::end_if_done() {
  if (!retired_ || over_ || streams() > 0) return;
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  stream_->cancel_write();  // a farewell behind a write that waits would not arrive
  wake_writer();
}

void ClientSession::changed() {
  if (streams() == 0) idle_since_ = loop().now();
  if (watcher_ != nullptr) watcher_->on_change(*this);
}

ClientStream* ClientSession::find(std::int32_t id) const {
  const auto found = streams_.find(id);
  return found != streams_.end() ? found->second : nullptr;
}

void ClientSession::forget(std::int32_t id) {
  if (streams_.erase(id) == 0) return;
  end_if_done();
  changed();
}

std::int32_t ClientSession::submit(std::span<const http::Field> head, bool with_body,
                                   Arena& arena) {
  const NameValues pairs(arena, head);
  nghttp2_data_provider body{};
  body.read_callback = &ClientCallbacks::read_body;
  return nghttp2_submit_request(session_, nullptr, pairs.data(), pairs.size(),
                                with_body ? &body : nullptr, nullptr);
}

void ClientSession::spend() { --budget_; }
void ClientSession::earn() { budget_ = std::min(budget_ + kEarned, kMostIdleFrames); }

}  // namespace portcullis::http2
