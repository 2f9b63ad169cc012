// The server side of one HTTP/1.1 connection: requests in, one after the other, answered by a
// Handler.
#pragma once

#include "base/clock.h"
#include "http/exchange.h"
#include "http/head.h"
#include "runtime/stream.h"

#include <memory>

namespace portcullis::http {

struct ServerSettings {
  HeadLimits head;
  PathRules paths;
  std::chrono::milliseconds head_timeout{10'000};
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds body_timeout{30'000};
};

// What the connections of a listener share on one worker; it outlives them.
class ServerContext {
 public:
  [[nodiscard]] virtual const ServerSettings& settings() const = 0;  // read anew for each request
  virtual Handler& handler() = 0;
  // No further request is wanted on any connection.
  [[nodiscard]] virtual bool draining() const = 0;

 protected:
  ~ServerContext() = default;
};

// What a connection is doing, for who wants it to end.
enum class Phase : std::uint8_t {
  kFresh,  // its first request has not come yet: it may be on its way
  kIdle,   // between requests
  kBusy,
  kMultiplexed,  // HTTP/2: between requests or in any number of them. A cancelled read makes the
                 // connection look whether it is to end.
};

// Serves `stream` until either side has had enough. The stream is the caller's. While `phase` is
// not kBusy, cancelling the stream's read ends the connection, unless a request has arrived just
// then.
Task<void> serve_http1(runtime::Stream& stream, ServerContext& context, const ConnectionInfo& info,
                       Phase& phase);

}  // namespace portcullis::http
