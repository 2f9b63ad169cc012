// The servers behind the gateway, as one worker sees them: their addresses, its own pool of idle
// connections to each, and the choice among them.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "http/client.h"
#include "runtime/loop.h"
#include "runtime/resolver.h"
#include "runtime/task.h"

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portcullis::upstream {

class Upstream;

// One server: `host:port`.
class Target {
 public:
  Target(Upstream& upstream, std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::size_t active() const { return active_; }

 private:
  friend class Upstream;
  friend class Lease;

  Upstream& upstream_;
  std::string name_;
  std::string host_;
  std::uint16_t port_ = 0;
  std::vector<IpAddress> addresses_;  // of the last resolution that gave any
  TimePoint resolved_{};
  std::size_t next_address_ = 0;
  TimePoint rests_until_{};
  std::vector<std::unique_ptr<http::ClientConnection>> idle_;  // the most recently used last
  std::size_t active_ = 0;  // lent connections and those being made
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

// What a failed exchange leaves to the next try.
enum class Freshness : std::uint8_t { kAny, kNewConnection };

class Upstream {
 public:
  Upstream(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config);
  ~Upstream();  // every lease must have ended
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }

  // An idle connection to the target whose turn it is, without waiting; empty when one must be
  // made.
  [[nodiscard]] std::optional<Lease> try_acquire();

  // A connection to the target whose turn it is, made within `connect_timeout`; waits its turn when
  // the target has `maximum` connections already. A target that cannot be reached is passed over
  // for the next one. Errors: kUpstreamUnreachable when none could be reached, kUnavailable when
  // the queue is full or its wait too long.
  Task<Result<Lease>> acquire(Freshness freshness);

  // Closes what has been idle for longer than `idle_timeout`.
  void close_idle(TimePoint now);
  void close_all_idle();
  [[nodiscard]] std::size_t active() const;

 private:
  friend class Lease;

  // A request that waits for a connection to end or come back.
  struct Waiter {
    Upstream& upstream;
    std::coroutine_handle<> handle;
    bool woken = false;
    runtime::Timer timer;
    explicit Waiter(Upstream& owner)
        : upstream(owner),
          timer(
              owner.loop_.timers(), [](void* self) { static_cast<Waiter*>(self)->give_up(); },
              this) {}
    void give_up();
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter);
    [[nodiscard]] bool await_resume() const noexcept { return woken; }
  };

  [[nodiscard]] Target& choose();
  void next_turn();
  [[nodiscard]] Target& after(const Target& target);
  [[nodiscard]] std::optional<Lease> take_idle(Target& target);
  Task<Result<Lease>> connect(Target& target);
  Task<Result<void>> resolve(Target& target);
  void one_ended();

  Loop& loop_;
  runtime::Resolver& resolver_;
  std::string name_;
  config::Balance balance_;
  std::uint32_t maximum_;
  std::chrono::milliseconds connect_timeout_;
  std::chrono::milliseconds idle_timeout_;
  std::vector<std::unique_ptr<Target>> targets_;
  std::size_t turn_ = 0;
  std::deque<Waiter*> waiters_;
};

}  // namespace portcullis::upstream
