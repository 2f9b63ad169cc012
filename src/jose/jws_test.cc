#include "jose/jws.h"

#include "jose/testing/issuer.h"

#include <gtest/gtest.h>

namespace portcullis::jose {
namespace {

using crypto::KeyKind;
using crypto::PrivateKey;
using testing::key_set;
using testing::public_jwk;
using testing::sign_compact;

TEST(ParseAlgorithm, KnowsTheSignaturesAndNothingElse) {
  int known = 0;
  for (const std::string_view name :
       {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}) {
    const auto algorithm = parse_algorithm(name);
    ASSERT_TRUE(algorithm) << name;
    EXPECT_EQ(algorithm_name(*algorithm), name);
    EXPECT_TRUE(AlgorithmSet::all().contains(*algorithm));
    EXPECT_FALSE(AlgorithmSet().contains(*algorithm));
    ++known;
  }
  EXPECT_EQ(static_cast<std::size_t>(known), crypto::kSignatureAlgorithms);
  for (const std::string_view name :
       {"none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "rs256", "es256", "eddsa",
        "EDDSA", "ES256K", "ES521", "RS1", "Ed448", "ES256 ", "RSA-OAEP", "dir"}) {
    EXPECT_FALSE(parse_algorithm(name)) << name;
  }
}

TEST(ParseJws, TakesAtokenApart) {
  const std::string token = encode_base64url(R"({"alg":"ES256","kid":"k","typ":"JWT"})") +
                            ".cGF5." + encode_base64url("signature");
  const auto jws = parse_jws(token);
  ASSERT_TRUE(jws) << jws.error().detail;
  EXPECT_EQ(jws->algorithm, SignatureAlgorithm::kEs256);
  EXPECT_EQ(jws->key_id, "k");
  EXPECT_EQ(jws->type, "JWT");
  EXPECT_EQ(jws->payload, "pay");
  EXPECT_EQ(jws->signature, "signature");
  EXPECT_EQ(jws->signing_input, token.substr(0, token.rfind('.')));
}

TEST(ParseJws, RefusesWhatIsNotOneCompactSignature) {
  const std::string header = encode_base64url(R"({"alg":"ES256"})");
  const auto with_header = [](std::string_view text) {
    return encode_base64url(text) + ".e30.c2ln";
  };
  struct Case {
    std::string_view why;
    std::string token;
    std::string_view detail;
  };
  const Case cases[] = {
      {"empty", "", "three parts"},
      {"one part", header, "three parts"},
      {"two parts", header + ".e30", "three parts"},
      {"four parts", header + ".e30.c2ln.x", "three parts"},
      {"five parts", header + ".e30.c2ln.x.y", "JWE"},
      {"six parts", header + ".e30.c2ln.x.y.z", "three parts"},
      {"dots alone", "..", "empty header"},
      {"no header", ".e30.c2ln", "empty header"},
      {"no signature", header + ".e30.", "empty signature"},
      {"JSON serialization", R"({"payload":"e30","protected":"e30","signature":"c2ln"})",
       "compact serialization"},
      {"padding in the header", header + "=.e30.c2ln", "base64url"},
      {"padding in the signature", header + ".e30.c2lnMQ==", "foreign character"},
      {"whitespace before", " " + header + ".e30.c2ln", "base64url"},
      {"whitespace after", header + ".e30.c2ln ", "base64url"},
      {"line break inside", header + ".e3\n0.c2ln", "foreign character"},
      {"standard base64", header + ".e30.c+/n", "foreign character"},
      {"trailing bits in the payload", header + ".e31.c2ln", "trailing bits"},
      {"nul", header + ".e30.c2l" + std::string(1, '\0'), "foreign character"},
      {"too large", header + "." + std::string(16 * 1024, 'A') + ".c2ln", "larger"},
      {"header is no JSON", with_header("{alg:1}"), "malformed"},
      {"header with a byte order mark", with_header("\xEF\xBB\xBF{\"alg\":\"ES256\"}"), "mark"},
      {"header with trailing data", with_header(R"({"alg":"ES256"}{})"), "malformed"},
      {"header is an array", with_header(R"(["ES256"])"), "not an object"},
      {"header is a string", with_header(R"("ES256")"), "not an object"},
      {"repeated alg", with_header(R"({"alg":"none","alg":"ES256"})"), "repeated"},
      {"repeated alg, one escaped", with_header(R"({"alg":"ES256","\u0061lg":"none"})"),
       "repeated"},
      {"no alg", with_header(R"({"typ":"JWT"})"), "algorithm"},
      {"alg is null", with_header(R"({"alg":null})"), "`alg`"},
      {"alg is a list", with_header(R"({"alg":["ES256"]})"), "`alg`"},
      {"alg is empty", with_header(R"({"alg":""})"), "`alg`"},
      {"alg none", with_header(R"({"alg":"none"})"), "algorithm"},
      {"alg with a nul", with_header(R"({"alg":"ES256\u0000"})"), "algorithm"},
      {"HMAC", with_header(R"({"alg":"HS256"})"), "algorithm"},
      {"key encryption", with_header(R"({"alg":"RSA-OAEP","enc":"A128GCM"})"), "algorithm"},
      {"crit", with_header(R"({"alg":"ES256","crit":["exp"],"exp":1})"), "crit"},
      {"empty crit", with_header(R"({"alg":"ES256","crit":[]})"), "crit"},
      {"crit of the wrong type", with_header(R"({"alg":"ES256","crit":null})"), "crit"},
      {"b64 false", with_header(R"({"alg":"ES256","b64":false})"), "b64"},
      {"b64 true", with_header(R"({"alg":"ES256","b64":true})"), "b64"},
      {"nested token", with_header(R"({"alg":"ES256","cty":"JWT"})"), "cty"},
      {"kid is a number", with_header(R"({"alg":"ES256","kid":1})"), "`kid`"},
      {"kid is empty", with_header(R"({"alg":"ES256","kid":""})"), "`kid`"},
      {"kid is an object", with_header(R"({"alg":"ES256","kid":{"a":1}})"), "`kid`"},
      {"kid is long", with_header(R"({"alg":"ES256","kid":")" + std::string(257, 'k') + "\"}"),
       "`kid`"},
      {"typ is a list", with_header(R"({"alg":"ES256","typ":["JWT"]})"), "`typ`"},
      {"deep header", with_header(R"({"alg":"ES256","x":[[[[[[[[1]]]]]]]]})"), "deeper"},
  };
  for (const Case& c : cases) {
    const auto got = parse_jws(c.token);
    ASSERT_FALSE(got) << c.why;
    EXPECT_EQ(got.error().code, ErrorCode::kCredentialsInvalid) << c.why;
    EXPECT_TRUE(got.error().detail.contains(c.detail)) << c.why << ": " << got.error().detail;
  }
}

class CheckSignature : public ::testing::Test {
 protected:
  static SignatureVerdict check(const std::string& token, const std::string& keys,
                                AlgorithmSet allowed = AlgorithmSet::all()) {
    const auto set = KeySet::parse(keys);
    EXPECT_TRUE(set) << set.error().detail;
    const auto jws = parse_jws(token);
    EXPECT_TRUE(jws) << jws.error().detail;
    return check_signature(*jws, *set, allowed).verdict;
  }
  PrivateKey one_ = PrivateKey::generate(KeyKind::kP256);
  PrivateKey two_ = PrivateKey::generate(KeyKind::kP256);
};

TEST_F(CheckSignature, ChoosesByKeyId) {
  const std::string keys = key_set({public_jwk(one_, "1"), public_jwk(two_, "2")});
  const auto es256 = SignatureAlgorithm::kEs256;
  const std::string named_one = R"({"alg":"ES256","kid":"1"})";
  EXPECT_EQ(check(sign_compact(one_, es256, named_one, "x"), keys), SignatureVerdict::kValid);
  EXPECT_EQ(check(sign_compact(two_, es256, named_one, "x"), keys), SignatureVerdict::kInvalid)
      << "a key that is in the set, but not of that name";
  EXPECT_EQ(check(sign_compact(one_, es256, R"({"alg":"ES256","kid":"3"})", "x"), keys),
            SignatureVerdict::kNoKey);
  EXPECT_EQ(check(sign_compact(two_, es256, R"({"alg":"ES256"})", "x"), keys),
            SignatureVerdict::kValid)
      << "without a name, the keys that fit are tried";
  EXPECT_EQ(
      check(sign_compact(PrivateKey::generate(KeyKind::kP256), es256, R"({"alg":"ES256"})", "x"),
            keys),
      SignatureVerdict::kNoKey);
  for (const std::string_view injected :
       {"../../etc/passwd", "1' OR '1'='1", "1\\u0000", "1 ", "/dev/null", "1|2"}) {
    const std::string header = R"({"alg":"ES256","kid":")" + std::string(injected) + "\"}";
    EXPECT_EQ(check(sign_compact(one_, es256, header, "x"), keys), SignatureVerdict::kNoKey)
        << injected;
  }
}

TEST_F(CheckSignature, HoldsTheAlgorithmToTheKeyAndToTheConfiguration) {
  const PrivateKey rsa = PrivateKey::generate(KeyKind::kRsa);
  AlgorithmSet only_es;
  only_es.insert(SignatureAlgorithm::kEs256);
  const std::string token =
      sign_compact(rsa, SignatureAlgorithm::kPs256, R"({"alg":"PS256"})", "x");
  EXPECT_EQ(check(token, key_set({public_jwk(rsa, "")})), SignatureVerdict::kValid);
  EXPECT_EQ(check(token, key_set({public_jwk(rsa, "")}), only_es), SignatureVerdict::kNotAllowed);
  EXPECT_EQ(check(token, key_set({public_jwk(rsa, "", "RS256")})), SignatureVerdict::kNoKey)
      << "the key says RS256";
  const std::string named =
      sign_compact(rsa, SignatureAlgorithm::kPs256, R"({"alg":"PS256","kid":"r"})", "x");
  EXPECT_EQ(check(named, key_set({public_jwk(rsa, "r", "RS256")})), SignatureVerdict::kInvalid);
  EXPECT_EQ(check(sign_compact(one_, SignatureAlgorithm::kEs256, R"({"alg":"RS256"})", "x"),
                  key_set({public_jwk(rsa, ""), public_jwk(one_, "")})),
            SignatureVerdict::kNoKey)
      << "made with another algorithm than it says";
}

TEST_F(CheckSignature, BoundsTheKeysThatItTries) {
  std::string keys = R"({"keys":[)";
  for (std::size_t i = 0; i < kMaximumTrials; ++i) {
    keys += public_jwk(PrivateKey::generate(KeyKind::kP256), "") + ",";
  }
  const std::string token =
      sign_compact(one_, SignatureAlgorithm::kEs256, R"({"alg":"ES256"})", "x");
  EXPECT_EQ(check(token, keys + public_jwk(one_, "") + "]}"), SignatureVerdict::kNoKey);
  const std::string rsa = public_jwk(PrivateKey::generate(KeyKind::kRsa), "");
  EXPECT_EQ(check(token, key_set({rsa, rsa, rsa, rsa, rsa, rsa, rsa, rsa, public_jwk(one_, "")})),
            SignatureVerdict::kValid)
      << "keys that do not fit cost no trial";
}

TEST_F(CheckSignature, SharesANameBetweenTypes) {
  const PrivateKey rsa = PrivateKey::generate(KeyKind::kRsa);
  const std::string keys = key_set({public_jwk(rsa, "k"), public_jwk(one_, "k")});
  EXPECT_EQ(
      check(sign_compact(one_, SignatureAlgorithm::kEs256, R"({"alg":"ES256","kid":"k"})", "x"),
            keys),
      SignatureVerdict::kValid);
}

}  // namespace
}  // namespace portcullis::jose
