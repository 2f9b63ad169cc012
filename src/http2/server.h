// The server side of one HTTP/2 connection (RFC 9113): requests in, many at a time, each answered
// by a Handler that does not know them from HTTP/1.1's.
#pragma once

#include "http/exchange.h"
#include "http/server.h"
#include "http2/abuse.h"
#include "runtime/stream.h"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace portcullis::http2 {

struct ServerSettings {
  std::uint32_t streams = 128;            // at once, of one connection
  std::uint32_t continuation_frames = 8;  // of one header block
  FrameRate resets{200, std::chrono::seconds(30)};
  FrameRate settings{20, std::chrono::seconds(10)};
  FrameRate pings{20, std::chrono::seconds(10)};
  FrameRate empty_frames{100, std::chrono::seconds(10)};
  FrameRate small_frames{20'000, std::chrono::seconds(10)};
  FrameRate control_frames{1'000, std::chrono::seconds(10)};
};

class ServerContext : public http::ServerContext {
 public:
  [[nodiscard]] virtual const ServerSettings& http2() const = 0;
  // The connection ends for this; for kWindow, the stream.
  virtual void on_abuse(Abuse abuse, const http::ConnectionInfo& connection) = 0;

 protected:
  ~ServerContext() = default;
};

// What a client sends first (RFC 9113 3.4); no request of HTTP/1.1 can begin with it.
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// In clear text, before anything was read: whether the client speaks HTTP/2 without having asked
// (RFC 9113 3.3). Waits for its first bytes, within the times for an idle connection and for a
// head, and takes none. Cancelling the read ends it, unless something has arrived just then.
// Errors: kClosed, kTimeout, kCancelled.
Task<Result<bool>> begins_with_preface(runtime::Stream& stream,
                                       const http::ServerSettings& settings);

// Serves `stream` until either side has had enough. The stream is the caller's. Cancelling its read
// makes the connection look whether it should drain, which it does too when its place is given up;
// `activity` is kMultiplexed while a request is under way.
Task<void> serve(runtime::Stream& stream, ServerContext& context, const http::ConnectionInfo& info,
                 http::Activity& activity);

}  // namespace portcullis::http2
