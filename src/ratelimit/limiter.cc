#include "ratelimit/limiter.h"

#include "base/check.h"

#include <algorithm>
#include <array>
#include <atomic>

namespace portcullis::ratelimit {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

constexpr std::uint64_t seconds_up(std::uint64_t ns) { return (ns + kSecond - 1) / kSecond; }

// One limit while a request is decided. Filled in as it goes; nothing is cleared beforehand, since
// most routes have one or two of sixteen.
struct Step {
  const Limit* limit;
  bool anonymous;
  KeyHash key;
  Taken taken;
};

Step prepare(const Limit& limit, const Attributes& attributes, const Table& table) {
  const std::optional<KeyHash> key = limit.bucket(attributes, table);
  return {&limit, !key, key.value_or(KeyHash{}), {}};
}

std::uint64_t look(const Step& step, const Table& table) {
  if (!step.anonymous) return table.peek(step.key);
  return std::atomic_ref(step.limit->shared->anonymous).load(std::memory_order_relaxed);
}

Taken take(const Step& step, Table& table, std::uint64_t now) {
  SharedBuckets& shared = *step.limit->shared;
  if (step.anonymous) return Table::take_shared(shared.anonymous, step.limit->gcra, now);
  return table.take(step.key, shared, step.limit->gcra, now);
}

Verdict verdict_of(bool allowed, const Limit& limit, std::uint64_t arrival, std::uint64_t now) {
  const Level level = limit.gcra.level(arrival, now);
  return {
      allowed,
      {&limit, level.remaining, seconds_up(level.full_after_ns), seconds_up(level.next_after_ns)}};
}

// All that was taken up to `end`, back again.
void undo(std::span<const Step> steps) {
  for (const Step& step : steps) Table::give_back(step.taken, step.limit->gcra);
}

}  // namespace

Verdict tighter(Verdict a, Verdict b) {
  if (a.tightest.limit == nullptr) return b;
  if (b.tightest.limit == nullptr) return a;
  if (a.allowed != b.allowed) return a.allowed ? b : a;
  if (!a.allowed) {
    return b.tightest.retry_after_seconds > a.tightest.retry_after_seconds ? b : a;
  }
  if (a.tightest.remaining != b.tightest.remaining) {
    return b.tightest.remaining < a.tightest.remaining ? b : a;
  }
  return b.tightest.reset_seconds > a.tightest.reset_seconds ? b : a;
}

Error refusal(const Verdict& verdict) {
  PC_CHECK(!verdict.allowed && verdict.tightest.limit != nullptr);
  const Report& report = verdict.tightest;
  return {ErrorCode::kRateLimited, ErrorSource::kClient,
          "limit `" + report.limit->name + "` allows the next request in " +
              std::to_string(std::max<std::uint64_t>(report.retry_after_seconds, 1)) + " s",
          report.limit->rule};
}

Verdict Limiter::admit(const List& limits, const Attributes& attributes, TimePoint time) const {
  const std::uint64_t now = table_->elapsed(time);
  std::array<Step, kMaximumLimits> steps;
  const std::size_t count = limits.size();
  for (std::size_t i = 0; i < count; ++i) steps[i] = prepare(*limits[i], attributes, *table_);

  Verdict verdict;
  if (count > 1) {  // with one limit, taking is checking
    for (const Step& step : std::span(steps).first(count)) {
      const std::uint64_t arrival = look(step, *table_);
      if (step.limit->gcra.decide(arrival, now).allowed) continue;
      verdict = tighter(verdict, verdict_of(false, *step.limit, arrival, now));
    }
    if (!verdict.allowed) return verdict;
  }
  for (std::size_t i = 0; i < count; ++i) {
    Step& step = steps[i];
    step.taken = take(step, *table_, now);
    if (!step.taken.allowed) {  // another worker was faster, or the key shares an overflow bucket
      undo(std::span(steps).first(i));
      return verdict_of(false, *step.limit, step.taken.arrival, now);
    }
    verdict = tighter(verdict, verdict_of(true, *step.limit, step.taken.arrival, now));
  }
  return verdict;
}

Limits Limits::compile(const config::Config& config, Table& table,
                       config::Diagnostics& diagnostics) {
  Limits limits;
  limits.table_ = &table;
  for (const config::Limit& each : config.limits) {
    if (auto limit = Limit::compile(each, table, diagnostics)) {
      limits.by_name_.emplace(each.name, std::move(limit));
    }
  }
  return limits;
}

Limiter Limits::select(std::span<const config::Text> of_api,
                       std::span<const config::Text> of_operation,
                       config::Diagnostics& diagnostics) const {
  Limiter limiter;
  limiter.table_ = table_;
  for (const auto& names : {of_api, of_operation}) {
    for (const config::Text& name : names) {
      const auto found = by_name_.find(name.value);
      if (found == by_name_.end()) {
        diagnostics.error(name.at, "limits", "`" + name.value + "` is not one of the limits");
        continue;
      }
      const auto& limit = found->second;
      Limiter::List& list = limit->needs_identity() ? limiter.identified_ : limiter.unidentified_;
      if (std::ranges::find(list, limit) != list.end()) continue;
      if (list.size() == Limiter::kMaximumLimits) {
        diagnostics.error(name.at, "limits", "an operation may have at most 16 limits of a kind");
        continue;
      }
      list.push_back(limit);
    }
  }
  return limiter;
}

}  // namespace portcullis::ratelimit
