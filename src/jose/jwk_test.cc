#include "jose/jwk.h"

#include "jose/testing/issuer.h"
#include "json/value.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace portcullis::jose {
namespace {

using crypto::KeyKind;
using crypto::PrivateKey;

Result<Key> parse(std::string_view text) {
  const auto document = json::Document::parse(text);
  EXPECT_TRUE(document) << text;
  return parse_jwk(document->root());
}

// RFC 8037 A.2
constexpr std::string_view kEd25519 =
    R"("kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")";
// RFC 7515 A.3
constexpr std::string_view kEc =
    R"("kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")";

TEST(ParseJwk, ReadsEveryKind) {
  for (const KeyKind kind :
       {KeyKind::kRsa, KeyKind::kP256, KeyKind::kP384, KeyKind::kP521, KeyKind::kEd25519}) {
    const auto key = parse(testing::public_jwk(PrivateKey::generate(kind), "id"));
    ASSERT_TRUE(key) << key.error().detail;
    EXPECT_EQ(key->key.kind(), kind);
    EXPECT_EQ(key->id, "id");
    EXPECT_FALSE(key->algorithm);
  }
  const auto pinned = parse("{" + std::string(kEc) +
                            R"(,"use":"sig","key_ops":["verify"],"alg":"ES256","x5t":"ignored"})");
  ASSERT_TRUE(pinned) << pinned.error().detail;
  EXPECT_EQ(pinned->algorithm, SignatureAlgorithm::kEs256);
  EXPECT_TRUE(pinned->id.empty());
}

TEST(ParseJwk, RefusesWhatMustNotVerify) {
  const auto ec_and = [](std::string_view more) {
    return "{" + std::string(kEc) + "," + std::string(more) + "}";
  };
  struct Case {
    std::string_view why;
    std::string text;
    std::string_view detail;
  };
  const Case cases[] = {
      {"no object", "[]", "object"},
      {"no kty", R"({"crv":"P-256"})", "`kty`"},
      {"kty of the wrong type", R"({"kty":1})", "`kty`"},
      {"unknown kty", R"({"kty":"LMS"})", "`kty`"},
      {"kty in lower case", R"({"kty":"rsa"})", "`kty`"},
      {"symmetric", R"({"kty":"oct","k":"c2VjcmV0"})", "symmetric"},
      {"symmetric without its key", R"({"kty":"oct","alg":"HS256"})", "symmetric"},
      {"private EC", ec_and(R"("d":"AA")"), "private"},
      {"private member of another type", ec_and(R"("k":"AA")"), "private"},
      {"private RSA factors", ec_and(R"("p":"AA")"), "private"},
      {"other curve", R"({"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"})", "`crv`"},
      {"no curve", R"({"kty":"EC","x":"AA","y":"AA"})", "`crv`"},
      {"no x", R"({"kty":"EC","crv":"P-256","y":"AA"})", "`x`"},
      {"x is a number", R"({"kty":"EC","crv":"P-256","x":1,"y":"AA"})", "`x`"},
      {"short coordinates", R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})", "coordinate"},
      {"padding", R"({"kty":"EC","crv":"P-256","x":"AA==","y":"AA"})", "`x`"},
      {"key agreement", R"({"kty":"OKP","crv":"X25519","x":"AA"})", "`crv`"},
      {"Ed448", R"({"kty":"OKP","crv":"Ed448","x":"AA"})", "`crv`"},
      {"short Ed25519", R"({"kty":"OKP","crv":"Ed25519","x":"AA"})", "size"},
      {"small RSA", R"({"kty":"RSA","n":"AQAB","e":"AQAB"})", "2048"},
      {"RSA without e", R"({"kty":"RSA","n":"AQAB"})", "`e`"},
      {"for encryption", ec_and(R"("use":"enc")"), "`use`"},
      {"unknown use", ec_and(R"("use":"tls")"), "`use`"},
      {"use of the wrong type", ec_and(R"("use":["sig"])"), "`use`"},
      {"key_ops without verify", ec_and(R"("key_ops":["sign"])"), "`key_ops`"},
      {"empty key_ops", ec_and(R"("key_ops":[])"), "`key_ops`"},
      {"key_ops of the wrong type", ec_and(R"("key_ops":"verify")"), "`key_ops`"},
      {"key_ops with a number", ec_and(R"("key_ops":["verify",1])"), "`key_ops`"},
      {"repeated key_ops", ec_and(R"("key_ops":["verify","verify"])"), "`key_ops`"},
      {"alg of another curve", ec_and(R"("alg":"ES384")"), "`alg`"},
      {"alg of another type", ec_and(R"("alg":"RS256")"), "`alg`"},
      {"alg for encryption", ec_and(R"("alg":"ECDH-ES")"), "`alg`"},
      {"alg none", ec_and(R"("alg":"none")"), "`alg`"},
      {"alg of the wrong type", ec_and(R"("alg":null)"), "`alg`"},
      {"kid of the wrong type", ec_and(R"("kid":7)"), "`kid`"},
      {"empty kid", ec_and(R"("kid":"")"), "`kid`"},
  };
  for (const Case& c : cases) {
    const auto got = parse(c.text);
    ASSERT_FALSE(got) << c.why;
    EXPECT_TRUE(got.error().detail.contains(c.detail)) << c.why << ": " << got.error().detail;
  }
}

TEST(KeySet, LeavesOutWhatItCannotUseAndSaysWhy) {
  const auto set = KeySet::parse(R"({"keys":[{"kty":"oct","k":"AA"},{)" + std::string(kEd25519) +
                                 R"(,"kid":"a"},{"kty":"new"},7],"more":true})");
  ASSERT_TRUE(set) << set.error().detail;
  ASSERT_EQ(set->keys().size(), 1U);
  EXPECT_EQ(set->keys()[0].id, "a");
  ASSERT_EQ(set->skipped().size(), 3U);
  EXPECT_TRUE(set->skipped()[0].starts_with("keys[0]: a symmetric"));
  EXPECT_TRUE(set->skipped()[2].starts_with("keys[3]: "));
  EXPECT_TRUE(set->contains(set->keys()[0].thumbprint));
  EXPECT_FALSE(set->contains(crypto::Sha256{}));
}

TEST(KeySet, RefusesWhatIsNoSet) {
  struct Case {
    std::string_view why;
    std::string text;
  };
  const std::string key = "{" + std::string(kEd25519) + "}";
  std::string many = R"({"keys":[)";
  for (std::size_t i = 0; i < kMaximumKeys; ++i) many += key + ",";
  const Case cases[] = {
      {"empty text", ""},
      {"a page of HTML", "<html>"},
      {"a key alone", key},
      {"an array", "[" + key + "]"},
      {"keys is an object", R"({"keys":{}})"},
      {"no keys", R"({"keys":[]})"},
      {"no usable key", R"({"keys":[{"kty":"oct","k":"AA"}]})"},
      {"two lists of keys", R"({"keys":[],"keys":[)" + key + "]}"},
      {"a cut text", R"({"keys":[)" + key},
      {"too many keys", many + key + "]}"},
      {"too large",
       R"({"keys":[)" + key + R"(],"x":")" + std::string(kMaximumKeySetSize, 'x') + "\"}"},
  };
  for (const Case& c : cases) EXPECT_FALSE(KeySet::parse(c.text)) << c.why;
  EXPECT_TRUE(KeySet::parse(R"({"keys":[)" + key + "]}"));
}

TEST(Thumbprint, IsThatOfRfc7638) {
  const char* corpora = std::getenv("PORTCULLIS_CORPORA");
  if (corpora == nullptr) GTEST_SKIP() << "PORTCULLIS_CORPORA is not set";
  std::ifstream file(std::filesystem::path(corpora) /
                     "rfc-vectors/pkce-rfc7636-thumbprint-rfc7638.json");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto document = json::Document::parse(text);
  ASSERT_TRUE(document);
  int checked = 0;
  for (const json::Value entry : document->root().find("jwkThumbprint")->elements()) {
    const auto key = parse_jwk(*entry.find("jwk"));
    ASSERT_TRUE(key) << key.error().detail;
    EXPECT_EQ(encode_base64url(crypto::view(key->thumbprint)),
              entry.find("sha256Thumbprint")->as_string());
    ++checked;
  }
  EXPECT_EQ(checked, 2);
}

// The order of members, `alg` and `kid` do not change what a key is.
TEST(Thumbprint, IgnoresEverythingButTheKey) {
  const auto plain = parse("{" + std::string(kEc) + "}");
  const auto more = parse(R"({"kid":"x","alg":"ES256",)" + std::string(kEc) + "}");
  const auto other = parse("{" + std::string(kEd25519) + "}");
  ASSERT_TRUE(plain && more && other);
  EXPECT_EQ(plain->thumbprint, more->thumbprint);
  EXPECT_NE(plain->thumbprint, other->thumbprint);
}

}  // namespace
}  // namespace portcullis::jose
