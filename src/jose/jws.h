// JSON Web Signatures in the compact serialization (RFC 7515 7.1), and nothing else: no JSON
// serialization, no detached or unencoded payload (RFC 7797), no extension that must be understood,
// no encryption.
#pragma once

#include "base/result.h"
#include "jose/jwk.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace portcullis::jose {

inline constexpr std::size_t kMaximumTokenSize = 16 * 1024;  // bytes

// What was read of a token; nothing of it is true before check_signature() said so.
struct Jws {
  SignatureAlgorithm algorithm = SignatureAlgorithm::kRs256;
  std::string key_id;              // `kid`; empty: it has none
  std::string type;                // `typ`; empty: it has none
  std::string_view signing_input;  // borrows the token
  std::string payload;             // decoded
  std::string signature;           // decoded
};

// `jwk`, `jku`, `x5u`, `x5c` and `x5t` are never read: keys come from the configuration alone (RFC
// 8725 3.10). Errors: kCredentialsInvalid, the detail free of the token's bytes.
[[nodiscard]] Result<Jws> parse_jws(std::string_view compact [[clang::lifetimebound]]);

enum class SignatureVerdict : std::uint8_t {
  kValid,
  kInvalid,
  kNotAllowed,  // the algorithm is not among the allowed ones
  kNoKey,       // this set cannot tell: a newer one might have the key
};

struct SignatureCheck {
  SignatureVerdict verdict = SignatureVerdict::kInvalid;
  const Key* key = nullptr;  // of the set, when valid
};

inline constexpr std::size_t kMaximumTrials = 8;  // signatures checked for one token

// With a `kid`, the keys of that name are asked; without, those that admit the algorithm. kNoKey
// means that no key has the name, or that the token names none and no key made the signature.
[[nodiscard]] SignatureCheck check_signature(const Jws& jws, const KeySet& keys,
                                             AlgorithmSet allowed);

}  // namespace portcullis::jose
