// The buckets of all limits, shared by all workers: a bounded table whose look-ups take no lock.
//
// A key's hash chooses a window of sixteen slots. The key lives in one of them until its bucket is
// full again, which is when forgetting it changes nothing. When a window has no slot that is free
// or full again, new keys are sent to the overflow bucket of their limit, which they share: a flood
// of keys makes limits stricter for keys not seen before, and never looser for any.
#pragma once

#include "base/clock.h"
#include "base/hash.h"
#include "ratelimit/gcra.h"

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

namespace portcullis::ratelimit {

// 128 bits under a key drawn at start, so that nobody outside can choose keys that meet.
struct KeyHash {
  std::uint64_t place;  // which window
  std::uint64_t tag;    // which key in it; never 0
  friend auto operator<=>(const KeyHash&, const KeyHash&) = default;
};

// The buckets of one limit that are always there.
struct SharedBuckets {
  std::uint64_t anonymous = 0;  // requests that lack the limit's key
  std::uint64_t overflow = 0;   // new keys whose window is full
};

// What became of one request at one bucket; what was taken can be given back.
struct Taken {
  bool allowed;
  std::uint64_t arrival;  // the bucket's word: after the request when allowed, as it is when not
  std::uint64_t* word;    // where the bucket is
  std::uint64_t tag;      // whose bucket that was; 0 for shared ones, which never change hands
};

// Safe from any thread. Only a key that is not in the table takes a lock, that of a 64th of it.
class Table {
 public:
  static constexpr std::size_t kWindow = 16;
  static constexpr std::size_t kDefaultSlots = std::size_t{1} << 20;  // of 16 bytes
  // Workers read the clock once for each round of their loops, so a request's time may be older
  // than that of an earlier one. A bucket is forgotten only when it is full for anyone whose
  // reading is not older than this.
  static constexpr std::uint64_t kClockSkewNs = 250'000'000;

  // `slots` is rounded up to a power of two; memory is used as slots are. `start` is time zero.
  explicit Table(TimePoint start, std::size_t slots = kDefaultSlots);

  [[nodiscard]] KeyHash hash(std::string_view key) const;
  // Nanoseconds since the start; a reading from before it counts as the start.
  [[nodiscard]] std::uint64_t elapsed(TimePoint now) const {
    return now > start_ ? static_cast<std::uint64_t>(std::chrono::nanoseconds(now - start_).count())
                        : 0;
  }

  // The word of a key's bucket; 0, a full bucket, for keys that are not there.
  [[nodiscard]] std::uint64_t peek(const KeyHash& key) const;

  // Takes one request from the key's bucket, or from `shared.overflow` when there is no room for
  // the key. Exact across threads.
  [[nodiscard]] Taken take(const KeyHash& key, SharedBuckets& shared, const Gcra& gcra,
                           std::uint64_t now);
  [[nodiscard]] static Taken take_shared(std::uint64_t& word, const Gcra& gcra, std::uint64_t now);

  // Undoes what was just taken, for a request that another limit refuses. When it cannot be told
  // that this would not give more than was taken (the bucket has been full in between), nothing is
  // given back.
  static void give_back(const Taken& taken, const Gcra& gcra);

  // The key's bucket is full again, if it has one.
  void refill(const KeyHash& key);

  // The shared buckets of a limit, by a hash of all that makes it what it is. They live as long as
  // somebody holds them: through a reload that keeps the limit.
  [[nodiscard]] std::shared_ptr<SharedBuckets> shared(const KeyHash& limit);

  [[nodiscard]] std::size_t slots() const { return windows_ * kWindow; }
  // Slots that hold a key or have held one.
  [[nodiscard]] std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  // Requests that were sent to an overflow bucket.
  [[nodiscard]] std::uint64_t overflowed() const {
    return overflowed_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kShards = 64;
  // Read and written through std::atomic_ref: as zeroed pages from the system, which cost nothing
  // until they are touched. A slot's tag changes only while its arrival is kBusy.
  struct Slot {
    std::uint64_t arrival;
    std::uint64_t tag;
  };
  struct Free {
    void operator()(void* memory) const;
  };
  struct alignas(64) Shard {
    std::mutex mutex;
  };

  [[nodiscard]] Slot* window(const KeyHash& key) const {
    return slots_ + (key.place & (windows_ - 1)) * kWindow;
  }
  [[nodiscard]] Slot* find(const KeyHash& key) const;
  static bool try_take(Slot& slot, std::uint64_t tag, const Gcra& gcra, std::uint64_t now,
                       Taken& taken);
  Taken insert(const KeyHash& key, SharedBuckets& shared, const Gcra& gcra, std::uint64_t now);
  static bool claim(Slot& slot, std::uint64_t now);

  const TimePoint start_;
  const HashKey hash_key_ = HashKey::random();
  const std::size_t windows_;
  std::unique_ptr<void, Free> memory_;
  Slot* slots_ = nullptr;  // within memory_, on a cache line's boundary
  std::array<Shard, kShards> shards_;
  std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> overflowed_{0};
  std::mutex shared_mutex_;
  std::map<KeyHash, std::weak_ptr<SharedBuckets>> shared_;
};

}  // namespace portcullis::ratelimit
