// How many requests may be under way at once: `concurrency`. Exact over all workers, since the
// number is one atomic that they share; a route without a gate pays one branch, one with a gate an
// addition in and one out. (Counts of each worker would cost less under contention and could only
// be exact by giving each worker a share, which refuses requests while there is room.)
#pragma once

#include "base/result.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace portcullis::overload {

class ConcurrencyGate {
 public:
  struct alignas(64) Count {
    std::atomic<std::uint32_t> inside{0};
  };

  // `rule` is the key that says `most`.
  ConcurrencyGate(std::string rule, std::uint32_t most, std::shared_ptr<Count> count)
      : rule_(std::move(rule)), most_(most), count_(std::move(count)) {}

  // False, and nothing counted, when as many are inside as there may be.
  [[nodiscard]] bool enter() const {
    if (count_->inside.fetch_add(1, std::memory_order_relaxed) < most_) return true;
    leave();
    return false;
  }
  void leave() const { count_->inside.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] const std::string& rule() const { return rule_; }
  [[nodiscard]] std::uint32_t inside() const {
    return count_->inside.load(std::memory_order_relaxed);
  }

 private:
  std::string rule_;
  std::uint32_t most_;
  std::shared_ptr<Count> count_;
};

// The counts by the rule's name: through a reload the requests that are under way stay counted.
class ConcurrencyGates {
 public:
  [[nodiscard]] std::shared_ptr<ConcurrencyGate::Count> find(const std::string& rule);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<ConcurrencyGate::Count>> counts_;
};

// The gates that one request is inside of; it leaves them when this goes, whatever happens.
class Inside {
 public:
  static constexpr std::size_t kMost = 3;  // of the API, of the operation, of the upstream

  Inside() = default;
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() {
    for (std::size_t i = 0; i < count_; ++i) gates_[i]->leave();
  }
  // The gate must outlive this. Errors: kOverloaded, with the gate's rule.
  [[nodiscard]] Result<void> enter(const ConcurrencyGate& gate);

 private:
  std::array<const ConcurrencyGate*, kMost> gates_{};
  std::size_t count_ = 0;
};

}  // namespace portcullis::overload
