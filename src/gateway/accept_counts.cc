#include "gateway/accept_counts.h"

namespace portcullis::gateway {
namespace {

constexpr std::chrono::seconds kBetweenLines{1};
constexpr std::array<std::string_view, 6> kReasons = {
    "connections", "connections_per_address",     "memory",
    "banned",      "connection_rate_per_address", "process"};
constexpr std::array<std::string_view, 3> kPhases = {"fresh", "head", "idle"};
constexpr std::array<std::string_view, 2> kSlow = {"body", "send"};

}  // namespace

AcceptCounts::AcceptCounts(Ledger& ledger, telemetry::DiagnosticLog* log,
                           const std::string& listener)
    : ledger_(ledger), log_(log), listener_(listener) {
  telemetry::Registry& registry = ledger.registry();
  for (std::size_t i = 0; i < kReasons.size(); ++i) {
    turned_away_[i] =
        registry.counter("portcullis_connections_refused_total", "Connections closed at once.",
                         {{"listener", listener}, {"reason", kReasons[i]}});
  }
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    evicted_[i] = registry.counter("portcullis_connections_evicted_total",
                                   "Idle connections closed, since others wanted their place.",
                                   {{"listener", listener}, {"phase", kPhases[i]}});
  }
  exhausted_ = registry.counter("portcullis_accept_pauses_total",
                                "Pauses in accepting, for want of descriptors or memory.",
                                {{"listener", listener}});
  for (std::size_t i = 0; i < kSlow.size(); ++i) {
    slow_[i] = registry.counter("portcullis_slow_clients_total",
                                "Requests given up, since the client was too slow.",
                                {{"listener", listener}, {"direction", kSlow[i]}});
  }
}

bool AcceptCounts::may_tell(TimePoint now) {
  if (log_ == nullptr || now < next_line_) return false;
  next_line_ = now + kBetweenLines;
  return true;
}

void AcceptCounts::turned_away(TurnedAway why, const IpAddress& client, TimePoint now) {
  const auto reason = static_cast<std::size_t>(why);
  ledger_.shard().add(turned_away_[reason]);
  if (!may_tell(now)) return;
  log_->warning(
      "connection_refused",
      {{"listener", listener_}, {"client", client.to_string()}, {"reason", kReasons[reason]}});
}

void AcceptCounts::evicted(http::Phase phase, TimePoint now) {
  ledger_.shard().add(evicted_[static_cast<std::size_t>(phase)]);
  if (!may_tell(now)) return;
  log_->warning("connection_evicted",
                {{"listener", listener_}, {"phase", kPhases[static_cast<std::size_t>(phase)]}});
}

void AcceptCounts::exhausted(TimePoint now) {
  ledger_.shard().add(exhausted_);
  if (may_tell(now))
    log_->warning("accept_paused", {{"listener", listener_}, {"reason", "out of descriptors"}});
}

void AcceptCounts::slow(http::SlowClient slow) {
  ledger_.shard().add(slow_[static_cast<std::size_t>(slow)]);
}

}  // namespace portcullis::gateway
