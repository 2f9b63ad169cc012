// JSON Web Tokens (RFC 7519) as access tokens, by the advice of RFC 8725. No clock is read here.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "jose/claims.h"
#include "jose/jws.h"
#include "json/value.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portcullis::jose {

// What a token must be for one issuer.
struct JwtRules {
  std::string issuer;                  // equals `iss`, byte for byte
  std::vector<std::string> audiences;  // `aud` has one of them; when empty, no token is accepted
  AlgorithmSet algorithms;
  std::chrono::seconds leeway{30};           // both ways, for clocks that differ
  std::chrono::seconds maximum_age{86'400};  // `exp` may be this far ahead, and the leeway
  ClaimPath roles;
  ClaimPath scopes;
  std::vector<std::pair<std::string, ClaimPath>> claims;  // our name, and where it is
};

// A token that was taken apart; nothing of it is true yet.
struct UnverifiedToken {
  Jws jws;                // borrows the token's text
  json::Document claims;  // an object

  // Says which issuer's keys to ask; empty when there is none.
  [[nodiscard]] std::string_view issuer() const [[clang::lifetimebound]];
};

// Errors: kCredentialsInvalid.
[[nodiscard]] Result<UnverifiedToken> parse_token(std::string_view text [[clang::lifetimebound]]);

struct VerifiedToken {
  std::string issuer;
  std::string subject;  // 1 to 255 bytes without control characters
  // The subject is the client itself: nobody is behind it (RFC 9068 2.2, client credentials).
  bool of_client = false;
  std::vector<std::string> roles;
  std::vector<std::string> scopes;
  std::vector<std::pair<std::string, std::string>> claims;  // those of the rules that it has
  WallTime expires;      // no longer accepted from here on: `exp` and the leeway
  crypto::Sha256 key{};  // thumbprint of the key that signed it
};

// Checks `iss`, `aud`, `exp`, `nbf`, `iat`, `sub` and the header's `typ` (RFC 7519 4.1, RFC
// 8725 3.8 to 3.11, RFC 9068 4) and takes what the rules name. Knows nothing of the signature:
// `key` stays zero. Errors: kCredentialsInvalid, the detail free of the token's bytes.
[[nodiscard]] Result<VerifiedToken> check_claims(const UnverifiedToken& token,
                                                 const JwtRules& rules, WallTime now);

// The signature, then the claims. Errors: kCredentialsInvalid.
[[nodiscard]] Result<VerifiedToken> verify_token(std::string_view text, const KeySet& keys,
                                                 const JwtRules& rules, WallTime now);

// What is wrong when check_signature() did not say kValid.
[[nodiscard]] Error signature_error(SignatureVerdict verdict);

}  // namespace portcullis::jose
