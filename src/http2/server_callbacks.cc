#include "http2/server_callbacks.h"

#include "base/check.h"
#include "http2/server_exchange.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace portcullis::http2 {
namespace {

constexpr std::size_t kFrameHead = 9;
// Decoding goes on for as long as the block does, or the connection is lost; what it is decoded to
// is thrown away. Beyond so many times `head_size` it is meant to cost us.
constexpr std::size_t kMostOversize = 4;

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

int ServerCallbacks::begin_headers(nghttp2_session* session, const nghttp2_frame* frame,
                                   void* self) {
  ServerConnection& connection = of(self);
  connection.in_head_ = true;
  connection.head_since_ = connection.loop().now();
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  connection.on_stream_opened(frame->hd.stream_id);
  // Streams that the client has reset count here until their work has stopped.
  if (connection.open_.size() >= 2UL * connection.settings_.streams) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                              NGHTTP2_REFUSED_STREAM);
    return 0;
  }
  ServerExchange::Owner fresh = ServerExchange::create(connection, frame->hd.stream_id);
  nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, fresh.get());
  connection.open_.push_back(fresh.get());
  connection.begun_.push_back(std::move(fresh));
  return 0;
}

int ServerCallbacks::header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                            std::size_t name_size, const std::uint8_t* value,
                            std::size_t value_size, std::uint8_t, void* self) {
  ServerConnection& connection = of(self);
  ServerExchange* exchange = connection.exchange(frame->hd.stream_id);
  if (exchange == nullptr) return 0;
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
    exchange->add_trailer(text(name, name_size), text(value, value_size));
    return 0;
  }
  exchange->head().add(text(name, name_size), text(value, value_size));
  if (exchange->head().size() > kMostOversize * connection.context_.settings().head.size)
    connection.abuse(Abuse::kHeaderSize);
  return 0;
}

int ServerCallbacks::frame_received(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  of(self).on_frame_received(*frame);
  return 0;
}

int ServerCallbacks::data(nghttp2_session* session, std::uint8_t, std::int32_t stream,
                          const std::uint8_t* bytes, std::size_t size, void* self) {
  ServerExchange* exchange = of(self).exchange(stream);
  nghttp2_session_consume_connection(session, size);
  if (exchange != nullptr)
    exchange->receive(text(bytes, size));
  else
    nghttp2_session_consume_stream(session, stream, size);
  return 0;
}

int ServerCallbacks::stream_close(nghttp2_session* session, std::int32_t stream, std::uint32_t,
                                  void* self) {
  ServerExchange* exchange = of(self).exchange(stream);
  if (exchange == nullptr) return 0;
  if (exchange->ended_by_client()) of(self).on_stream_ended(stream);
  nghttp2_session_set_stream_user_data(session, stream, nullptr);
  exchange->on_close();
  return 0;
}

int ServerCallbacks::frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  of(self).on_frame_sent(*frame);
  return 0;
}

// An exchange that has ended before its response was written takes that with it.
ssize_t ServerCallbacks::read_data(nghttp2_session*, std::int32_t stream, std::uint8_t*,
                                   std::size_t most, std::uint32_t* flags, nghttp2_data_source*,
                                   void* self) {
  ServerExchange* exchange = of(self).exchange(stream);
  return exchange != nullptr ? exchange->offer(most, *flags)
                             : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

ssize_t ServerCallbacks::data_length(nghttp2_session*, std::uint8_t, std::int32_t,
                                     std::int32_t connection_window, std::int32_t stream_window,
                                     std::uint32_t most_of_peer, void* self) {
  const ServerConnection& connection = of(self);
  const std::size_t size = connection.out_->size();
  const std::size_t left = size - connection.out_size_;
  // What does not fit waits for the next buffer.
  const std::size_t room = (left >= kLeastRoom ? left : size) - kFrameHead;
  const auto window = static_cast<std::size_t>(std::min(connection_window, stream_window));
  return static_cast<ssize_t>(std::min({room, window, static_cast<std::size_t>(most_of_peer)}));
}

int ServerCallbacks::send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                               std::size_t size, nghttp2_data_source*, void* self) {
  ServerConnection& connection = of(self);
  ServerExchange* exchange = connection.exchange(frame->hd.stream_id);
  if (exchange == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (connection.out_->size() - connection.out_size_ < kFrameHead + size)
    return NGHTTP2_ERR_WOULDBLOCK;
  char* const at = connection.out_->data() + connection.out_size_;
  std::memcpy(at, head, kFrameHead);
  exchange->take(at + kFrameHead, size);
  connection.out_size_ += kFrameHead + size;
  return 0;
}

const nghttp2_session_callbacks* ServerCallbacks::all() {
  static const nghttp2_session_callbacks* const callbacks = [] {
    nghttp2_session_callbacks* made = nullptr;
    PC_CHECK(nghttp2_session_callbacks_new(&made) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(made, header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, data);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, frame_sent);
    nghttp2_session_callbacks_set_data_source_read_length_callback(made, data_length);
    nghttp2_session_callbacks_set_send_data_callback(made, send_data);
    return made;
  }();
  return callbacks;
}

// What of HTTP is right is for us to say: nghttp2 would drop a malformed field, and we refuse its
// request. Floods are counted by us, each with its own bound.
const nghttp2_option* ServerCallbacks::options() {
  static const nghttp2_option* const options = [] {
    nghttp2_option* made = nullptr;
    PC_CHECK(nghttp2_option_new(&made) == 0);
    nghttp2_option_set_no_http_messaging(made, 1);
    nghttp2_option_set_no_auto_window_update(made, 1);
    nghttp2_option_set_no_closed_streams(made, 1);
    nghttp2_option_set_max_outbound_ack(made, 1'000);
    nghttp2_option_set_max_continuations(made, 1'000'000);
    nghttp2_option_set_stream_reset_rate_limit(made, 1'000'000'000, 1'000'000'000);
    return made;
  }();
  return options;
}

}  // namespace portcullis::http2
