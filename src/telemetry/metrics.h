// Counters, gauges and histograms in the shape of Prometheus. A registry names them, each thread
// counts in a shard of its own, and a scrape adds the shards up. Counting takes no lock and no
// locked instruction, since a shard has one writer.
//
//   telemetry::Registry registry;
//   const auto requests = registry.counter("portcullis_requests_total", "Requests.", {{"api",
//   "shop"}}); telemetry::ShardHandle shard = registry.open_shard();   // one for each thread
//   shard->add(requests);
//   const std::string page = registry.scrape();
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::telemetry {

// Upper bounds of the buckets of every histogram, in microseconds: three steps a decade from 100 µs
// to 60 s. What is longer is counted in `+Inf`.
inline constexpr std::array<std::uint64_t, 18> kBucketBounds = {
    100,     250,     500,     1'000,     2'500,     5'000,     10'000,     25'000,     50'000,
    100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};

// The index into kBucketBounds of the smallest bound that is not below `microseconds`, or
// kBucketBounds.size() when there is none.
[[nodiscard]] std::size_t bucket_of(std::uint64_t microseconds) noexcept;

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

// A series, by the number of its first slot. Kinds are types of their own, so that a counter cannot
// be counted down nor a histogram incremented.
struct CounterId {
  std::uint32_t slot = 0;
};
struct GaugeId {
  std::uint32_t slot = 0;
};
struct HistogramId {
  std::uint32_t slot = 0;
};

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::span<const Label>;

// One thread's share of all series. Only its owner writes; anyone may read.
class Shard {
 public:
  static constexpr std::size_t kChunkSlots = 1024;
  static constexpr std::size_t kChunks = 64;

  Shard() = default;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  void add(CounterId id, std::uint64_t n = 1) { bump(id.slot, n); }
  void up(GaugeId id, std::uint64_t n = 1) { bump(id.slot, n); }
  // A gauge may go down in another shard than the one where it went up: the sum is what counts.
  void down(GaugeId id, std::uint64_t n = 1) { bump(id.slot, std::uint64_t{0} - n); }
  void observe(HistogramId id, std::uint64_t microseconds) {
    bump(id.slot + static_cast<std::uint32_t>(bucket_of(microseconds)), 1);
    bump(id.slot + static_cast<std::uint32_t>(kBucketBounds.size()) + 1, microseconds);
  }

  // From any thread.
  [[nodiscard]] std::uint64_t read(std::uint32_t slot) const;

 private:
  using Slot = std::atomic<std::uint64_t>;
  struct Chunk {
    std::array<Slot, kChunkSlots> slots{};
  };

  void bump(std::uint32_t slot, std::uint64_t n) {
    Chunk* chunk = chunks_[slot / kChunkSlots].load(std::memory_order_relaxed);
    if (chunk == nullptr) [[unlikely]]
      chunk = make_chunk(slot / kChunkSlots);
    Slot& at = chunk->slots[slot % kChunkSlots];
    at.store(at.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  Chunk* make_chunk(std::size_t index);

  // Chunks never move once they are made, so a scrape reads them without a lock.
  std::array<std::atomic<Chunk*>, kChunks> chunks_{};
};

class Registry;

// Gives the shard back when its thread ends; what it counted stays in the sums. The registry must
// outlive it.
class ShardCloser {
 public:
  explicit ShardCloser(Registry* registry = nullptr) : registry_(registry) {}
  void operator()(Shard* shard) const;

 private:
  Registry* registry_;
};
using ShardHandle = std::unique_ptr<Shard, ShardCloser>;

// All of it is safe from any thread; registering and scraping take a mutex, counting does not.
class Registry {
 public:
  // The process holds at most this many slots (a counter or gauge takes one, a histogram twenty).
  // Beyond them, new label sets of a family share its series `{overflow="true"}`.
  static constexpr std::size_t kMaximumSlots = Shard::kChunkSlots * Shard::kChunks;

  explicit Registry(std::size_t maximum_slots = kMaximumSlots);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The same name and labels give the same series again, whatever the order of the labels: counts
  // carry over a reload. Names must be those of Prometheus, and a name keeps its type: anything
  // else is a mistake of ours and aborts.
  CounterId counter(std::string_view name, std::string_view help, Labels labels = {});
  GaugeId gauge(std::string_view name, std::string_view help, Labels labels = {});
  HistogramId histogram(std::string_view name, std::string_view help, Labels labels = {});
  CounterId counter(std::string_view name, std::string_view help,
                    std::initializer_list<Label> labels) {
    return counter(name, help, Labels{labels.begin(), labels.size()});
  }
  GaugeId gauge(std::string_view name, std::string_view help, std::initializer_list<Label> labels) {
    return gauge(name, help, Labels{labels.begin(), labels.size()});
  }
  HistogramId histogram(std::string_view name, std::string_view help,
                        std::initializer_list<Label> labels) {
    return histogram(name, help, Labels{labels.begin(), labels.size()});
  }

  // Values that somebody else keeps, asked for at each scrape, on the scraping thread and under the
  // registry's mutex: a callback must not register anything, and what it captures must outlive the
  // registry. Registering again replaces it.
  using Callback = std::function<std::int64_t()>;
  void gauge_callback(std::string_view name, std::string_view help, Labels labels,
                      Callback callback);
  void counter_callback(std::string_view name, std::string_view help, Labels labels,
                        Callback callback);

  // Ends a callback's series, when what it spoke of is gone for good.
  void forget_callback(std::string_view name, Labels labels);

  [[nodiscard]] ShardHandle open_shard();

  // The Prometheus text format 0.0.4 (kContentType), families in order of name.
  [[nodiscard]] std::string scrape() const;

  // Label sets that found no room and were given the overflow series of their family.
  [[nodiscard]] std::uint64_t overflowed() const;

 private:
  friend class ShardCloser;
  enum class Type : std::uint8_t { kCounter, kGauge, kHistogram };
  struct Series {
    std::uint32_t slot = 0;
    Callback callback;  // when set, the slot is not used
  };
  struct Family {
    Type type = Type::kCounter;
    std::string help;
    std::uint32_t overflow_slot = 0;
    bool has_overflow_slot = false;
    bool overflow_used = false;
    std::map<std::string, Series> series;  // by rendered labels: `a="x",b="y"`
  };

  static std::size_t slots_of(Type type);
  Family& family(std::string_view name, std::string_view help, Type type);
  std::uint32_t series(std::string_view name, std::string_view help, Labels labels, Type type);
  void add_callback(std::string_view name, std::string_view help, Labels labels, Type type,
                    Callback callback);
  void close(Shard* shard);
  [[nodiscard]] std::uint64_t sum(std::uint32_t slot) const;
  void write_series(std::string& out, std::string_view name, const Family& family,
                    std::string_view labels, const Series& series) const;
  void write_histogram(std::string& out, std::string_view name, std::string_view labels,
                       std::uint32_t slot) const;

  mutable std::mutex mutex_;
  const std::size_t maximum_slots_;
  std::size_t next_slot_ = 0;
  std::uint64_t overflowed_ = 0;
  std::map<std::string, Family, std::less<>> families_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::uint64_t> ended_;  // by slot: what the shards of ended threads had counted
};

}  // namespace portcullis::telemetry
