#include "crypto/keys.h"

#include "base/check.h"
#include "crypto/digest.h"
#include "crypto/ec_signature.h"
#include "crypto/roca.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <bit>
#include <optional>
#include <utility>

namespace portcullis::crypto {
namespace detail {

void FreeKey::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }

}  // namespace detail

namespace {

using detail::KeyHandle;

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using ContextHandle = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using DigestContextHandle = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using NumberHandle = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using BuilderHandle = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using ParametersHandle = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

const char* group_name(KeyKind curve) {
  switch (curve) {
    case KeyKind::kP256:
      return "P-256";
    case KeyKind::kP384:
      return "P-384";
    case KeyKind::kP521:
      return "P-521";
    case KeyKind::kRsa:
    case KeyKind::kEd25519:
      break;
  }
  return nullptr;
}

struct Scheme {
  const char* hash;  // null: the scheme hashes by itself
  bool pss;
};

Scheme scheme_of(SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::kRs256:
    case SignatureAlgorithm::kEs256:
      return {"SHA2-256", false};
    case SignatureAlgorithm::kRs384:
    case SignatureAlgorithm::kEs384:
      return {"SHA2-384", false};
    case SignatureAlgorithm::kRs512:
    case SignatureAlgorithm::kEs512:
      return {"SHA2-512", false};
    case SignatureAlgorithm::kPs256:
      return {"SHA2-256", true};
    case SignatureAlgorithm::kPs384:
      return {"SHA2-384", true};
    case SignatureAlgorithm::kPs512:
      return {"SHA2-512", true};
    case SignatureAlgorithm::kEdDsa:
      return {nullptr, false};
  }
  return {nullptr, false};
}

bool set_pss(EVP_PKEY_CTX* context, const Scheme& scheme) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, scheme.hash, nullptr) == 1;
}

// A key from its parameters, its mathematics checked.
Result<KeyHandle> make_public_key(const char* type, OSSL_PARAM* parameters) {
  const ContextHandle context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  PC_CHECK(context != nullptr);
  EVP_PKEY* raw = nullptr;
  const bool made = EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, parameters) == 1;
  KeyHandle key(raw);
  if (made && key != nullptr) {
    const ContextHandle check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    PC_CHECK(check != nullptr);
    if (EVP_PKEY_public_check(check.get()) == 1) return key;
  }
  ERR_clear_error();
  return refuse(ErrorCode::kMalformedRequest, "the key's numbers do not make a public key");
}

NumberHandle number_of(std::string_view bytes) {
  NumberHandle number(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
  PC_CHECK(number != nullptr);
  return number;
}

std::string number_parameter(const EVP_PKEY* key, const char* name, std::size_t size = 0) {
  BIGNUM* raw = nullptr;
  PC_CHECK(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
  const NumberHandle number(raw);
  const auto used = static_cast<std::size_t>(BN_num_bytes(number.get()));
  std::string bytes(size == 0 ? used : size, '\0');
  PC_CHECK(BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(bytes.data()),
                        static_cast<int>(bytes.size())) >= 0);
  return bytes;
}

Result<void> check_rsa_numbers(std::string_view modulus, std::string_view exponent) {
  const auto refuse_key = [](const char* why) { return refuse(ErrorCode::kMalformedRequest, why); };
  if (modulus.empty() || exponent.empty()) return refuse_key("RSA key with an empty number");
  if (modulus.front() == '\0' || exponent.front() == '\0') {
    return refuse_key("RSA key with a leading zero byte");
  }
  const std::size_t bits =
      modulus.size() * 8 -
      static_cast<std::size_t>(std::countl_zero(static_cast<unsigned char>(modulus.front())));
  if (bits < kMinimumRsaBits) return refuse_key("RSA key of less than 2048 bits");
  if (bits > kMaximumRsaBits) return refuse_key("RSA key of more than 8192 bits");
  if ((modulus.back() & 1) == 0) return refuse_key("RSA key with an even modulus");
  if (exponent.size() > 4) return refuse_key("RSA key with an exponent of more than 32 bits");
  if ((exponent.back() & 1) == 0 || exponent == "\x01") {
    return refuse_key("RSA key with an exponent that is even or 1");
  }
  if (has_roca_fingerprint(modulus)) return refuse_key("RSA key of a weak generator (ROCA)");
  return {};
}

}  // namespace

bool fits(SignatureAlgorithm algorithm, KeyKind kind) {
  switch (algorithm) {
    case SignatureAlgorithm::kRs256:
    case SignatureAlgorithm::kRs384:
    case SignatureAlgorithm::kRs512:
    case SignatureAlgorithm::kPs256:
    case SignatureAlgorithm::kPs384:
    case SignatureAlgorithm::kPs512:
      return kind == KeyKind::kRsa;
    case SignatureAlgorithm::kEs256:
      return kind == KeyKind::kP256;
    case SignatureAlgorithm::kEs384:
      return kind == KeyKind::kP384;
    case SignatureAlgorithm::kEs512:
      return kind == KeyKind::kP521;
    case SignatureAlgorithm::kEdDsa:
      return kind == KeyKind::kEd25519;
  }
  return false;
}

std::size_t coordinate_size(KeyKind kind) {
  switch (kind) {
    case KeyKind::kP256:
      return 32;
    case KeyKind::kP384:
      return 48;
    case KeyKind::kP521:
      return 66;
    case KeyKind::kRsa:
    case KeyKind::kEd25519:
      return 0;
  }
  return 0;
}

Result<PublicKey> PublicKey::rsa(std::string_view modulus, std::string_view exponent) {
  PC_CHECK_OK(check_rsa_numbers(modulus, exponent));
  const NumberHandle n = number_of(modulus);
  const NumberHandle e = number_of(exponent);
  const BuilderHandle builder(OSSL_PARAM_BLD_new());
  PC_CHECK(builder != nullptr);
  PC_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1);
  PC_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
  const ParametersHandle parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  PC_CHECK(parameters != nullptr);
  PC_TRY(KeyHandle handle, make_public_key("RSA", parameters.get()));
  return PublicKey(KeyKind::kRsa, std::move(handle));
}

Result<PublicKey> PublicKey::ec(KeyKind curve, std::string_view x, std::string_view y) {
  const std::size_t size = coordinate_size(curve);
  if (size == 0 || x.size() != size || y.size() != size) {
    return refuse(ErrorCode::kMalformedRequest, "EC key with a coordinate of the wrong size");
  }
  std::string point = "\x04";  // uncompressed (SEC 1 2.3.3)
  point.append(x).append(y);
  std::string group = group_name(curve);
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size()),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end()};
  PC_TRY(KeyHandle handle, make_public_key("EC", parameters));
  return PublicKey(curve, std::move(handle));
}

Result<PublicKey> PublicKey::ed25519(std::string_view x) {
  if (x.size() != 32) return refuse(ErrorCode::kMalformedRequest, "Ed25519 key of another size");
  KeyHandle handle(
      EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes_of(x), x.size()));
  if (handle == nullptr) {
    ERR_clear_error();
    return refuse(ErrorCode::kMalformedRequest, "the key's numbers do not make a public key");
  }
  return PublicKey(KeyKind::kEd25519, std::move(handle));
}

bool PublicKey::verify(SignatureAlgorithm algorithm, std::string_view message,
                       std::string_view signature) const {
  if (!fits(algorithm, kind_)) return false;
  std::string der;
  if (coordinate_size(kind_) != 0) {
    std::optional<std::string> converted = ec_signature_to_der(kind_, signature);
    if (!converted) return false;
    der = *std::move(converted);
    signature = der;
  }
  const Scheme scheme = scheme_of(algorithm);
  const DigestContextHandle context(EVP_MD_CTX_new());
  PC_CHECK(context != nullptr);
  EVP_PKEY_CTX* key_context = nullptr;  // owned by `context`
  const bool ready = EVP_DigestVerifyInit_ex(context.get(), &key_context, scheme.hash, nullptr,
                                             nullptr, handle_.get(), nullptr) == 1 &&
                     (!scheme.pss || set_pss(key_context, scheme));
  const bool valid = ready && EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                                               bytes_of(message), message.size()) == 1;
  // What OpenSSL queued about a bad signature must not be read as the next one's error.
  if (!valid) ERR_clear_error();
  return valid;
}

PrivateKey PrivateKey::generate(KeyKind kind, unsigned rsa_bits) {
  EVP_PKEY* raw = nullptr;
  switch (kind) {
    case KeyKind::kRsa:
      raw = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(rsa_bits));
      break;
    case KeyKind::kP256:
    case KeyKind::kP384:
    case KeyKind::kP521:
      raw = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", group_name(kind));
      break;
    case KeyKind::kEd25519:
      raw = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
      break;
  }
  PC_CHECK(raw != nullptr);
  return PrivateKey(kind, KeyHandle(raw));
}

PublicParts PrivateKey::public_parts() const {
  PublicParts parts;
  const EVP_PKEY* const key = handle_.get();
  if (kind_ == KeyKind::kRsa) {
    parts.modulus = number_parameter(key, OSSL_PKEY_PARAM_RSA_N);
    parts.exponent = number_parameter(key, OSSL_PKEY_PARAM_RSA_E);
  } else if (kind_ == KeyKind::kEd25519) {
    parts.x.resize(32);
    std::size_t size = parts.x.size();
    PC_CHECK(EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(parts.x.data()),
                                         &size) == 1);
    PC_CHECK(size == parts.x.size());
  } else {
    const std::size_t size = coordinate_size(kind_);
    parts.x = number_parameter(key, OSSL_PKEY_PARAM_EC_PUB_X, size);
    parts.y = number_parameter(key, OSSL_PKEY_PARAM_EC_PUB_Y, size);
  }
  return parts;
}

std::string PrivateKey::sign(SignatureAlgorithm algorithm, std::string_view message) const {
  PC_CHECK(fits(algorithm, kind_));
  const Scheme scheme = scheme_of(algorithm);
  const DigestContextHandle context(EVP_MD_CTX_new());
  PC_CHECK(context != nullptr);
  EVP_PKEY_CTX* key_context = nullptr;  // owned by `context`
  PC_CHECK(EVP_DigestSignInit_ex(context.get(), &key_context, scheme.hash, nullptr, nullptr,
                                 handle_.get(), nullptr) == 1);
  PC_CHECK(!scheme.pss || set_pss(key_context, scheme));
  std::size_t size = 0;
  PC_CHECK(EVP_DigestSign(context.get(), nullptr, &size, bytes_of(message), message.size()) == 1);
  std::string signature(size, '\0');
  PC_CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                          bytes_of(message), message.size()) == 1);
  signature.resize(size);
  return coordinate_size(kind_) == 0 ? signature : ec_signature_from_der(kind_, signature);
}

}  // namespace portcullis::crypto
