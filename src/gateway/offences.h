// Where a worker's offences become bans: counted in the table that all share, told to the log and
// the metrics.
#pragma once

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"
#include "http/offence.h"
#include "overload/bans.h"
#include "telemetry/diagnostic_log.h"
#include "telemetry/metrics.h"

#include <optional>
#include <string_view>

namespace portcullis::gateway {

// What a refusal says of who sent the request; nothing: no more than that it was refused.
[[nodiscard]] std::optional<http::Offence> offence_of(const Error& error);

class Offences {
 public:
  // `log` null: none.
  Offences(overload::Bans& bans, telemetry::Registry& registry, telemetry::DiagnosticLog* log)
      : bans_(bans), registry_(registry), log_(log) {}

  void note(const IpAddress& address, http::Offence offence, const overload::BanRules& rules,
            telemetry::Shard& shard, TimePoint now);
  // Of a caller who showed an API key that is good: others may share the address.
  void note_key(std::string_view subject, http::Offence offence, const overload::BanRules& rules,
                telemetry::Shard& shard, TimePoint now);
  [[nodiscard]] const overload::Bans& bans() const { return bans_; }

 private:
  overload::Bans& bans_;
  telemetry::Registry& registry_;
  telemetry::DiagnosticLog* log_;
};

// The line and the count of a ban that began, whoever began it.
void tell_ban(const overload::Ban& ban, telemetry::DiagnosticLog* log,
              telemetry::Registry& registry, telemetry::Shard& shard);

}  // namespace portcullis::gateway
