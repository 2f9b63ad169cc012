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

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace portcullis::upstream {

class Upstream;

class Target {
 public:
  Target(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config,
         const std::string& name);
  ~Target();  // every lease must have ended
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // Lent connections and those being made.
  [[nodiscard]] std::size_t active() const { return active_; }
  [[nodiscard]] std::size_t idle() const { return idle_.size(); }

  // The configuration has it no more: what is idle is closed at once, what is lent when it comes
  // back.
  void retire();
  // The configuration in force has it.
  void serve(const config::Upstream& config);
  // Closes what has been idle for too long, or was closed from the other side.
  void close_idle(TimePoint now);

 private:
  friend class Upstream;
  friend class Lease;

  void give_back(std::unique_ptr<http::ClientConnection> connection);
  // Null when nothing usable stands idle.
  [[nodiscard]] std::unique_ptr<http::ClientConnection> take_idle();
  // A lent connection has ended or come back: somebody may be waiting for it.
  void one_ended();

  Loop& loop_;
  std::string name_;
  Dialer dialer_;
  std::chrono::milliseconds idle_timeout_;
  std::vector<std::unique_ptr<http::ClientConnection>> idle_;  // the most recently used last
  std::size_t active_ = 0;
  TimePoint rests_until_{};
  std::vector<Upstream*> upstreams_;  // that balance over it: one, and during a reload more
  bool retired_ = false;
};

// One connection, lent for one exchange. When it goes without keep(), the connection is closed.
class Lease {
 public:
  Lease() = default;
  Lease(Target& target, std::unique_ptr<http::ClientConnection> connection, bool reused)
      : target_(&target), connection_(std::move(connection)), reused_(reused) {}
  Lease(Lease&& other) noexcept
      : target_(std::exchange(other.target_, nullptr)),
        connection_(std::move(other.connection_)),
        reused_(other.reused_) {}
  Lease& operator=(Lease&& other) noexcept;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { end(); }

  [[nodiscard]] http::ClientConnection& connection() const { return *connection_; }
  [[nodiscard]] Target& target() const { return *target_; }
  // It stood idle before: the server may have closed it at any moment.
  [[nodiscard]] bool reused() const { return reused_; }
  // Gives the connection back to the pool, if its response has ended and it may stand.
  void keep();
  void end();

 private:
  friend class Upstream;
  Target* target_ = nullptr;
  std::unique_ptr<http::ClientConnection> connection_;
  bool reused_ = false;
};

}  // namespace portcullis::upstream
