// Keys of signatures, and the signatures of JOSE (RFC 7518 3, RFC 8037): RSASSA-PKCS1-v1_5,
// RSASSA-PSS, ECDSA and Ed25519. There is no `none` and no HMAC here: a public key cannot be used
// as a shared secret, because no function takes it as one.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

// OpenSSL's key type, declared here so that its headers stay out of ours.
struct evp_pkey_st;

namespace portcullis::crypto {

enum class SignatureAlgorithm : std::uint8_t {
  kRs256,
  kRs384,
  kRs512,
  kPs256,
  kPs384,
  kPs512,
  kEs256,
  kEs384,
  kEs512,
  kEdDsa,
};
inline constexpr std::size_t kSignatureAlgorithms = 10;

enum class KeyKind : std::uint8_t { kRsa, kP256, kP384, kP521, kEd25519 };

// Whether a key of that kind can make that signature (RFC 7518 3.3 to 3.5, RFC 8037 3.1).
[[nodiscard]] bool fits(SignatureAlgorithm algorithm, KeyKind kind);

// Bytes of one coordinate of a point, and of r and s each; 0 for kinds that are not ECDSA.
[[nodiscard]] std::size_t coordinate_size(KeyKind kind);

namespace detail {
struct FreeKey {
  void operator()(evp_pkey_st* key) const noexcept;
};
using KeyHandle = std::unique_ptr<evp_pkey_st, FreeKey>;
}  // namespace detail

inline constexpr unsigned kMinimumRsaBits = 2048;
inline constexpr unsigned kMaximumRsaBits = 8192;  // the cost of a verification is bounded by it

// A public key. Immutable; may be used by several threads at once.
class PublicKey {
 public:
  // `modulus` and `exponent` are big-endian without leading zero bytes (RFC 7518 6.3.1). Refuses
  // sizes beyond the bounds above, an even modulus, an exponent that is even, below 3 or above 32
  // bits, and keys of the ROCA family (CVE-2017-15361). Errors: kMalformedRequest.
  [[nodiscard]] static Result<PublicKey> rsa(std::string_view modulus, std::string_view exponent);
  // A point of kP256, kP384 or kP521: each coordinate has exactly coordinate_size() bytes (RFC 7518
  // 6.2.1.2), and the point is on the curve. Errors: kMalformedRequest.
  [[nodiscard]] static Result<PublicKey> ec(KeyKind curve, std::string_view x, std::string_view y);
  // Exactly 32 bytes (RFC 8032 5.1.5). Errors: kMalformedRequest.
  [[nodiscard]] static Result<PublicKey> ed25519(std::string_view x);

  [[nodiscard]] KeyKind kind() const { return kind_; }

  // True when `signature` is one over `message` by the holder of this key. False for anything else:
  // another size, an algorithm that does not fit the key, r or s outside [1, n-1].
  //   ECDSA: r || s, each coordinate_size() bytes (RFC 7518 3.4).
  //   PSS:   MGF1 with the same hash, the salt as long as the digest (RFC 7518 3.5).
  [[nodiscard]] bool verify(SignatureAlgorithm algorithm, std::string_view message,
                            std::string_view signature) const;

 private:
  friend class PrivateKey;
  PublicKey(KeyKind kind, detail::KeyHandle handle) : kind_(kind), handle_(std::move(handle)) {}
  KeyKind kind_;
  detail::KeyHandle handle_;
};

// The numbers of a public key as a JWK has them, big-endian.
struct PublicParts {
  std::string modulus;   // RSA
  std::string exponent;  // RSA
  std::string x;         // EC and Ed25519
  std::string y;         // EC
};

class PrivateKey {
 public:
  // A new key; `rsa_bits` counts for kRsa alone.
  [[nodiscard]] static PrivateKey generate(KeyKind kind, unsigned rsa_bits = kMinimumRsaBits);

  [[nodiscard]] KeyKind kind() const { return kind_; }
  [[nodiscard]] PublicParts public_parts() const;
  // In the format that PublicKey::verify() takes. The algorithm must fit the key.
  [[nodiscard]] std::string sign(SignatureAlgorithm algorithm, std::string_view message) const;

 private:
  PrivateKey(KeyKind kind, detail::KeyHandle handle) : kind_(kind), handle_(std::move(handle)) {}
  KeyKind kind_;
  detail::KeyHandle handle_;
};

}  // namespace portcullis::crypto
