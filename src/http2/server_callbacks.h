// What nghttp2 calls while it reads or writes for a client's connection, and how it is set up.
#pragma once

#include "http2/server_connection.h"

#include <cstddef>
#include <cstdint>
#include <nghttp2/nghttp2.h>
#include <string_view>

namespace portcullis::http2 {

// Each is given the connection, and hands on to it.
struct ServerCallbacks {
  // A frame that is begun with less room than this would be mostly its own head.
  static constexpr std::size_t kLeastRoom = 1024;

  // Made once: sessions copy them.
  static const nghttp2_session_callbacks* all();
  static const nghttp2_option* options();
  // The next bytes of a response's body.
  static ssize_t read_data(nghttp2_session*, std::int32_t stream, std::uint8_t*, std::size_t most,
                           std::uint32_t* flags, nghttp2_data_source*, void* self);

 private:
  static ServerConnection& of(void* self) { return *static_cast<ServerConnection*>(self); }
  static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* self);
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* self);
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int data(nghttp2_session* session, std::uint8_t, std::int32_t stream,
                  const std::uint8_t* bytes, std::size_t size, void* self);
  static int stream_close(nghttp2_session* session, std::int32_t stream, std::uint32_t, void* self);
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static ssize_t data_length(nghttp2_session*, std::uint8_t, std::int32_t,
                             std::int32_t connection_window, std::int32_t stream_window,
                             std::uint32_t most_of_peer, void* self);
  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                       std::size_t size, nghttp2_data_source*, void* self);
};

}  // namespace portcullis::http2
