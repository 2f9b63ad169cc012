#include "crypto/ec_signature.h"

#include "base/check.h"
#include "base/encoding.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include <memory>

namespace portcullis::crypto {
namespace {

struct FreeSignature {
  void operator()(ECDSA_SIG* signature) const noexcept { ECDSA_SIG_free(signature); }
};
using SignatureHandle = std::unique_ptr<ECDSA_SIG, FreeSignature>;

// n, the number of points (SEC 2 2.4.2, 2.5.1, 2.6.1; FIPS 186-5), as long as a coordinate.
const std::string& order(KeyKind curve) {
  static const std::string kP256 =
      decode_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value();
  static const std::string kP384 = decode_hex(
                                       "ffffffffffffffffffffffffffffffffffffffffffffffff"
                                       "c7634d81f4372ddf581a0db248b0a77aecec196accc52973")
                                       .value();
  static const std::string kP521 =
      decode_hex(
          "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
          "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409")
          .value();
  switch (curve) {
    case KeyKind::kP256:
      return kP256;
    case KeyKind::kP384:
      return kP384;
    case KeyKind::kP521:
      return kP521;
    case KeyKind::kRsa:
    case KeyKind::kEd25519:
      break;
  }
  PC_CHECK(false);
}

// 1 <= number < n. Both have the same size, so bytes compare as numbers do.
bool in_range(KeyKind curve, std::string_view number) {
  return number.find_first_not_of('\0') != std::string_view::npos && number < order(curve);
}

BIGNUM* to_number(std::string_view bytes) {
  BIGNUM* const number = BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()), nullptr);
  PC_CHECK(number != nullptr);
  return number;
}

}  // namespace

std::optional<std::string> ec_signature_to_der(KeyKind curve, std::string_view raw) {
  const std::size_t size = coordinate_size(curve);
  if (size == 0 || raw.size() != 2 * size) return std::nullopt;
  const std::string_view r = raw.substr(0, size);
  const std::string_view s = raw.substr(size);
  if (!in_range(curve, r) || !in_range(curve, s)) return std::nullopt;
  const SignatureHandle signature(ECDSA_SIG_new());
  PC_CHECK(signature != nullptr);
  PC_CHECK(ECDSA_SIG_set0(signature.get(), to_number(r), to_number(s)) == 1);
  const int length = i2d_ECDSA_SIG(signature.get(), nullptr);
  PC_CHECK(length > 0);
  std::string der(static_cast<std::size_t>(length), '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  PC_CHECK(i2d_ECDSA_SIG(signature.get(), &at) == length);
  return der;
}

std::string ec_signature_from_der(KeyKind curve, std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const SignatureHandle signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  PC_CHECK(signature != nullptr);
  const int size = static_cast<int>(coordinate_size(curve));
  std::string raw(static_cast<std::size_t>(size) * 2, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(raw.data());
  PC_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, size) == size);
  PC_CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + size, size) == size);
  return raw;
}

}  // namespace portcullis::crypto
