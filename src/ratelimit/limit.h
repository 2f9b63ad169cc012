// One entry of `limits:`, compiled.
#pragma once

#include "base/ip.h"
#include "config/config.h"
#include "ratelimit/gcra.h"
#include "ratelimit/table.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portcullis::ratelimit {

// What limits may look at. The caller fills in what is known: before authentication only the
// address and the operation. An empty text counts as missing. Borrowed for the call only.
struct Attributes {
  IpAddress address;
  std::string_view operation;  // `api.operation`
  std::string_view subject;    // `<authenticator>|<subject>`
  std::string_view key;        // the id of the API key
  std::span<const std::pair<std::string, std::string>> claims;
};

// A part of a limit's key.
struct KeyPart {
  enum class Kind : std::uint8_t { kAddress, kOperation, kSubject, kKey, kClaim };
  Kind kind = Kind::kAddress;
  std::string claim;  // its name, for kClaim

  // `client.address`, `operation`, `identity.subject`, `identity.key`, `identity.claims.NAME`.
  [[nodiscard]] static std::optional<KeyPart> parse(std::string_view text);
  [[nodiscard]] bool needs_identity() const { return kind >= Kind::kSubject; }
};

struct Limit {
  std::string name;
  std::string rule;  // `limits.NAME`
  std::vector<KeyPart> key;
  std::uint64_t burst = 1;
  Gcra gcra;
  KeyHash id{};  // of name, key, rate and burst: a limit that changes begins anew
  std::shared_ptr<SharedBuckets> shared;
  std::string quoted_name;  // as a structured-field string
  std::string policy;       // the item of RateLimit-Policy

  // Null, with diagnostics, when the limit cannot be enforced as it is written.
  [[nodiscard]] static std::shared_ptr<const Limit> compile(const config::Limit& config,
                                                            Table& table,
                                                            config::Diagnostics& diagnostics);

  [[nodiscard]] bool needs_identity() const;

  // The bucket of these attributes; nothing when one that the key names is missing. IPv6 addresses
  // count by their /64, since that is what one subscriber has. No allocation.
  [[nodiscard]] std::optional<KeyHash> bucket(const Attributes& attributes,
                                              const Table& table) const;
};

}  // namespace portcullis::ratelimit
