#include "jose/jwt.h"

#include "jose/testing/issuer.h"

#include <gtest/gtest.h>

namespace portcullis::jose {
namespace {

using crypto::KeyKind;
using crypto::PrivateKey;

constexpr std::int64_t kNow = 1'800'000'000;  // seconds; every date below is beside it

class Jwt : public ::testing::Test {
 protected:
  Jwt() {
    rules_.issuer = "https://issuer.example";
    rules_.audiences = {"shop", "other"};
    rules_.algorithms.insert(SignatureAlgorithm::kEs256);
    rules_.roles = ClaimPath("realm.roles");
    rules_.scopes = ClaimPath("scope");
    rules_.claims = {{"tenant", ClaimPath("org")}, {"groups", ClaimPath("g")}};
  }

  Result<VerifiedToken> verify(std::string_view payload,
                               std::string_view header = R"({"alg":"ES256","kid":"k"})",
                               WallTime now = WallTime(std::chrono::seconds(kNow))) const {
    return verify_token(testing::sign_compact(key_, SignatureAlgorithm::kEs256, header, payload),
                        keys_, rules_, now);
  }

  // The claims of a good token with some text in the place of `%`.
  static std::string claims(std::string_view changed) {
    return R"({"iss":"https://issuer.example","aud":"shop","sub":"ann","exp":1800000060)" +
           std::string(changed) + "}";
  }

  PrivateKey key_ = PrivateKey::generate(KeyKind::kP256);
  KeySet keys_ = KeySet::parse(testing::key_set({testing::public_jwk(key_, "k")})).value();
  JwtRules rules_;
};

TEST_F(Jwt, YieldsWhatTheRulesName) {
  const auto token = verify(
      claims(R"(,"nbf":1800000000,"iat":1799999990.25,"realm":{"roles":["clerk","manager"]},)"
             R"("scope":"read  write","org":7,"g":[1,{"a":true}],"unnamed":"x")"));
  ASSERT_TRUE(token) << token.error().detail;
  EXPECT_EQ(token->issuer, "https://issuer.example");
  EXPECT_EQ(token->subject, "ann");
  EXPECT_EQ(token->roles, (std::vector<std::string>{"clerk", "manager"}));
  EXPECT_EQ(token->scopes, (std::vector<std::string>{"read", "write"}));
  ASSERT_EQ(token->claims.size(), 2U);
  EXPECT_EQ(token->claims[0], (std::pair<std::string, std::string>("tenant", "7")));
  EXPECT_EQ(token->claims[1], (std::pair<std::string, std::string>("groups", R"([1,{"a":true}])")));
  EXPECT_EQ(token->expires, WallTime(std::chrono::seconds(kNow + 60 + 30)));
  EXPECT_EQ(token->key, keys_.keys()[0].thumbprint);
}

TEST_F(Jwt, AcceptsWhatTheRfcsAllow) {
  struct Case {
    std::string_view why;
    std::string payload;
    std::string header = R"({"alg":"ES256","kid":"k"})";
  };
  const Case cases[] = {
      {"nothing but the necessary", claims("")},
      {"audience in a list",
       R"({"iss":"https://issuer.example","aud":["x","other"],"sub":"a","exp":1800000060})"},
      {"expired within the leeway",
       R"({"iss":"https://issuer.example","aud":"shop","sub":"a","exp":1799999971})"},
      {"exp with a fraction",
       R"({"iss":"https://issuer.example","aud":"shop","sub":"a","exp":1800000060.75})"},
      {"exp with an exponent",
       R"({"iss":"https://issuer.example","aud":"shop","sub":"a","exp":1.80000006e9})"},
      {"nbf within the leeway", claims(R"(,"nbf":1800000030)")},
      {"iat within the leeway", claims(R"(,"iat":1800000030)")},
      {"typ JWT", claims(""), R"({"alg":"ES256","typ":"JWT"})"},
      {"typ in other capitals", claims(""), R"({"alg":"ES256","typ":"jWt"})"},
      {"typ at+jwt", claims(""), R"({"alg":"ES256","typ":"at+jwt"})"},
      {"typ with application/", claims(""), R"({"alg":"ES256","typ":"Application/AT+JWT"})"},
      {"keys in the header, never looked at", claims(""),
       R"({"alg":"ES256","kid":"k","jku":"https://evil.example","x5u":"https://evil.example"})"},
      {"roles missing on the way", claims(R"(,"realm":[])")},
      {"roles null", claims(R"(,"realm":{"roles":null})")},
      {"one role", claims(R"(,"realm":{"roles":"clerk"})")},
      {"a subject in another script",
       R"({"iss":"https://issuer.example","aud":"shop","sub":"Žofie|1","exp":1800000060})"},
  };
  for (const Case& c : cases) {
    const auto got = verify(c.payload, c.header);
    EXPECT_TRUE(got) << c.why << ": " << got.error().detail;
  }
}

TEST_F(Jwt, RefusesEveryOtherClaim) {
  const auto with = [](std::string_view iss, std::string_view aud, std::string_view sub,
                       std::string_view exp) {
    std::string text = R"({"x":0)";
    if (!iss.empty()) text.append(R"(,"iss":)").append(iss);
    if (!aud.empty()) text.append(R"(,"aud":)").append(aud);
    if (!sub.empty()) text.append(R"(,"sub":)").append(sub);
    if (!exp.empty()) text.append(R"(,"exp":)").append(exp);
    return text + "}";
  };
  constexpr std::string_view kIss = R"("https://issuer.example")";
  constexpr std::string_view kAud = R"("shop")";
  constexpr std::string_view kSub = R"("ann")";
  constexpr std::string_view kExp = "1800000060";
  struct Case {
    std::string_view why;
    std::string payload;
    std::string_view detail;
  };
  const Case cases[] = {
      {"no iss", with("", kAud, kSub, kExp), "issuer"},
      {"other iss", with(R"("https://issuer.example.evil")", kAud, kSub, kExp), "issuer"},
      {"iss with a slash more", with(R"("https://issuer.example/")", kAud, kSub, kExp), "issuer"},
      {"iss in capitals", with(R"("HTTPS://ISSUER.EXAMPLE")", kAud, kSub, kExp), "issuer"},
      {"iss in a list", with(R"(["https://issuer.example"])", kAud, kSub, kExp), "issuer"},
      {"iss is a number", with("1", kAud, kSub, kExp), "issuer"},
      {"iss is null", with("null", kAud, kSub, kExp), "issuer"},
      {"no aud", with(kIss, "", kSub, kExp), "audience"},
      {"other aud", with(kIss, R"("shopp")", kSub, kExp), "audience"},
      {"aud is a prefix", with(kIss, R"("sho")", kSub, kExp), "audience"},
      {"aud is two in one string", with(kIss, R"("shop other")", kSub, kExp), "audience"},
      {"empty list of aud", with(kIss, "[]", kSub, kExp), "audience"},
      {"aud is an object", with(kIss, R"({"shop":1})", kSub, kExp), "`aud`"},
      {"aud is true", with(kIss, "true", kSub, kExp), "`aud`"},
      {"aud with a number beside ours", with(kIss, R"(["shop",1])", kSub, kExp), "`aud`"},
      {"aud nested", with(kIss, R"([["shop"]])", kSub, kExp), "`aud`"},
      {"no sub", with(kIss, kAud, "", kExp), "`sub`"},
      {"empty sub", with(kIss, kAud, R"("")", kExp), "`sub`"},
      {"sub is a number", with(kIss, kAud, "1", kExp), "`sub`"},
      {"sub with a line break", with(kIss, kAud, R"("ann\nx: y")", kExp), "control"},
      {"sub with a nul", with(kIss, kAud, R"("ann\u0000")", kExp), "control"},
      {"sub with DEL", with(kIss, kAud, R"("ann\u007f")", kExp), "control"},
      {"long sub", with(kIss, kAud, "\"" + std::string(256, 's') + "\"", kExp), "long"},
      {"never expires", with(kIss, kAud, kSub, ""), "never expires"},
      {"expired", with(kIss, kAud, kSub, "1799999970"), "expired"},
      {"expired long ago", with(kIss, kAud, kSub, "0"), "expired"},
      {"negative exp", with(kIss, kAud, kSub, "-1"), "out of range"},
      {"exp as a string", with(kIss, kAud, kSub, R"("1800000060")"), "not a number"},
      {"exp is null", with(kIss, kAud, kSub, "null"), "not a number"},
      {"exp is a list", with(kIss, kAud, kSub, "[1800000060]"), "not a number"},
      {"exp too far ahead", with(kIss, kAud, kSub, "1800086431"), "further ahead"},
      {"exp in milliseconds", with(kIss, kAud, kSub, "1800000060000"), "out of range"},
      {"exp 1e300", with(kIss, kAud, kSub, "1e300"), "out of range"},
      {"exp 1e400", with(kIss, kAud, kSub, "1e400"), "number"},
      {"exp 2^63", with(kIss, kAud, kSub, "9223372036854775808"), "out of range"},
      {"exp 2^64", with(kIss, kAud, kSub, "18446744073709551616"), "number"},
      {"not yet valid", claims(R"(,"nbf":1800000031)"), "not yet valid"},
      {"nbf as a string", claims(R"(,"nbf":"0")"), "`nbf`"},
      {"nbf 1e300", claims(R"(,"nbf":1e300)"), "`nbf`"},
      {"issued in the future", claims(R"(,"iat":1800000031)"), "future"},
      {"iat as a boolean", claims(R"(,"iat":false)"), "`iat`"},
      {"repeated exp", claims(R"(,"exp":1800000061)"), "repeated"},
      {"repeated sub, escaped", claims(R"(,"s\u0075b":"root")"), "repeated"},
      {"repeated name deep inside", claims(R"(,"realm":{"roles":[],"roles":["admin"]})"),
       "repeated"},
      {"roles is a number", claims(R"(,"realm":{"roles":1})"), "roles"},
      {"roles has a number", claims(R"(,"realm":{"roles":["a",1]})"), "roles"},
      {"scope is an object", claims(R"(,"scope":{"read":true})"), "scopes"},
      {"claims are a list", "[]", "not an object"},
      {"claims are empty", "", "empty"},
      {"claims are no JSON", "sub=ann", "malformed"},
      {"claims in Latin-1", claims(",\"n\":\"\xE9\""), "UTF-8"},
      {"claims nested too deep", claims(R"(,"d":)" + std::string(16, '[') + std::string(16, ']')),
       "deeper"},
  };
  for (const Case& c : cases) {
    const auto got = verify(c.payload);
    ASSERT_FALSE(got) << c.why;
    EXPECT_EQ(got.error().code, ErrorCode::kCredentialsInvalid) << c.why;
    EXPECT_TRUE(got.error().detail.contains(c.detail)) << c.why << ": " << got.error().detail;
    EXPECT_FALSE(got.error().detail.contains("ann")) << c.why << ": the detail quotes the token";
  }
}

TEST_F(Jwt, RefusesTokensOfAnotherPurpose) {
  for (const std::string_view type :
       {"dpop+jwt", "logout+jwt", "secevent+jwt", "JOSE", "JWTT", "application/", "text/jwt",
        "at+jwt ", "application/application/jwt"}) {
    const auto got = verify(claims(""), R"({"alg":"ES256","typ":")" + std::string(type) + "\"}");
    ASSERT_FALSE(got) << type;
    EXPECT_TRUE(got.error().detail.contains("`typ`")) << got.error().detail;
  }
}

TEST_F(Jwt, AcceptsNothingWithoutAudienceOrIssuerInTheRules) {
  rules_.audiences.clear();
  EXPECT_FALSE(verify(claims("")));
  rules_.audiences = {"shop"};
  EXPECT_TRUE(verify(claims("")));
  rules_.issuer.clear();
  EXPECT_FALSE(verify(R"({"iss":"","aud":"shop","sub":"ann","exp":1800000060})"));
  EXPECT_FALSE(verify(R"({"aud":"shop","sub":"ann","exp":1800000060})"));
}

TEST_F(Jwt, EndsAtTheLastMoment) {
  const auto at = [](std::int64_t milliseconds) {
    return WallTime(std::chrono::milliseconds(milliseconds));
  };
  const std::string header = R"({"alg":"ES256"})";
  EXPECT_TRUE(verify(claims(""), header, at((kNow + 90) * 1000 - 1)));
  EXPECT_FALSE(verify(claims(""), header, at((kNow + 90) * 1000)));
  rules_.leeway = std::chrono::seconds(0);
  EXPECT_TRUE(verify(claims(""), header, at((kNow + 60) * 1000 - 1)));
  EXPECT_FALSE(verify(claims(""), header, at((kNow + 60) * 1000)));
}

TEST(ClaimPath, FindsWholeNamesFirst) {
  const auto document = json::Document::parse(
      R"({"a":{"b":{"c":"deep"}},"https://x.example/roles":"dotted","a.b":"whole","n":null,"s":"t"})");
  ASSERT_TRUE(document);
  const auto text = [&](std::string_view path) {
    const auto value = ClaimPath(path).find(document->root());
    return value ? claim_text(*value) : std::string("-");
  };
  EXPECT_EQ(text("a.b.c"), "deep");
  EXPECT_EQ(text("a.b"), "whole");
  EXPECT_EQ(text("a"), R"({"b":{"c":"deep"}})");
  EXPECT_EQ(text("https://x.example/roles"), "dotted");
  EXPECT_EQ(text("n"), "-");
  EXPECT_EQ(text("s.t"), "-") << "a string has no members";
  EXPECT_EQ(text("a..c"), "-");
  EXPECT_EQ(text(""), "-");
}

}  // namespace
}  // namespace portcullis::jose
