// The limits of a route, asked twice: before authentication those that need no identity, so that a
// flood costs no signature check, and after it the others.
//
//   const Limits limits = Limits::compile(config, table, diagnostics);        // one for a snapshot
//   const Limiter limiter = limits.select(api.limits, route.limits, diagnostics);  // one a route
//   Verdict verdict = limiter.admit_unidentified(attributes, now);
//   if (!verdict.allowed) return std::unexpected(refusal(verdict));
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "ratelimit/limit.h"
#include "ratelimit/table.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace portcullis::ratelimit {

// What the caller may be told: where it stands with the tightest of its limits.
struct Report {
  const Limit* limit = nullptr;     // null when no limit was asked; lives as long as the Limiter
  std::uint64_t remaining = 0;      // further requests that would be allowed at once
  std::uint64_t reset_seconds = 0;  // until its bucket is full again, rounded up
  std::uint64_t retry_after_seconds = 0;  // until one request is allowed, rounded up; 0: now
};

struct Verdict {
  bool allowed = true;
  Report tightest;
};

// The report to answer with, of the two phases of one request: a refusal's, or the one with the
// fewest requests remaining.
[[nodiscard]] Verdict tighter(Verdict a, Verdict b);

// kRateLimited, with `limits.NAME` as the rule. Says nothing about whose bucket it was.
[[nodiscard]] Error refusal(const Verdict& verdict);

// Immutable; safe from any thread. No allocation while it decides.
class Limiter {
 public:
  static constexpr std::size_t kMaximumLimits = 16;

  Limiter() = default;  // of a route without limits: allows everything

  // All limits of the phase are checked first, and counted only when each of them allows the
  // request: a refused request uses up nothing. (What the first phase has counted stays counted
  // when the second refuses: those limits are about requests, whoever sends them.) When several
  // refuse, the report is of the one to wait longest for.
  [[nodiscard]] Verdict admit_unidentified(const Attributes& attributes, TimePoint now) const {
    return unidentified_.empty() ? Verdict{} : admit(unidentified_, attributes, now);
  }
  [[nodiscard]] Verdict admit_identified(const Attributes& attributes, TimePoint now) const {
    return identified_.empty() ? Verdict{} : admit(identified_, attributes, now);
  }
  [[nodiscard]] bool empty() const { return unidentified_.empty() && identified_.empty(); }

  // Which limits each phase asks.
  using List = std::vector<std::shared_ptr<const Limit>>;
  [[nodiscard]] const List& unidentified() const { return unidentified_; }
  [[nodiscard]] const List& identified() const { return identified_; }

 private:
  friend class Limits;
  [[nodiscard]] Verdict admit(const List& limits, const Attributes& attributes,
                              TimePoint now) const;

  Table* table_ = nullptr;
  List unidentified_;
  List identified_;
};

// All of `limits:`, compiled once for a configuration. The table belongs to the process and must
// outlive it and its limiters.
class Limits {
 public:
  [[nodiscard]] static Limits compile(const config::Config& config, Table& table,
                                      config::Diagnostics& diagnostics);

  // The limits of an operation: its API's and its own, each once. A name that is not in `limits:`
  // is an error at its place.
  [[nodiscard]] Limiter select(std::span<const config::Text> of_api,
                               std::span<const config::Text> of_operation,
                               config::Diagnostics& diagnostics) const;

 private:
  Table* table_ = nullptr;
  std::map<std::string, std::shared_ptr<const Limit>, std::less<>> by_name_;
};

}  // namespace portcullis::ratelimit
