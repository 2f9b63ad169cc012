// One server behind the gateway, as one worker sees it: its idle connections, and those that are
// lent. A target outlives the configurations that name it in the same way, so that a reload closes
// no connection that may stand.
#pragma once

#include "base/clock.h"
#include "config/config.h"
#include "http/client.h"
#include "runtime/loop.h"
#include "runtime/resolver.h"
#include "upstream/dialer.h"
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
  // `tls` is null for clear text.
  Target(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config,
         const std::string& name, std::shared_ptr<Standing> standing,
         std::shared_ptr<const runtime::TlsClientContext> tls);
  ~Target();  // every lease must have ended
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // Lent connections and those being made.
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

  // Closes what stands idle where the name leads no more.
  void follow_name();
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
  std::size_t active_ = 0;
  std::vector<Upstream*> upstreams_;  // that balance over it: one, and during a reload more
  bool retired_ = false;
};

// One connection, lent for one exchange. When it goes without keep(), the connection is closed.
class Lease {
 public:
  Lease() = default;
  Lease(Target& target, std::unique_ptr<PooledConnection> connection, bool reused)
      : target_(&target), connection_(std::move(connection)), reused_(reused) {}
  Lease(Lease&& other) noexcept
      : target_(std::exchange(other.target_, nullptr)),
        connection_(std::move(other.connection_)),
        reused_(other.reused_) {}
  Lease& operator=(Lease&& other) noexcept;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { end(); }

  [[nodiscard]] http::ClientConnection& connection() const { return connection_->http; }
  [[nodiscard]] Target& target() const { return *target_; }
  // It stood idle before: the server may have closed it at any moment.
  [[nodiscard]] bool reused() const { return reused_; }
  // Gives the connection back to the pool, if its response has ended and it may stand.
  void keep();
  void end();

 private:
  friend class Upstream;
  Target* target_ = nullptr;
  std::unique_ptr<PooledConnection> connection_;
  bool reused_ = false;
};

}  // namespace portcullis::upstream
