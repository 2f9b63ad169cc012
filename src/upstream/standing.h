// Whether a target is well, as the whole process sees it: what the probes say of it (prober.h), and
// what requests met with. Shared by the workers without locks, and kept through reloads.
#pragma once

#include "base/clock.h"
#include "config/config.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::upstream {

// What is worth a line in the log of the process.
struct TargetEvent {
  enum class Kind : std::uint8_t { kUnhealthy, kHealthy, kEjected, kAddressRefused };
  Kind kind;
  std::string_view upstream;
  std::string_view target;
  std::string_view reason;
};

class Standing {
 public:
  using Observer = std::function<void(const TargetEvent&)>;  // called on any thread

  Standing(std::string upstream, std::string target, const Observer& observer)
      : upstream_(std::move(upstream)), target_(std::move(target)), observer_(observer) {}
  Standing(const Standing&) = delete;
  Standing& operator=(const Standing&) = delete;

  [[nodiscard]] const std::string& upstream() const { return upstream_; }
  [[nodiscard]] const std::string& target() const { return target_; }

  // It is to be passed over while there are others: unhealthy, ejected, or just not reachable.
  [[nodiscard]] bool is_out(TimePoint now) const {
    return !healthy_.load(std::memory_order_relaxed) ||
           rests_until_.load(std::memory_order_relaxed) > now.time_since_epoch().count();
  }

  // A request met with an answer that speaks for the target. One load when nothing was wrong.
  void succeeded() {
    if (errors_.load(std::memory_order_relaxed) != 0) errors_.store(0, std::memory_order_relaxed);
  }
  // A request met with an error that speaks against it.
  void failed(TimePoint now, const std::optional<config::Eject>& eject, std::string_view reason);
  // No connection could be made: it is left alone for a second, and that is an error too.
  void unreachable(TimePoint now, const std::optional<config::Eject>& eject,
                   std::string_view reason);

  // What the probes say.
  void set_healthy(bool healthy, std::string_view reason);
  [[nodiscard]] bool healthy() const { return healthy_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t ejections() const {
    return ejections_.load(std::memory_order_relaxed);
  }

  // Its name led where it may not; each reason is told once until another one comes.
  void address_refused(std::string_view reason);

 private:
  void tell(TargetEvent::Kind kind, std::string_view reason) const;

  const std::string upstream_;
  const std::string target_;
  const Observer& observer_;
  std::atomic<bool> healthy_{true};
  std::atomic<std::uint32_t> errors_{0};  // in a row
  std::atomic<Clock::rep> rests_until_{0};
  std::atomic<Clock::rep> ejected_until_{0};  // what happens until then ejects it no further
  std::atomic<std::uint64_t> ejections_{0};
  std::mutex refused_mutex_;
  std::string refused_;  // guarded by refused_mutex_
};

// Every target's standing, by upstream and target.
class Standings {
 public:
  explicit Standings(Standing::Observer observer = {}) : observer_(std::move(observer)) {}
  Standings(const Standings&) = delete;
  Standings& operator=(const Standings&) = delete;

  // From any thread.
  [[nodiscard]] std::shared_ptr<Standing> find(const std::string& upstream,
                                               const std::string& target);
  // Forgets what no upstream has any more, and returns it.
  std::vector<std::shared_ptr<Standing>> keep_only(const std::vector<config::Upstream>& upstreams);

 private:
  const Standing::Observer observer_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Standing>> all_;
};

}  // namespace portcullis::upstream
