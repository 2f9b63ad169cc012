// Where the keys of one issuer come from, and how old they may be. One for all workers; carried
// over reloads. This is the state alone: who fetches (the process's control thread) is told when,
// and reports how it went.
//
// Threads: everything here may be called from any thread. The read side costs one atomic load while
// nothing changes.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "jose/jwk.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::authn {

struct KeySourceSettings {
  std::string url;                                  // empty: the keys never change
  std::chrono::milliseconds refresh{600'000};       // how often they are fetched
  std::chrono::milliseconds stale_for{86'400'000};  // how long they are used without an answer
  friend bool operator==(const KeySourceSettings&, const KeySourceSettings&) = default;
};

enum class KeyState : std::uint8_t {
  kFresh,
  kStale,        // the issuer has not answered in time; its keys are still used
  kUnavailable,  // never fetched, or longer ago than stale_for: nobody can be judged (503, not 401)
};

inline constexpr std::chrono::seconds kUnknownKeyPause{30};  // between fetches that callers cause

class KeySource {
 public:
  // Keys from a URL; none until the first fetch. `seed` varies the times of fetching, so that many
  // gateways do not ask at once.
  KeySource(KeySourceSettings settings, std::uint64_t seed);
  // Keys from a file: always fresh.
  explicit KeySource(jose::KeySet keys);
  KeySource(const KeySource&) = delete;
  KeySource& operator=(const KeySource&) = delete;

  [[nodiscard]] const KeySourceSettings& settings() const { return settings_; }
  [[nodiscard]] bool is_fetched() const { return !settings_.url.empty(); }

  // --- Reading, on workers.

  // Changes whenever current() does; 0 before there are keys.
  [[nodiscard]] std::uint64_t revision() const { return revision_.load(std::memory_order_acquire); }
  // Null before there are keys. Takes a lock: workers keep their copy until revision() differs.
  [[nodiscard]] std::shared_ptr<const jose::KeySet> current() const;
  [[nodiscard]] KeyState state(TimePoint now) const;

  // Whether a fetch may happen for a token that no key here explains, or because there are no keys:
  // one is under way, or the last that a caller caused is kUnknownKeyPause ago. The second form
  // also takes the permission: its caller must see to it that the fetch happens.
  [[nodiscard]] bool fetch_could_help(TimePoint now) const;
  [[nodiscard]] bool may_fetch_for_unknown_kid(TimePoint now);

  // `done` runs when the fetch that is asked for or under way ends, however it ends, on the thread
  // that reports it; it may not call back into this object. After stop_waiting() it never runs.
  // Empty when there is no such fetch: it has ended meanwhile, and `done` will not run.
  using WaitId = std::uint64_t;
  [[nodiscard]] std::optional<WaitId> wait(std::move_only_function<void()> done);
  void stop_waiting(WaitId id);

  // --- Fetching, on the control thread.

  // When to fetch next without being asked: ahead of `refresh`; after failures sooner, and
  // later with each that follows. kNoDeadline for keys from a file.
  [[nodiscard]] TimePoint next_fetch_at() const;
  // False when a fetch is under way: that one will do. After true, one of the next two must follow.
  // The second form is for callers' requests: false, too, when the request was answered meanwhile.
  [[nodiscard]] bool begin_fetch();
  [[nodiscard]] bool begin_requested_fetch();
  // The issuer's answer. A text that is no key set, or has no usable key, counts as a failure and
  // changes nothing; the error says why.
  [[nodiscard]] Result<void> fetch_succeeded(std::string_view text, TimePoint now);
  void fetch_failed(std::string reason, TimePoint now);

  struct Report {
    KeyState state = KeyState::kUnavailable;
    std::size_t keys = 0;
    std::size_t skipped = 0;
    std::uint64_t fetches = 0;
    std::uint64_t failures = 0;
    std::string last_failure;  // empty after a success; safe to log
  };
  [[nodiscard]] Report report(TimePoint now) const;

 private:
  struct Waiter {
    WaitId id;
    std::move_only_function<void()> done;
  };
  [[nodiscard]] bool may_fetch(TimePoint now) const;   // needs mutex_
  void end_fetch();                                    // needs mutex_
  void fail_fetch(std::string reason, TimePoint now);  // needs mutex_
  [[nodiscard]] double jitter();                       // needs mutex_; 0 to 1

  const KeySourceSettings settings_;
  std::atomic<std::uint64_t> revision_{0};
  std::atomic<TimePoint> fresh_until_{TimePoint::min()};
  std::atomic<TimePoint> usable_until_{TimePoint::min()};

  mutable std::mutex mutex_;
  std::shared_ptr<const jose::KeySet> keys_;
  TimePoint next_fetch_ = TimePoint::min();
  TimePoint next_for_callers_ = TimePoint::min();
  bool requested_ = false;  // a caller took the permission; its fetch has not begun
  bool fetching_ = false;
  std::uint64_t fetches_ = 0;
  std::uint64_t failures_ = 0;
  unsigned failures_in_a_row_ = 0;
  std::string last_failure_;
  std::uint64_t random_;
  WaitId last_wait_ = 0;
  std::vector<Waiter> waiters_;
};

// The sources that are in use, so that a reload finds those of equal settings again, keys and all.
// Used on the thread that compiles configurations.
class KeySources {
 public:
  explicit KeySources(std::uint64_t seed) : seed_(seed) {}
  [[nodiscard]] std::shared_ptr<KeySource> find_or_make(const KeySourceSettings& settings);
  // Those that some configuration still uses.
  [[nodiscard]] std::vector<std::shared_ptr<KeySource>> living();

 private:
  std::uint64_t seed_;
  std::vector<std::weak_ptr<KeySource>> sources_;
};

}  // namespace portcullis::authn
