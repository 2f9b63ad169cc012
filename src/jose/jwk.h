// Public keys as issuers publish them: JWK and JWK sets (RFC 7517, RFC 7518 6, RFC 8037 2).
#pragma once

#include "base/result.h"
#include "crypto/digest.h"
#include "crypto/keys.h"
#include "jose/algorithm.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::json {
class Value;
}

namespace portcullis::jose {

// A key that may verify signatures.
struct Key {
  std::string id;                               // `kid`; empty: it has none
  std::optional<SignatureAlgorithm> algorithm;  // `alg`: the only one that it may be used with
  crypto::PublicKey key;
  crypto::Sha256 thumbprint;  // RFC 7638: two keys are the same key when these are equal

  // Whether the key's type, and its `alg` if it has one, admit that algorithm (RFC 8725 3.1).
  [[nodiscard]] bool admits(SignatureAlgorithm wanted) const {
    return algorithm ? *algorithm == wanted : crypto::fits(wanted, key.kind());
  }
};

// Refuses what must not verify a signature: another use (`use`, `key_ops`), an algorithm that we
// do not have or that does not fit the type or curve, a symmetric key, and a key that comes with
// its private part: whoever published that has lost it. Errors: kMalformedRequest, with a detail
// that never quotes the key.
[[nodiscard]] Result<Key> parse_jwk(json::Value jwk);

inline constexpr std::size_t kMaximumKeys = 100;
inline constexpr std::size_t kMaximumKeySetSize = 1024 * 1024;  // bytes of text
inline constexpr std::size_t kMaximumKeyIdSize = 256;           // bytes

// The usable keys of a JWK set. Immutable; shared between threads.
class KeySet {
 public:
  // Keys that cannot be used are left out and noted, as RFC 7517 5 asks. Errors, kMalformedRequest:
  // not a JWK set, more than kMaximumKeys, or no usable key at all.
  [[nodiscard]] static Result<KeySet> parse(std::string_view text);

  [[nodiscard]] const std::vector<Key>& keys() const { return keys_; }
  // One reason for each key that was left out: `keys[3]: …`.
  [[nodiscard]] const std::vector<std::string>& skipped() const { return skipped_; }
  [[nodiscard]] bool contains(const crypto::Sha256& thumbprint) const;

 private:
  std::vector<Key> keys_;
  std::vector<std::string> skipped_;
};

}  // namespace portcullis::jose
