// Tokens that attackers send, one named row each. The keys are honest; every token must be refused
// and its bytes must not come back in the detail.

#include "crypto/digest.h"
#include "jose/jwt.h"
#include "jose/testing/issuer.h"

#include <gtest/gtest.h>

namespace portcullis::jose {
namespace {

using crypto::KeyKind;
using crypto::PrivateKey;

// A public key that the issuer publishes, in both of its spellings.
constexpr std::string_view kRsaPem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAkVEP5Oqu3eS/I4JkwS3f\n"
    "OkdBjSyL9cPPyPK2p1zqpTxTostMSVPpuU+T3T2etU+5dPbiq78ltU5xhfynposg\n"
    "5encAcBlpD27QSVDBtxn5s72+S/ByUyTrYRsZHyYzBRWLct5ZXVxxfj1+lgIJ9/B\n"
    "Tdj1L+xemaKphCMKSCkS7jSjYHFhvkQW5by9rFd0vsQXn27SMoOXKe5x61S1M73T\n"
    "hQMLDN52ELDuc59c3NQ6p03PVgs56q7T+9vwBvAmgEmZs0uZ+XygalYutPDkToSw\n"
    "Z0Ayv5/8/INWBD32Orj8MY2Vjj4fjmH0g5s46+wfkqsRqLHWNu6bAll7hfZsmdnK\n"
    "IQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view kRsaModulus =
    "kVEP5Oqu3eS_I4JkwS3fOkdBjSyL9cPPyPK2p1zqpTxTostMSVPpuU-T3T2etU-5dPbiq78ltU5xhfyn"
    "posg5encAcBlpD27QSVDBtxn5s72-S_ByUyTrYRsZHyYzBRWLct5ZXVxxfj1-lgIJ9_BTdj1L-xemaKp"
    "hCMKSCkS7jSjYHFhvkQW5by9rFd0vsQXn27SMoOXKe5x61S1M73ThQMLDN52ELDuc59c3NQ6p03PVgs5"
    "6q7T-9vwBvAmgEmZs0uZ-XygalYutPDkToSwZ0Ayv5_8_INWBD32Orj8MY2Vjj4fjmH0g5s46-wfkqsR"
    "qLHWNu6bAll7hfZsmdnKIQ";

constexpr std::string_view kPayload =
    R"({"iss":"https://issuer.example","aud":"shop","sub":"canary-subject","exp":1800000060})";
constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};

class HostileTokens : public ::testing::Test {
 protected:
  HostileTokens() {
    rules_.issuer = "https://issuer.example";
    rules_.audiences = {"shop"};
    rules_.algorithms = AlgorithmSet::all();
  }

  static std::string rsa_jwk() {
    return R"({"kty":"RSA","kid":"rsa","e":"AQAB","n":")" + std::string(kRsaModulus) + "\"}";
  }
  static std::string unsigned_input(std::string_view header) {
    return encode_base64url(header) + "." + encode_base64url(kPayload);
  }
  static std::string hmac_signed(std::string_view header, std::string_view secret) {
    const std::string input = unsigned_input(header);
    return input + "." + encode_base64url(crypto::hmac(crypto::Hash::kSha256, secret, input));
  }
  [[nodiscard]] std::string honest(
      std::string_view header = R"({"alg":"ES256","kid":"ec"})") const {
    return testing::sign_compact(ec_, SignatureAlgorithm::kEs256, header, kPayload);
  }
  [[nodiscard]] std::string by_mallory(std::string_view header) const {
    return testing::sign_compact(mallory_, SignatureAlgorithm::kEs256, header, kPayload);
  }

  PrivateKey ec_ = PrivateKey::generate(KeyKind::kP256);
  PrivateKey mallory_ = PrivateKey::generate(KeyKind::kP256);
  KeySet keys_ =
      KeySet::parse(testing::key_set({testing::public_jwk(ec_, "ec"), rsa_jwk()})).value();
  JwtRules rules_;
};

TEST_F(HostileTokens, AreRefused) {
  const std::string good = honest();
  ASSERT_TRUE(verify_token(good, keys_, rules_, kNow)) << "the honest token beside them";
  const std::string good_input = good.substr(0, good.rfind('.'));
  const std::string good_signature = good.substr(good.rfind('.') + 1);
  const std::string mallory_jwk = testing::public_jwk(mallory_, "ec");
  const std::string zeros = encode_base64url(std::string(64, '\0'));
  const std::string rsa_raw = decode_base64url(kRsaModulus).value();
  struct Case {
    std::string_view attack;
    std::string token;
  };
  const Case cases[] = {
      {"alg none, empty signature", unsigned_input(R"({"alg":"none"})") + "."},
      {"alg none, no last dot", unsigned_input(R"({"alg":"none"})")},
      {"alg none with a signature", unsigned_input(R"({"alg":"none"})") + "." + good_signature},
      {"alg None", unsigned_input(R"({"alg":"None"})") + "."},
      {"alg NONE", unsigned_input(R"({"alg":"NONE"})") + ".AA"},
      {"alg nOnE", unsigned_input(R"({"alg":"nOnE"})") + ".AA"},
      {"alg none and the key's name", unsigned_input(R"({"alg":"none","kid":"ec"})") + ".AA"},
      {"HS256 with the RSA key's PEM", hmac_signed(R"({"alg":"HS256","kid":"rsa"})", kRsaPem)},
      {"HS256 with the PEM, no last line break",
       hmac_signed(R"({"alg":"HS256","kid":"rsa"})", kRsaPem.substr(0, kRsaPem.size() - 1))},
      {"HS256 with the modulus", hmac_signed(R"({"alg":"HS256"})", rsa_raw)},
      {"HS256 with the JWK's text", hmac_signed(R"({"alg":"HS256"})", rsa_jwk())},
      {"HS256 with an empty key", hmac_signed(R"({"alg":"HS256"})", "")},
      {"HMAC that calls itself RS256", hmac_signed(R"({"alg":"RS256","kid":"rsa"})", kRsaPem)},
      {"HMAC that calls itself ES256", hmac_signed(R"({"alg":"ES256","kid":"ec"})", kRsaPem)},
      {"r = s = 0", unsigned_input(R"({"alg":"ES256","kid":"ec"})") + "." + zeros},
      {"r = s = 0, without a name", unsigned_input(R"({"alg":"ES256"})") + "." + zeros},
      {"r = s = 0 in DER", unsigned_input(R"({"alg":"ES256"})") + "." +
                               encode_base64url(std::string_view("0\x06\x02\x01\0\x02\x01\0", 8))},
      {"r = s = 1",
       unsigned_input(R"({"alg":"ES256"})") + "." +
           encode_base64url(std::string(31, '\0') + "\x01" + std::string(31, '\0') + "\x01")},
      {"signature of 0", unsigned_input(R"({"alg":"RS256","kid":"rsa"})") + "." +
                             encode_base64url(std::string(256, '\0'))},
      {"signature of 1, which is any padding to the power of d",
       unsigned_input(R"({"alg":"RS256","kid":"rsa"})") + "." +
           encode_base64url(std::string(255, '\0') + "\x01")},
      {"signature equal to the modulus",
       unsigned_input(R"({"alg":"PS256","kid":"rsa"})") + "." + encode_base64url(rsa_raw)},
      {"embedded jwk", by_mallory(R"({"alg":"ES256","jwk":)" + mallory_jwk + "}")},
      {"embedded jwk under the issuer's name",
       by_mallory(R"({"alg":"ES256","kid":"ec","jwk":)" + mallory_jwk + "}")},
      {"jku", by_mallory(R"({"alg":"ES256","kid":"ec","jku":"https://evil.example/jwks.json"})")},
      {"jku at the issuer", by_mallory(R"({"alg":"ES256","jku":"https://issuer.example/../up"})")},
      {"x5u", by_mallory(R"({"alg":"ES256","kid":"ec","x5u":"https://evil.example/c.pem"})")},
      {"x5c", by_mallory(R"({"alg":"ES256","kid":"ec","x5c":["MIIB"]})")},
      {"kid that is a path", by_mallory(R"({"alg":"ES256","kid":"../../../../dev/null"})")},
      {"kid that is SQL", by_mallory(R"({"alg":"ES256","kid":"ec' UNION SELECT 'key"})")},
      {"kid that is a command", by_mallory(R"({"alg":"ES256","kid":"ec|whoami"})")},
      {"kid that is a URL", by_mallory(R"({"alg":"ES256","kid":"https://evil.example/key"})")},
      {"kid with a nul", by_mallory(R"({"alg":"ES256","kid":"ec\u0000x"})")},
      {"crit", honest(R"({"alg":"ES256","kid":"ec","crit":["bork"],"bork":true})")},
      {"crit that names a registered member", honest(R"({"alg":"ES256","crit":["alg"]})")},
      {"unencoded payload", honest(R"({"alg":"ES256","b64":false,"crit":["b64"]})")},
      {"b64 without crit", honest(R"({"alg":"ES256","b64":false})")},
      {"repeated alg", honest(R"({"alg":"none","alg":"ES256"})")},
      {"repeated kid", honest(R"({"alg":"ES256","kid":"x","kid":"ec"})")},
      {"JWE around an unsigned token",
       encode_base64url(R"({"alg":"RSA-OAEP-256","enc":"A128GCM","cty":"JWT","kid":"rsa"})") +
           ".AAAA.AAAA." + encode_base64url(unsigned_input(R"({"alg":"none"})") + ".") + ".AAAA"},
      {"JWE with direct encryption",
       encode_base64url(R"({"alg":"dir","enc":"A128GCM"})") + "..AAAA.AAAA.AAAA"},
      {"encryption in three parts",
       unsigned_input(R"({"alg":"RSA-OAEP","enc":"A128GCM"})") + ".AA"},
      {"nested token", honest(R"({"alg":"ES256","kid":"ec","cty":"JWT"})")},
      {"detached payload", good.substr(0, good.find('.')) + ".." + good_signature},
      {"empty signature", good_input + "."},
      {"extra dot at the end", good + "."},
      {"extra dot in front", "." + good},
      {"two tokens", good + "." + good},
      {"two tokens with a comma", good + "," + good},
      {"signature cut", good.substr(0, good.size() - 4)},
      {"signature longer", good + "AAAA"},
      {"padded", good + "="},
      {"padded twice", good + "=="},
      {"space in front", " " + good},
      {"space behind", good + " "},
      {"line break behind", good + "\n"},
      {"nul behind", good + std::string(1, '\0')},
      {"quoted", "\"" + good + "\""},
      {"percent-encoded dot",
       good.substr(0, good.find('.')) + "%2E" + good.substr(good.find('.') + 1)},
      {"other spelling of the signature's last character",
       good.substr(0, good.size() - 1) + static_cast<char>(good.back() + 1)},
      {"signature in DER", good_input + "." +
                               encode_base64url("0E\x02\x20" + std::string(32, 'r') + "\x02\x21" +
                                                std::string(33, 's'))},
      {"another algorithm's name on it",
       encode_base64url(R"({"alg":"ES384","kid":"ec"})") + good.substr(good.find('.'))},
      {"another payload",
       encode_base64url(R"({"alg":"ES256","kid":"ec"})") + "." +
           encode_base64url(
               R"({"iss":"https://issuer.example","aud":"shop","sub":"canary-root","exp":1800000060})") +
           "." + good_signature},
      {"JSON serialization", R"({"protected":")" + good.substr(0, good.find('.')) + R"("})"},
      {"token of another issuer's key", by_mallory(R"({"alg":"ES256","kid":"ec"})")},
  };
  for (const Case& c : cases) {
    const auto got = verify_token(c.token, keys_, rules_, kNow);
    ASSERT_FALSE(got) << c.attack;
    EXPECT_EQ(got.error().code, ErrorCode::kCredentialsInvalid) << c.attack;
    EXPECT_EQ(got.error().source, ErrorSource::kClient) << c.attack;
    for (const std::string_view secret : {std::string_view("canary"), std::string_view("evil"),
                                          std::string_view(c.token).substr(0, 12)}) {
      EXPECT_FALSE(!secret.empty() && got.error().detail.contains(secret))
          << c.attack << ": " << got.error().detail;
    }
  }
}

// Every prefix, and every byte changed: nothing but the honest token is accepted.
TEST_F(HostileTokens, AreRefusedWhenAnyByteDiffers) {
  const std::string good = honest();
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(verify_token(good.substr(0, i), keys_, rules_, kNow)) << i;
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_token(changed, keys_, rules_, kNow)) << i;
  }
}

}  // namespace
}  // namespace portcullis::jose
