// What became of the connections at a listener's door, for one worker: the metrics, and a line in
// the log now and then, since a flood must not fill disks.
#pragma once

#include "base/clock.h"
#include "base/ip.h"
#include "gateway/account.h"
#include "http/activity.h"
#include "http/server.h"
#include "telemetry/diagnostic_log.h"
#include "telemetry/metrics.h"

#include <array>
#include <cstdint>
#include <string>

namespace portcullis::gateway {

// Why a connection was closed at once.
enum class TurnedAway : std::uint8_t { kMaximum, kAddress, kMemory, kBanned, kRate, kProcess };

class AcceptCounts {
 public:
  // `log` null: none. All three outlive this.
  AcceptCounts(Ledger& ledger, telemetry::DiagnosticLog* log, const std::string& listener);

  void turned_away(TurnedAway why, const IpAddress& client, TimePoint now);
  void evicted(http::Phase phase, TimePoint now);
  // No descriptor, or no memory in the kernel, for a connection that waits.
  void exhausted(TimePoint now);
  void slow(http::SlowClient slow);

 private:
  [[nodiscard]] bool may_tell(TimePoint now);

  Ledger& ledger_;
  telemetry::DiagnosticLog* log_;
  const std::string& listener_;
  std::array<telemetry::CounterId, 6> turned_away_;
  std::array<telemetry::CounterId, 3> evicted_;  // in the order of http::Phase
  telemetry::CounterId exhausted_;
  std::array<telemetry::CounterId, 2> slow_;
  TimePoint next_line_{};
};

}  // namespace portcullis::gateway
