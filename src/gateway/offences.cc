#include "gateway/offences.h"

namespace portcullis::gateway {

std::optional<http::Offence> offence_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kMalformedRequest:
    case ErrorCode::kAmbiguousFraming:
    case ErrorCode::kMalformedPath:
    case ErrorCode::kMalformedHost:
    case ErrorCode::kMalformedUpgrade:
      return http::Offence::kMalformed;
    case ErrorCode::kAmbiguousCredentials:
    case ErrorCode::kCredentialsMissing:
    case ErrorCode::kCredentialsInvalid:
      return http::Offence::kUnauthenticated;
    case ErrorCode::kRateLimited:
      return http::Offence::kRateLimited;
    case ErrorCode::kRequestTimeout:
      return http::Offence::kSlow;
    default:
      return std::nullopt;
  }
}

void tell_ban(const overload::Ban& ban, telemetry::DiagnosticLog* log,
              telemetry::Registry& registry, telemetry::Shard& shard) {
  shard.add(
      registry.counter("portcullis_bans_begun_total", "Bans that began.",
                       {{"of", ban.whom.is_key() ? "key" : "address"}, {"reason", ban.reason}}));
  if (log == nullptr) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(ban.lasts).count();
  log->warning("banned", {{ban.whom.is_key() ? "key" : "address", ban.whom.text()},
                          {"reason", ban.reason},
                          {"strikes", static_cast<std::int64_t>(ban.strikes)},
                          {"seconds", static_cast<std::int64_t>(seconds)}});
}

void Offences::note(const IpAddress& address, http::Offence offence,
                    const overload::BanRules& rules, telemetry::Shard& shard, TimePoint now) {
  if (!rules.counts(offence)) return;
  if (const auto ban = bans_.note(address, offence, rules, now))
    tell_ban(*ban, log_, registry_, shard);
}

void Offences::note_key(std::string_view subject, http::Offence offence,
                        const overload::BanRules& rules, telemetry::Shard& shard, TimePoint now) {
  if (!rules.counts(offence)) return;
  if (const auto ban = bans_.note_key(subject, offence, rules, now))
    tell_ban(*ban, log_, registry_, shard);
}

}  // namespace portcullis::gateway
