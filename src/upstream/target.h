// One server behind the gateway, as one worker sees it: its idle connections and those that are
// lent, or, where HTTP/2 is spoken, the connections that requests share. A target outlives the
// configurations that name it in the same way, so that a reload closes no connection that may
// stand.
#pragma once

#include "base/clock.h"
#include "config/config.h"
#include "http/client.h"
#include "http2/client_stream.h"
#include "runtime/loop.h"
#include "runtime/resolver.h"
#include "runtime/task.h"
#include "upstream/dialer.h"
#include "upstream/sessions.h"
#include "upstream/standing.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portcullis::upstream {

class Lease;
class Target;
class Upstream;

// A connection of a target's pool.
struct PooledConnection {
  PooledConnection(Target& owner, std::unique_ptr<runtime::Stream> stream)
      : target(owner), http(std::move(stream)) {}
  Target& target;
  http::ClientConnection http;
  TimePoint idle_since{};
};

class Target {
 public:
  // `tls` is null for clear text. What outlasts a request of it runs in `tasks`.
  Target(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config,
         const std::string& name, std::shared_ptr<Standing> standing,
         std::shared_ptr<const runtime::TlsClientContext> tls, TaskGroup& tasks);
  ~Target();  // every lease must have ended
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // Requests that have a connection, or make one.
  [[nodiscard]] std::size_t active() const { return active_; }
  [[nodiscard]] std::size_t idle() const { return idle_.size(); }

  [[nodiscard]] const Standing* standing() const { return standing_.get(); }

  // How requests fare with it, for all workers; `reason` is for the log.
  void succeeded() { standing_->succeeded(); }
  void failed(std::string_view reason) { standing_->failed(loop_.now(), eject_, reason); }

  // The configuration has it no more: what is idle is closed at once, what is lent when it comes
  // back.
  void retire();
  // The configuration in force has it.
  void serve(const config::Upstream& config);
  // Closes what has been idle for too long, or leads where the name leads no more.
  void close_idle(TimePoint now);

 private:
  friend class Upstream;
  friend class Lease;
  friend class Sessions;

  // Closes what stands idle where the name leads no more; what is shared there takes no more
  // requests.
  void follow_name();
  // Without waiting, and not beyond `maximum` connections.
  [[nodiscard]] std::optional<Lease> try_lend(std::uint32_t maximum);
  [[nodiscard]] bool may_connect(std::uint32_t maximum) const;
  // For one more request, on a connection that is there or on another one.
  [[nodiscard]] bool has_room(std::uint32_t maximum) const;
  // Errors: those of the dialer, kUnavailable.
  Task<Result<Lease>> connect(TimePoint deadline, std::uint32_t maximum,
                              std::optional<http::ProxyHeader::Ends> ends);
  Task<Result<Lease>> connect_shared(TimePoint deadline, std::uint32_t maximum);
  // Where connections are shared: one has room, or makes room for another.
  void room_changed();
  void give_back(std::unique_ptr<PooledConnection> connection);
  // Null when nothing usable stands idle.
  [[nodiscard]] std::unique_ptr<PooledConnection> take_idle();
  // An idle connection was closed from the other side, or speaks unasked.
  static void on_stirred(void* connection);
  void unreachable(const Error& error) {
    standing_->unreachable(loop_.now(), eject_, error.detail);
  }
  // A lent connection has ended or come back: somebody may be waiting for it.
  void one_ended();

  Loop& loop_;
  std::string name_;
  std::shared_ptr<Standing> standing_;
  Dialer dialer_;
  std::chrono::milliseconds idle_timeout_{0};
  std::optional<config::Eject> eject_;
  std::vector<std::unique_ptr<PooledConnection>> idle_;  // the most recently used last
  std::unique_ptr<Sessions> sessions_;                   // null: HTTP/1.1
  std::size_t active_ = 0;
  std::vector<Upstream*> upstreams_;  // that balance over it: one, and during a reload more
  bool retired_ = false;
};

// One connection, or a stream of one that is shared, lent for one exchange. When it goes without
// keep(), the connection is closed, and the stream is reset unless it is over.
class Lease {
 public:
  Lease() = default;
  // Counts as a request of the target from here on.
  explicit Lease(Target& target);
  Lease(Lease&& other) noexcept
      : target_(std::exchange(other.target_, nullptr)),
        connection_(std::move(other.connection_)),
        stream_(std::move(other.stream_)),
        reused_(other.reused_) {}
  Lease& operator=(Lease&& other) noexcept;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { end(); }

  [[nodiscard]] http::ClientExchange& exchange() const {
    if (stream_ != nullptr) return *stream_;
    return connection_->http;
  }
  [[nodiscard]] Target& target() const { return *target_; }
  // The connection was there before: the server may have closed it at any moment.
  [[nodiscard]] bool reused() const { return reused_; }
  // Gives the connection back to the pool, if its response has ended and it may stand.
  void keep();
  void end();

 private:
  friend class Target;
  Target* target_ = nullptr;
  std::unique_ptr<PooledConnection> connection_;
  std::unique_ptr<http2::ClientStream> stream_;
  bool reused_ = false;
};

}  // namespace portcullis::upstream
