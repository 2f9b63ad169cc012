#include "telemetry/metrics.h"

#include "base/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>

namespace portcullis::telemetry {
namespace {

// For each bit width, the bucket of the smallest value of that width: a lookup and at most two
// comparisons find the bucket of any value.
constexpr auto kFirstBucket = [] {
  std::array<std::uint8_t, 65> first{};
  for (unsigned width = 0; width <= 64; ++width) {
    const std::uint64_t smallest = width == 0 ? 0 : std::uint64_t{1} << (width - 1);
    std::uint8_t bucket = 0;
    while (bucket < kBucketBounds.size() && kBucketBounds[bucket] < smallest) ++bucket;
    first[width] = bucket;
  }
  return first;
}();

bool is_name(std::string_view name, bool colons) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::ranges::all_of(name, [colons](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colons && c == ':');
  });
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

std::string render(Labels labels) {
  std::vector<Label> sorted(labels.begin(), labels.end());
  std::ranges::sort(sorted, {}, &Label::name);
  std::string text;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    PC_CHECK(is_name(sorted[i].name, false) && sorted[i].name != "le" &&
             !sorted[i].name.starts_with("__"));
    PC_CHECK(i == 0 || sorted[i].name != sorted[i - 1].name);
    if (i > 0) text += ',';
    text += sorted[i].name;
    text += "=\"";
    append_escaped(text, sorted[i].value, true);
    text += '"';
  }
  return text;
}

// Exact decimal seconds, without a float between: 250 -> `0.00025`.
std::string seconds(std::uint64_t microseconds) {
  std::string text = fmt::format("{}.{:06}", microseconds / 1'000'000, microseconds % 1'000'000);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   std::string_view labels, std::string_view le, std::string_view value) {
  out += name;
  out += suffix;
  if (!labels.empty() || !le.empty()) {
    out += '{';
    out += labels;
    if (!labels.empty() && !le.empty()) out += ',';
    if (!le.empty()) fmt::format_to(std::back_inserter(out), "le=\"{}\"", le);
    out += '}';
  }
  out += ' ';
  out += value;
  out += '\n';
}

}  // namespace

std::size_t bucket_of(std::uint64_t microseconds) noexcept {
  std::size_t bucket = kFirstBucket[static_cast<std::size_t>(std::bit_width(microseconds))];
  while (bucket < kBucketBounds.size() && kBucketBounds[bucket] < microseconds) ++bucket;
  return bucket;
}

Shard::~Shard() {
  for (auto& chunk : chunks_) delete chunk.load(std::memory_order_relaxed);
}

Shard::Chunk* Shard::make_chunk(std::size_t index) {
  auto* chunk = new Chunk;
  chunks_[index].store(chunk, std::memory_order_release);
  return chunk;
}

std::uint64_t Shard::read(std::uint32_t slot) const {
  const Chunk* chunk = chunks_[slot / kChunkSlots].load(std::memory_order_acquire);
  return chunk == nullptr ? 0 : chunk->slots[slot % kChunkSlots].load(std::memory_order_relaxed);
}

void ShardCloser::operator()(Shard* shard) const {
  if (shard != nullptr) registry_->close(shard);
}

Registry::Registry(std::size_t maximum_slots)
    : maximum_slots_(std::min(maximum_slots, kMaximumSlots)) {}

Registry::~Registry() = default;

std::size_t Registry::slots_of(Type type) {
  // A histogram's buckets, `+Inf`, and the sum.
  return type == Type::kHistogram ? kBucketBounds.size() + 2 : 1;
}

Registry::Family& Registry::family(std::string_view name, std::string_view help, Type type) {
  if (const auto found = families_.find(name); found != families_.end()) {
    PC_CHECK(found->second.type == type);
    return found->second;
  }
  PC_CHECK(is_name(name, true));
  Family& made = families_[std::string(name)];
  made.type = type;
  made.help = help;
  return made;
}

std::uint32_t Registry::series(std::string_view name, std::string_view help, Labels labels,
                               Type type) {
  const std::lock_guard lock(mutex_);
  Family& in = family(name, help, type);
  std::string rendered = render(labels);
  if (const auto found = in.series.find(rendered); found != in.series.end()) {
    PC_CHECK(!found->second.callback);
    return found->second.slot;
  }
  const std::size_t width = slots_of(type);
  if (!in.has_overflow_slot) {
    // Taken with the family's first series, so that there is always one to share. How many families
    // there are is decided by our code, not by configuration.
    PC_CHECK(next_slot_ + width <= maximum_slots_);
    in.overflow_slot = static_cast<std::uint32_t>(next_slot_);
    in.has_overflow_slot = true;
    next_slot_ += width;
  }
  if (next_slot_ + width > maximum_slots_) {
    in.overflow_used = true;
    ++overflowed_;
    return in.overflow_slot;
  }
  const auto slot = static_cast<std::uint32_t>(next_slot_);
  next_slot_ += width;
  in.series.emplace(std::move(rendered), Series{slot, {}});
  return slot;
}

CounterId Registry::counter(std::string_view name, std::string_view help, Labels labels) {
  return {series(name, help, labels, Type::kCounter)};
}

GaugeId Registry::gauge(std::string_view name, std::string_view help, Labels labels) {
  return {series(name, help, labels, Type::kGauge)};
}

HistogramId Registry::histogram(std::string_view name, std::string_view help, Labels labels) {
  return {series(name, help, labels, Type::kHistogram)};
}

void Registry::add_callback(std::string_view name, std::string_view help, Labels labels, Type type,
                            Callback callback) {
  const std::lock_guard lock(mutex_);
  Series& series = family(name, help, type).series[render(labels)];
  PC_CHECK(series.slot == 0 && callback);
  series.callback = std::move(callback);
}

void Registry::gauge_callback(std::string_view name, std::string_view help, Labels labels,
                              Callback callback) {
  add_callback(name, help, labels, Type::kGauge, std::move(callback));
}

void Registry::counter_callback(std::string_view name, std::string_view help, Labels labels,
                                Callback callback) {
  add_callback(name, help, labels, Type::kCounter, std::move(callback));
}

void Registry::forget_callback(std::string_view name, Labels labels) {
  const std::lock_guard lock(mutex_);
  const auto found = families_.find(name);
  if (found == families_.end()) return;
  const auto series = found->second.series.find(render(labels));
  if (series != found->second.series.end() && series->second.callback)
    found->second.series.erase(series);
}

ShardHandle Registry::open_shard() {
  const std::lock_guard lock(mutex_);
  shards_.push_back(std::make_unique<Shard>());
  return {shards_.back().get(), ShardCloser(this)};
}

void Registry::close(Shard* shard) {
  const std::lock_guard lock(mutex_);
  ended_.resize(std::max(ended_.size(), next_slot_));
  for (std::size_t slot = 0; slot < next_slot_; ++slot) {
    ended_[slot] += shard->read(static_cast<std::uint32_t>(slot));
  }
  std::erase_if(shards_, [shard](const auto& held) { return held.get() == shard; });
}

std::uint64_t Registry::sum(std::uint32_t slot) const {
  std::uint64_t total = slot < ended_.size() ? ended_[slot] : 0;
  for (const auto& shard : shards_) total += shard->read(slot);
  return total;
}

std::uint64_t Registry::overflowed() const {
  const std::lock_guard lock(mutex_);
  return overflowed_;
}

void Registry::write_histogram(std::string& out, std::string_view name, std::string_view labels,
                               std::uint32_t slot) const {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= kBucketBounds.size(); ++i) {
    count += sum(slot + static_cast<std::uint32_t>(i));
    const std::string le = i < kBucketBounds.size() ? seconds(kBucketBounds[i]) : "+Inf";
    append_sample(out, name, "_bucket", labels, le, std::to_string(count));
  }
  const auto sum_slot = slot + static_cast<std::uint32_t>(kBucketBounds.size()) + 1;
  append_sample(out, name, "_sum", labels, {}, seconds(sum(sum_slot)));
  // Counted from the buckets that were just written, so that `_count` and `+Inf` always agree.
  append_sample(out, name, "_count", labels, {}, std::to_string(count));
}

void Registry::write_series(std::string& out, std::string_view name, const Family& family,
                            std::string_view labels, const Series& series) const {
  if (family.type == Type::kHistogram) return write_histogram(out, name, labels, series.slot);
  std::string value;
  if (series.callback) {
    value = std::to_string(series.callback());
  } else if (family.type == Type::kGauge) {
    value = std::to_string(static_cast<std::int64_t>(sum(series.slot)));
  } else {
    value = std::to_string(sum(series.slot));
  }
  append_sample(out, name, {}, labels, {}, value);
}

std::string Registry::scrape() const {
  constexpr std::array<std::string_view, 3> kTypes = {"counter", "gauge", "histogram"};
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out += "# HELP ";
    out += name;
    out += ' ';
    append_escaped(out, family.help, false);
    fmt::format_to(std::back_inserter(out), "\n# TYPE {} {}\n", name,
                   kTypes[static_cast<std::size_t>(family.type)]);
    for (const auto& [labels, series] : family.series) {
      write_series(out, name, family, labels, series);
    }
    if (family.overflow_used) {
      write_series(out, name, family, "overflow=\"true\"", {family.overflow_slot, {}});
    }
  }
  constexpr std::string_view kOverflowed = "portcullis_metrics_series_overflowed_total";
  fmt::format_to(std::back_inserter(out),
                 "# HELP {0} Label sets that found no room and share an overflow series.\n"
                 "# TYPE {0} counter\n{0} {1}\n",
                 kOverflowed, overflowed_);
  return out;
}

}  // namespace portcullis::telemetry
