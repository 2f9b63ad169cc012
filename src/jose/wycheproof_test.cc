// Project Wycheproof's vectors: every one is run. Where we differ from a verdict, the table below
// says by which sentence.

#include "base/encoding.h"
#include "crypto/keys.h"
#include "jose/jws.h"
#include "jose/testing/corpus.h"

#include <gtest/gtest.h>

#include <map>

namespace portcullis::jose {
namespace {

using crypto::KeyKind;
using crypto::PublicKey;
using testing::text;

struct Tally {
  int run = 0;
  int valid = 0;
};

std::string hex_member(json::Value object, std::string_view name) {
  return decode_hex(text(object, name)).value();
}

// As a Base64urlUInt: the vectors have DER integers, with a zero byte before a set high bit.
std::string unsigned_member(json::Value object, std::string_view name) {
  std::string bytes = hex_member(object, name);
  bytes.erase(0, std::min(bytes.find_first_not_of('\0'), bytes.size()));
  return bytes;
}

std::string coordinate(json::Value object, std::string_view name, std::size_t size) {
  std::string bytes = unsigned_member(object, name);
  return std::string(size - bytes.size(), '\0') + bytes;
}

Tally run_group(json::Value group, const PublicKey& key, SignatureAlgorithm algorithm,
                std::string_view file) {
  Tally tally;
  for (const json::Value test : group.find("tests")->elements()) {
    const bool valid = key.verify(algorithm, hex_member(test, "msg"), hex_member(test, "sig"));
    EXPECT_EQ(valid, text(test, "result") == "valid")
        << file << " " << test.find("tcId")->as_int64().value() << ": " << text(test, "comment");
    ++tally.run;
    tally.valid += valid ? 1 : 0;
  }
  return tally;
}

TEST(Wycheproof, EcdsaInTheFormatOfJose) {
  PC_REQUIRE_CORPORA();
  struct File {
    std::string_view name;
    KeyKind curve;
    SignatureAlgorithm algorithm;
  };
  const File files[] = {
      {"ecdsa_secp256r1_sha256_p1363_test.json", KeyKind::kP256, SignatureAlgorithm::kEs256},
      {"ecdsa_secp384r1_sha384_p1363_test.json", KeyKind::kP384, SignatureAlgorithm::kEs384},
      {"ecdsa_secp521r1_sha512_p1363_test.json", KeyKind::kP521, SignatureAlgorithm::kEs512},
  };
  for (const File& file : files) {
    const json::Document document = testing::load(testing::corpus("wycheproof") / file.name);
    int run = 0;
    for (const json::Value group : document.root().find("testGroups")->elements()) {
      const json::Value numbers = *group.find("publicKey");
      const std::size_t size = crypto::coordinate_size(file.curve);
      const auto key = PublicKey::ec(file.curve, coordinate(numbers, "wx", size),
                                     coordinate(numbers, "wy", size));
      ASSERT_TRUE(key) << key.error().detail;
      run += run_group(group, *key, file.algorithm, file.name).run;
    }
    EXPECT_EQ(run, document.root().find("numberOfTests")->as_int64());
  }
}

// RFC 7518 3.1 has no algorithm over secp256k1 (RFC 8812's ES256K is not offered): its keys are
// refused, so that none of these signatures can be accepted.
TEST(Wycheproof, CurvesThatAreNotOfferedHaveNoKeys) {
  PC_REQUIRE_CORPORA();
  const json::Document document =
      testing::load(testing::corpus("wycheproof") / "ecdsa_secp256k1_sha256_p1363_test.json");
  int refused = 0;
  for (const json::Value group : document.root().find("testGroups")->elements()) {
    const json::Value numbers = *group.find("publicKey");
    EXPECT_FALSE(PublicKey::ec(KeyKind::kP256, coordinate(numbers, "wx", 32),
                               coordinate(numbers, "wy", 32)));
    if (const auto jwk = group.find("publicKeyJwk")) EXPECT_FALSE(parse_jwk(*jwk));
    refused += static_cast<int>(group.find("tests")->size());
  }
  EXPECT_EQ(refused, document.root().find("numberOfTests")->as_int64());
}

TEST(Wycheproof, Ed25519) {
  PC_REQUIRE_CORPORA();
  const json::Document document =
      testing::load(testing::corpus("wycheproof") / "ed25519_test.json");
  int run = 0;
  for (const json::Value group : document.root().find("testGroups")->elements()) {
    const auto key = parse_jwk(*group.find("publicKeyJwk"));
    ASSERT_TRUE(key) << key.error().detail;
    run += run_group(group, key->key, SignatureAlgorithm::kEdDsa, "ed25519").run;
  }
  EXPECT_EQ(run, document.root().find("numberOfTests")->as_int64());
}

Result<PublicKey> rsa_key(json::Value group) {
  const json::Value numbers = *group.find("publicKey");
  return PublicKey::rsa(unsigned_member(numbers, "modulus"),
                        unsigned_member(numbers, "publicExponent"));
}

TEST(Wycheproof, RsaPkcs1) {
  PC_REQUIRE_CORPORA();
  int files = 0;
  for (const std::string_view size : {"2048", "3072", "4096"}) {
    for (const auto& [hash, algorithm] : {std::pair("256", SignatureAlgorithm::kRs256),
                                          std::pair("384", SignatureAlgorithm::kRs384),
                                          std::pair("512", SignatureAlgorithm::kRs512)}) {
      const std::string name = "rsa_signature_" + std::string(size) + "_sha" + hash + "_test.json";
      const json::Document document = testing::load(testing::corpus("wycheproof") / name);
      int run = 0;
      for (const json::Value group : document.root().find("testGroups")->elements()) {
        const auto key = rsa_key(group);
        ASSERT_TRUE(key) << key.error().detail;
        run += run_group(group, *key, algorithm, name).run;
      }
      EXPECT_EQ(run, document.root().find("numberOfTests")->as_int64());
      ++files;
    }
  }
  EXPECT_EQ(files, 9);
}

TEST(Wycheproof, RsaPss) {
  PC_REQUIRE_CORPORA();
  struct File {
    std::string_view name;
    SignatureAlgorithm algorithm;
  };
  const File files[] = {
      {"rsa_pss_2048_sha256_mgf1_32_test.json", SignatureAlgorithm::kPs256},
      {"rsa_pss_3072_sha256_mgf1_32_test.json", SignatureAlgorithm::kPs256},
      {"rsa_pss_4096_sha256_mgf1_32_test.json", SignatureAlgorithm::kPs256},
      {"rsa_pss_2048_sha384_mgf1_48_test.json", SignatureAlgorithm::kPs384},
      {"rsa_pss_4096_sha384_mgf1_48_test.json", SignatureAlgorithm::kPs384},
      {"rsa_pss_4096_sha512_mgf1_64_test.json", SignatureAlgorithm::kPs512},
  };
  for (const File& file : files) {
    const json::Document document = testing::load(testing::corpus("wycheproof") / file.name);
    int run = 0;
    for (const json::Value group : document.root().find("testGroups")->elements()) {
      const auto key = rsa_key(group);
      ASSERT_TRUE(key) << key.error().detail;
      run += run_group(group, *key, file.algorithm, file.name).run;
    }
    EXPECT_EQ(run, document.root().find("numberOfTests")->as_int64());
  }
}

// Signatures that are right under other parameters. RFC 7518 3.5: "the same hash function ... is
// used for both", "The size of the salt value is the same size as the hash function output".
TEST(Wycheproof, RsaPssTakesNoOtherParameters) {
  PC_REQUIRE_CORPORA();
  const json::Document document =
      testing::load(testing::corpus("wycheproof") / "rsa_pss_misc_test.json");
  const std::map<std::string_view, std::pair<SignatureAlgorithm, int>> offered = {
      {"SHA-256", {SignatureAlgorithm::kPs256, 32}},
      {"SHA-384", {SignatureAlgorithm::kPs384, 48}},
      {"SHA-512", {SignatureAlgorithm::kPs512, 64}}};
  int run = 0;
  int accepted = 0;
  for (const json::Value group : document.root().find("testGroups")->elements()) {
    const auto key = rsa_key(group);
    ASSERT_TRUE(key) << key.error().detail;
    for (const json::Value test : group.find("tests")->elements()) {
      for (const auto& [hash, algorithm] : offered) {
        const bool ours = text(group, "sha") == hash && text(group, "mgfSha") == hash &&
                          group.find("sLen")->as_int64() == algorithm.second;
        const bool valid =
            key->verify(algorithm.first, hex_member(test, "msg"), hex_member(test, "sig"));
        EXPECT_EQ(valid, ours) << test.find("tcId")->as_int64().value() << " as " << hash;
        accepted += valid ? 1 : 0;
      }
      ++run;
    }
  }
  EXPECT_EQ(run, document.root().find("numberOfTests")->as_int64());
  EXPECT_GT(accepted, 0);
}

// Whether a JWS vector is accepted with the key or key set that comes with it.
bool accepts(json::Value group, std::string_view compact) {
  const auto given = group.find("public") ? group.find("public") : group.find("private");
  std::string keys;
  if (given->find("keys")) {
    json::append_value(keys, *given);
  } else {
    keys = R"({"keys":[)" + testing::public_part(*given) + "]}";
  }
  const auto set = KeySet::parse(keys);
  if (!set) return false;
  const auto jws = parse_jws(compact);
  return jws &&
         check_signature(*jws, *set, AlgorithmSet::all()).verdict == SignatureVerdict::kValid;
}

constexpr std::string_view kHmac =
    "RFC 8725 3.1: libraries 'MUST enable the caller to specify a supported set of algorithms and "
    "MUST NOT use any other'; ours has no HMAC, which would share the signing key with the gateway";
constexpr std::string_view kPinned =
    "RFC 8725 3.1: 'Each key MUST be used with exactly one algorithm'; the JWK says another";
constexpr std::string_view kNoSuchName =
    "RFC 7518 3.1 registers no `ES521`; RFC 7517 4.4: `alg` identifies the algorithm of the key";

// Vectors called valid that we refuse, and why; by file and number.
void run_jws(std::string_view file, const std::map<std::int64_t, std::string_view>& stricter) {
  const json::Document document = testing::load(testing::corpus("wycheproof") / file);
  int run = 0;
  std::size_t used = 0;
  for (const json::Value group : document.root().find("testGroups")->elements()) {
    const auto key = group.find("private");
    const bool symmetric = key && !group.find("public");
    for (const json::Value test : group.find("tests")->elements()) {
      const std::int64_t id = test.find("tcId")->as_int64().value();
      const auto compact = test.find("jws")->as_string();
      // A few vectors have an object here: the JSON serialization.
      std::string serialized;
      if (!compact) json::append_value(serialized, *test.find("jws"));
      const bool accepted = accepts(group, compact.value_or(serialized));
      const bool valid = text(test, "result") == "valid";
      const auto known = stricter.find(id);
      ++run;
      if (known != stricter.end()) {
        EXPECT_TRUE(valid) << file << " " << id << " is no difference";
        EXPECT_FALSE(accepted) << file << " " << id << ": " << known->second;
        ++used;
      } else if (symmetric) {
        EXPECT_FALSE(accepted) << file << " " << id << ": " << kHmac;
      } else {
        EXPECT_EQ(accepted, valid) << file << " " << id << ": " << text(test, "comment");
      }
    }
  }
  EXPECT_EQ(run, document.root().find("numberOfTests")->as_int64());
  EXPECT_EQ(used, stricter.size());
}

TEST(Wycheproof, JsonWebSignature) {
  PC_REQUIRE_CORPORA();
  run_jws("json_web_signature_test.json",
          {{346, kPinned}, {347, kNoSuchName}, {350, kPinned}, {351, kNoSuchName}});
}

TEST(Wycheproof, JsonWebKey) {
  PC_REQUIRE_CORPORA();
  run_jws("json_web_key_test.json", {});
}

}  // namespace
}  // namespace portcullis::jose
