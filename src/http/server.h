// The server side of one HTTP/1.1 connection: requests in, one after the other, answered by a
// Handler.
#pragma once

#include "base/clock.h"
#include "base/ip.h"
#include "http/activity.h"
#include "http/exchange.h"
#include "http/head.h"
#include "http/offence.h"
#include "http/transfer_rate.h"
#include "runtime/stream.h"

#include <memory>

namespace portcullis::http {

struct ServerSettings {
  HeadLimits head;
  PathRules paths;
  std::chrono::milliseconds head_timeout{10'000};
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds body_timeout{30'000};
  MinimumRate body_rate;  // of what the client sends
  MinimumRate send_rate;  // of what it takes
};

enum class SlowClient : std::uint8_t { kBody, kSend };

// What the connections of a listener share on one worker; it outlives them.
class ServerContext {
 public:
  [[nodiscard]] virtual const ServerSettings& settings() const = 0;  // read anew for each request
  virtual Handler& handler() = 0;
  // No further request is wanted on any connection.
  [[nodiscard]] virtual bool draining() const = 0;
  // A client did what it may be banned for; what an exchange shows is for its Handler to see.
  virtual void on_offence(const IpAddress& client, Offence offence) {
    static_cast<void>(client);
    static_cast<void>(offence);
  }
  // A request was given up, since its client was slower than `body_rate` or `send_rate`, or moved
  // nothing for `body_timeout`.
  virtual void on_slow_client(SlowClient slow, const ConnectionInfo& connection) {
    static_cast<void>(slow);
    static_cast<void>(connection);
  }

 protected:
  ~ServerContext() = default;
};

// Serves `stream` until either side has had enough, and says in `activity` what it does. The stream
// is the caller's. While it is kFresh or kIdle, cancelling the stream's read ends the connection,
// unless a request has arrived just then.
Task<void> serve_http1(runtime::Stream& stream, ServerContext& context, const ConnectionInfo& info,
                       Activity& activity);

}  // namespace portcullis::http
