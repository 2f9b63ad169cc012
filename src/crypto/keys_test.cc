#include "crypto/keys.h"

#include "crypto/roca.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::crypto {
namespace {

constexpr SignatureAlgorithm kAll[] = {SignatureAlgorithm::kRs256, SignatureAlgorithm::kRs384,
                                       SignatureAlgorithm::kRs512, SignatureAlgorithm::kPs256,
                                       SignatureAlgorithm::kPs384, SignatureAlgorithm::kPs512,
                                       SignatureAlgorithm::kEs256, SignatureAlgorithm::kEs384,
                                       SignatureAlgorithm::kEs512, SignatureAlgorithm::kEdDsa};
constexpr KeyKind kKinds[] = {KeyKind::kRsa, KeyKind::kP256, KeyKind::kP384, KeyKind::kP521,
                              KeyKind::kEd25519};

Result<PublicKey> public_of(KeyKind kind, const PublicParts& parts) {
  if (kind == KeyKind::kRsa) return PublicKey::rsa(parts.modulus, parts.exponent);
  if (kind == KeyKind::kEd25519) return PublicKey::ed25519(parts.x);
  return PublicKey::ec(kind, parts.x, parts.y);
}

// The default size of generated RSA keys; made once, since that takes a while.
const PrivateKey& private_of(KeyKind kind) {
  static const std::vector<PrivateKey> keys = [] {
    std::vector<PrivateKey> all;
    for (const KeyKind each : kKinds) all.push_back(PrivateKey::generate(each));
    return all;
  }();
  return keys[static_cast<std::size_t>(kind)];
}

TEST(PublicKey, VerifiesWhatItsPartnerSignedAndNothingElse) {
  int pairs = 0;
  for (const KeyKind kind : kKinds) {
    const PrivateKey& signer = private_of(kind);
    const auto key = public_of(kind, signer.public_parts());
    ASSERT_TRUE(key) << key.error().detail;
    for (const SignatureAlgorithm algorithm : kAll) {
      if (!fits(algorithm, kind)) continue;
      ++pairs;
      const std::string signature = signer.sign(algorithm, "message");
      EXPECT_TRUE(key->verify(algorithm, "message", signature));
      EXPECT_FALSE(key->verify(algorithm, "messagf", signature));
      EXPECT_FALSE(key->verify(algorithm, "", signature));
      EXPECT_FALSE(key->verify(algorithm, "message", ""));
      EXPECT_FALSE(key->verify(algorithm, "message", signature + '\0')) << "longer";
      EXPECT_FALSE(key->verify(algorithm, "message", signature.substr(1))) << "shorter";
      EXPECT_FALSE(key->verify(algorithm, "message", std::string(signature.size(), '\0')))
          << "r = s = 0 (CVE-2022-21449)";
      EXPECT_FALSE(key->verify(algorithm, "message", std::string(signature.size(), '\xff')));
      std::string flipped = signature;
      flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
      EXPECT_FALSE(key->verify(algorithm, "message", flipped));
      for (const SignatureAlgorithm other : kAll) {
        if (other != algorithm) EXPECT_FALSE(key->verify(other, "message", signature));
      }
    }
  }
  EXPECT_EQ(pairs, 10);
}

TEST(PublicKey, RefusesBadRsaNumbers) {
  const PublicParts good = private_of(KeyKind::kRsa).public_parts();
  std::string even = good.modulus;
  even.back() = static_cast<char>(even.back() & ~1);
  std::string short_by_a_bit = good.modulus;
  short_by_a_bit.front() = '\x7f';
  struct Case {
    std::string_view why;
    std::string modulus;
    std::string exponent;
  };
  const Case cases[] = {
      {"empty modulus", "", good.exponent},
      {"empty exponent", good.modulus, ""},
      {"leading zero in the modulus", std::string(1, '\0') + good.modulus, good.exponent},
      {"leading zero in the exponent", good.modulus, std::string("\0\x01\0\x01", 4)},
      {"2047 bits", short_by_a_bit, good.exponent},
      {"1024 bits", good.modulus.substr(0, 127) + "\x01", good.exponent},
      {"8193 bits", "\x01" + std::string(1023, 'a') + "\x01", good.exponent},
      {"even modulus", even, good.exponent},
      {"exponent 1", good.modulus, "\x01"},
      {"exponent 2", good.modulus, "\x02"},
      {"even exponent", good.modulus, std::string("\x01\0", 2)},
      {"exponent 0", good.modulus, std::string(1, '\0')},
      {"exponent of 33 bits", good.modulus, std::string("\x01\0\0\0\x01", 5)},
  };
  for (const Case& c : cases) EXPECT_FALSE(PublicKey::rsa(c.modulus, c.exponent)) << c.why;
  EXPECT_TRUE(PublicKey::rsa(good.modulus, "\x03"));
  EXPECT_TRUE(PublicKey::rsa(good.modulus, "\xff\xff\xff\xff"));
}

TEST(PublicKey, RefusesBadPoints) {
  const PublicParts good = private_of(KeyKind::kP256).public_parts();
  std::string off_curve = good.y;
  off_curve.back() = static_cast<char>(off_curve.back() ^ 1);
  struct Case {
    std::string_view why;
    KeyKind curve;
    std::string x;
    std::string y;
  };
  const Case cases[] = {
      {"off the curve", KeyKind::kP256, good.x, off_curve},
      {"coordinates exchanged", KeyKind::kP256, good.y, good.x},
      {"zero", KeyKind::kP256, std::string(32, '\0'), std::string(32, '\0')},
      {"not below the field's prime", KeyKind::kP256, std::string(32, '\xff'), good.y},
      {"cut", KeyKind::kP256, good.x.substr(1), good.y},
      {"padded", KeyKind::kP256, std::string(1, '\0') + good.x, good.y},
      {"empty", KeyKind::kP256, "", ""},
      {"the size of another curve", KeyKind::kP384, good.x, good.y},
      {"another curve's size, padded", KeyKind::kP384, std::string(16, '\0') + good.x,
       std::string(16, '\0') + good.y},
      {"not a curve of ECDSA", KeyKind::kEd25519, good.x, good.y},
      {"no curve at all", KeyKind::kRsa, good.x, good.y},
  };
  for (const Case& c : cases) EXPECT_FALSE(PublicKey::ec(c.curve, c.x, c.y)) << c.why;
  EXPECT_FALSE(PublicKey::ed25519(std::string(31, 'a')));
  EXPECT_FALSE(PublicKey::ed25519(std::string(33, 'a')));
}

// The edges of [1, n-1] for s, with r of a true signature; each is refused before OpenSSL sees it
// or by the mathematics.
TEST(PublicKey, RefusesEcdsaNumbersAtTheOrder) {
  const PrivateKey& signer = private_of(KeyKind::kP256);
  const PublicParts parts = signer.public_parts();
  const auto key = PublicKey::ec(KeyKind::kP256, parts.x, parts.y);
  ASSERT_TRUE(key);
  const std::string signature = signer.sign(SignatureAlgorithm::kEs256, "m");
  const std::string order = "\xff\xff\xff\xff" + std::string(4, '\0') + std::string(8, '\xff') +
                            "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
  ASSERT_EQ(order.size(), 32U);
  std::string before = order;
  before.back() = '\x50';
  for (const std::string& number : {std::string(32, '\0'), order, before}) {
    EXPECT_FALSE(key->verify(SignatureAlgorithm::kEs256, "m", number + signature.substr(32)));
    EXPECT_FALSE(key->verify(SignatureAlgorithm::kEs256, "m", signature.substr(0, 32) + number));
  }
}

TEST(Roca, LeavesHonestKeysAlone) {
  EXPECT_FALSE(has_roca_fingerprint(private_of(KeyKind::kRsa).public_parts().modulus));
  EXPECT_TRUE(has_roca_fingerprint("\x01")) << "a power of 65537 modulo every prime";
  EXPECT_TRUE(has_roca_fingerprint(std::string("\x01\0\x01", 3)));
}

}  // namespace
}  // namespace portcullis::crypto
