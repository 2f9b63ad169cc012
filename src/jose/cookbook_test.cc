// The examples of RFC 7520 (and 8037, 7797) and of RFC 7515: what is offered is accepted, and what
// is refused on purpose is refused for the reason that is meant.

#include "base/encoding.h"
#include "jose/jws.h"
#include "jose/testing/corpus.h"

#include <gtest/gtest.h>

#include <set>

namespace portcullis::jose {
namespace {

using testing::text;

std::string set_of(const std::string& jwk) { return R"({"keys":[)" + jwk + "]}"; }

std::string refusal(std::string_view token) {
  const auto jws = parse_jws(token);
  return jws ? "" : jws.error().detail;
}

TEST(Cookbook, AcceptsTheSignaturesThatAreOffered) {
  PC_REQUIRE_CORPORA();
  for (const std::string_view name :
       {"jws/4_1.rsa_v15_signature.json", "jws/4_2.rsa-pss_signature.json",
        "jws/4_3.ecdsa_signature.json", "curve25519/jws.json"}) {
    const json::Document document = testing::load(testing::corpus("jose-cookbook") / name);
    const json::Value input = *document.root().find("input");
    const json::Value jwk = *input.find("key");
    const auto keys = KeySet::parse(set_of(testing::public_part(jwk)));
    ASSERT_TRUE(keys) << keys.error().detail;
    const std::string_view compact = text(*document.root().find("output"), "compact");
    const auto jws = parse_jws(compact);
    ASSERT_TRUE(jws) << name << ": " << jws.error().detail;
    EXPECT_EQ(jws->payload, text(input, "payload"));
    EXPECT_EQ(algorithm_name(jws->algorithm), text(input, "alg"));
    EXPECT_EQ(check_signature(*jws, *keys, AlgorithmSet::all()).verdict, SignatureVerdict::kValid)
        << name;
    std::string with_private;
    json::append_value(with_private, jwk);
    EXPECT_FALSE(KeySet::parse(set_of(with_private))) << name << ": the private key was published";
  }
}

TEST(Cookbook, RefusesOnPurpose) {
  PC_REQUIRE_CORPORA();
  struct Case {
    std::string_view file;
    std::string_view form;    // member of `output`
    std::string_view detail;  // of the refusal
    std::string_view why;
  };
  // The order of our checks decides which of two reasons is given.
  const Case cases[] = {
      {"jws/4_4.hmac-sha2_integrity_protection.json", "compact", "algorithm",
       "RFC 8725 3.1: HMAC is not among the supported algorithms"},
      {"jws/4_5.signature_with_detached_content.json", "compact", "algorithm",
       "HMAC; the detached payload (RFC 7515 F) would fail next, being empty"},
      {"jws/4_1.rsa_v15_signature.json", "json", "compact serialization",
       "RFC 7519 3: JWTs are always represented using the compact serialization"},
      {"jws/4_1.rsa_v15_signature.json", "json_flat", "compact serialization", "RFC 7519 3"},
      {"jws/4_6.protecting_specific_header_fields.json", "json", "compact serialization",
       "RFC 7519 3"},
      {"jws/4_7.protecting_content_only.json", "json_flat", "compact serialization", "RFC 7519 3"},
      {"jws/4_8.multiple_signatures.json", "json", "compact serialization",
       "RFC 7519 3: the compact serialization has one signature"},
      {"rfc7797/hmac-sha2_b64_false.json", "compact", "parts",
       "RFC 7797 7: JWTs must not use unencoded payloads; this one has spaces in it"},
      {"rfc7797/4.2.hmac-sha2_b64_false.json", "json", "compact serialization", "RFC 7797 7"},
  };
  for (const Case& c : cases) {
    const json::Document document = testing::load(testing::corpus("jose-cookbook") / c.file);
    const json::Value form = *document.root().find("output")->find(c.form);
    std::string token;
    if (const auto compact = form.as_string()) {
      token = *compact;
    } else {
      json::append_value(token, form);
    }
    // The unencoded payload's own characters must not be what saves us.
    if (c.file == "rfc7797/hmac-sha2_b64_false.json") {
      const std::string header = token.substr(0, token.find('.'));
      EXPECT_TRUE(refusal(header + ".AAAA.AAAA").contains("crit")) << c.why;
      EXPECT_FALSE(refusal(token).empty());
      continue;
    }
    EXPECT_TRUE(refusal(token).contains(c.detail))
        << c.file << ": " << refusal(token) << "; " << c.why;
  }
}

TEST(Cookbook, RefusesEveryEncryptedToken) {
  PC_REQUIRE_CORPORA();
  int compact = 0;
  for (const std::string_view folder : {"jwe", "curve25519"}) {
    for (const auto& entry :
         std::filesystem::directory_iterator(testing::corpus("jose-cookbook") / folder)) {
      if (entry.path().extension() != ".json" || entry.path().filename() == "jws.json") continue;
      const json::Document document = testing::load(entry.path());
      const json::Value output = *document.root().find("output");
      if (const auto token = output.find("compact")) {
        EXPECT_TRUE(refusal(token->as_string().value()).contains("JWE")) << entry.path();
        ++compact;
      }
      if (const auto form = output.find("json")) {
        std::string token;
        json::append_value(token, *form);
        EXPECT_FALSE(refusal(token).empty()) << entry.path();
      }
    }
  }
  EXPECT_GE(compact, 9);
  // RFC 7520 6: a signed token inside an encrypted one.
  const json::Document nested =
      testing::load(testing::corpus("jose-cookbook/6.nesting_signatures_and_encryption.json"));
  const std::string_view outer = text(*nested.root().find("encrypt")->find("output"), "compact");
  EXPECT_TRUE(refusal(outer).contains("JWE"));
  const json::Value sign = *nested.root().find("sign");
  const auto inner = parse_jws(text(*sign.find("output"), "compact"));
  ASSERT_TRUE(inner);
  const auto keys = KeySet::parse(set_of(testing::public_part(*sign.find("input")->find("key"))));
  ASSERT_TRUE(keys) << keys.error().detail;
  EXPECT_EQ(check_signature(*inner, *keys, AlgorithmSet::all()).verdict, SignatureVerdict::kValid);
}

TEST(Cookbook, ReadsPublicKeysAndNoOthers) {
  PC_REQUIRE_CORPORA();
  const std::set<std::string> usable = {"3_1.ec_public_key.json", "3_3.rsa_public_key.json"};
  int seen = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(testing::corpus("jose-cookbook/jwk"))) {
    const json::Document document = testing::load(entry.path());
    const std::string name = entry.path().filename();
    EXPECT_EQ(parse_jwk(document.root()).has_value(), usable.contains(name)) << name;
    ++seen;
  }
  EXPECT_EQ(seen, 6);
}

TEST(Rfc7515, ExamplesAreAcceptedButHmacAndNone) {
  PC_REQUIRE_CORPORA();
  const json::Document document =
      testing::load(testing::corpus("rfc-vectors/jws-rfc7515-rfc8037.json"));
  int accepted = 0;
  int refused = 0;
  for (const json::Value example : document.root().find("cases")->elements()) {
    const std::string_view algorithm = text(example, "alg");
    const std::string_view compact = text(example, "compact");
    if (algorithm == "HS256" || algorithm == "none") {
      EXPECT_FALSE(refusal(compact).empty()) << text(example, "source");
      ++refused;
      continue;
    }
    const auto keys = KeySet::parse(set_of(testing::public_part(*example.find("jwk"))));
    ASSERT_TRUE(keys) << keys.error().detail;
    const auto jws = parse_jws(compact);
    ASSERT_TRUE(jws) << jws.error().detail;
    EXPECT_EQ(check_signature(*jws, *keys, AlgorithmSet::all()).verdict, SignatureVerdict::kValid);
    ++accepted;
  }
  EXPECT_EQ(accepted, 2);
  EXPECT_EQ(refused, 2);
}

}  // namespace
}  // namespace portcullis::jose
