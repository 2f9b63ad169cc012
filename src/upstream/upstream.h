// A service that answers: targets that are equal to one another, the choice among them, and the
// queue for a connection. One worker's, for one configuration.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "http/client_exchange.h"
#include "runtime/loop.h"
#include "runtime/task.h"
#include "upstream/target.h"

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portcullis::upstream {

// What a failed exchange leaves to the next try.
enum class Freshness : std::uint8_t { kAny, kNewConnection };

class Upstream {
 public:
  using Ends = http::ProxyHeader::Ends;

  Upstream(Loop& loop, const config::Upstream& config,
           std::vector<std::shared_ptr<Target>> targets);
  ~Upstream();  // nobody may be waiting
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }

  // An idle connection to the target whose turn it is, without waiting; empty when one must be
  // made.
  [[nodiscard]] std::optional<Lease> try_acquire();

  // A connection to the target whose turn it is, made within `connect_timeout`; waits its turn when
  // the target has `maximum` connections already. A target that cannot be reached is passed over
  // for the next one. Errors: kUpstreamUnreachable when none could be reached, kUnavailable when
  // the queue is full or its wait too long. Where the targets are told whose
  // connection it is (tells_client()), `ends` says; null: ours.
  Task<Result<Lease>> acquire(Freshness freshness, const Ends* ends = nullptr);
  [[nodiscard]] bool tells_client() const { return tells_client_; }
  // What the heads of requests to it must be like.
  [[nodiscard]] http::HeadForm head_form() const {
    return shares_ ? http::HeadForm::kFields : http::HeadForm::kText;
  }
  // A connection carries many requests: one that waits for its client holds up nobody.
  [[nodiscard]] bool shares_connections() const { return shares_; }
  [[nodiscard]] bool is_tls() const { return tls_; }

  [[nodiscard]] std::size_t active() const;

 private:
  friend class Target;

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
  [[nodiscard]] std::size_t most_waiting() const;
  // Somebody may be waiting for what has come free.
  void wake(std::size_t most);

  Loop& loop_;
  std::string name_;
  config::Balance balance_;
  std::uint32_t maximum_;
  std::chrono::milliseconds connect_timeout_;
  bool tells_client_;
  bool shares_;
  bool tls_;
  std::vector<std::shared_ptr<Target>> targets_;
  std::size_t turn_ = 0;
  std::deque<Waiter*> waiters_;
};

}  // namespace portcullis::upstream
