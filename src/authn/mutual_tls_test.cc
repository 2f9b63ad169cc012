#include "authn/mutual_tls.h"

#include "authn/authentication.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace portcullis::authn {
namespace {

using config::CertificateName;
using runtime::CertificateFacts;
using runtime::ClientCertificate;

constexpr WallTime kWall{std::chrono::seconds(1'800'000'000)};
constexpr TimePoint kSteady{std::chrono::seconds(1000)};

CertificateFacts facts_with(std::vector<std::string> uris) {
  CertificateFacts facts;
  facts.uris = std::move(uris);
  facts.dns_names = {"bolt.partner.test"};
  facts.subject = "CN=bolt,O=Partner";
  facts.fingerprint.fill(7);
  facts.validity = {kWall - std::chrono::hours(1), kWall + std::chrono::hours(1)};
  return facts;
}

TEST(NameIn, IsTheOnlyOneOfItsKind) {
  struct Case {
    std::string_view why;
    CertificateFacts facts;
    CertificateName kind;
    std::string_view want;  // empty: refused
  };
  CertificateFacts odd = facts_with({"urn:bolt"});
  odd.has_odd_names = true;
  CertificateFacts nameless = facts_with({});
  nameless.subject.clear();
  const Case cases[] = {
      {"the URI", facts_with({"urn:bolt"}), CertificateName::kUri, "urn:bolt"},
      {"the host", facts_with({}), CertificateName::kDns, "bolt.partner.test"},
      {"the whole name", facts_with({}), CertificateName::kDistinguished, "CN=bolt,O=Partner"},
      {"none", facts_with({}), CertificateName::kUri, ""},
      {"two", facts_with({"urn:a", "urn:b"}), CertificateName::kUri, ""},
      {"the same twice", facts_with({"urn:a", "urn:a"}), CertificateName::kUri, ""},
      {"a mailbox is no host", facts_with({}), CertificateName::kEmail, ""},
      {"an empty name", nameless, CertificateName::kDistinguished, ""},
      {"an odd name", odd, CertificateName::kUri, ""},
      {"an odd name elsewhere", odd, CertificateName::kDistinguished, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const auto name = name_in(c.facts, c.kind);
    EXPECT_EQ(name.has_value(), !c.want.empty());
    if (name) {
      EXPECT_EQ(*name, c.want);
    } else {
      EXPECT_EQ(name.error().code, ErrorCode::kCredentialsInvalid);
    }
  }
}

class MutualTls : public ::testing::Test {
 protected:
  MutualTls() {
    config::Authenticator partner;
    partner.name = "partner";
    partner.mutual_tls = config::MutualTls{CertificateName::kUri, {"clerk"}};
    config::Authenticator other = partner;
    other.name = "other";
    config::Authenticator machine;
    machine.name = "machine";
    config::ApiKey key;
    key.id = "nightly";
    const crypto::Sha256 digest = crypto::sha256("pc_nightly_secret");
    key.sha256.assign(crypto::view(digest));
    machine.api_key.emplace().keys = {key};
    config::Diagnostics diagnostics;
    authenticators_ = Authenticators::compile({partner, other, machine}, RoleTable({"clerk"}),
                                              sources_, 1, diagnostics);
  }

  Door door(const std::vector<std::string>& names, bool good = true) {
    std::vector<config::Text> texts;
    for (const std::string& name : names) texts.push_back({name, {}});
    config::Diagnostics diagnostics;
    Door made =
        Door::compile(authenticators_, texts, "shop", diagnostics, "apis.shop.authenticate");
    EXPECT_EQ(diagnostics.ok(), good);
    return made;
  }

  Result<IdentityRef> ask(const Door& door, const ClientCertificate* certificate,
                          const std::vector<std::pair<std::string, std::string>>& sent = {},
                          WallTime now = kWall) {
    Arena arena;
    http::Request request(arena);
    for (const auto& [name, value] : sent) request.fields.add(name, value);
    const Caller caller{.request = request, .address = {}, .certificate = certificate};
    auto decided = door.try_authenticate(caller, worker_, now, kSteady);
    EXPECT_TRUE(decided);
    return *std::move(decided);
  }

  KeySources sources_{0};
  std::shared_ptr<const Authenticators> authenticators_;
  WorkerState worker_{HashKey{1, 2}};
};

TEST_F(MutualTls, MakesAnIdentityOfTheCertificate) {
  const Door open = door({"partner"});
  EXPECT_TRUE(open.takes_certificates());
  const ClientCertificate shown(facts_with({"urn:bolt"}));
  for (int again = 0; again < 2; ++again) {
    const auto known = ask(open, &shown);
    ASSERT_TRUE(known) << known.error().detail;
    EXPECT_EQ((*known)->kind, Identity::Kind::kCertificate);
    EXPECT_EQ((*known)->subject, "partner|urn:bolt");
    EXPECT_EQ((*known)->authenticator, "partner");
    EXPECT_EQ((*known)->roles, std::vector<std::string>{"clerk"});
    EXPECT_EQ((*known)->role_ids, std::vector<std::uint32_t>{0});
    EXPECT_EQ((*known)->expires, shown.facts().validity.ends);
  }
}

TEST_F(MutualTls, EndsWithTheFirstOfWhatItStandsOn) {
  const Door open = door({"partner"});
  const WallTime leaf = facts_with({}).validity.ends;
  struct Case {
    std::string_view why;
    WallTime good_until;
    WallTime want;
  };
  const Case cases[] = {
      {"a list that ends before it", kWall + std::chrono::minutes(5),
       kWall + std::chrono::minutes(5)},
      {"the next list, for the same certificate", kWall + std::chrono::minutes(30),
       kWall + std::chrono::minutes(30)},
      {"another listener's list", kWall + std::chrono::minutes(1), kWall + std::chrono::minutes(1)},
      {"a list that outlasts it", leaf + std::chrono::hours(1), leaf},
      {"no list", WallTime::max(), leaf},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const ClientCertificate shown(facts_with({"urn:bolt"}), c.good_until);
    const auto known = ask(open, &shown);
    ASSERT_TRUE(known) << known.error().detail;
    EXPECT_EQ((*known)->expires, c.want);
    EXPECT_FALSE(ask(open, &shown, {}, c.want)) << "it has ended";
  }
}

TEST_F(MutualTls, DoesNotTakeOneCertificateForAnother) {
  const Door uri = door({"partner"});
  const Door elsewhere = door({"other"});
  const ClientCertificate shown(facts_with({"urn:bolt"}));
  EXPECT_EQ((*ask(uri, &shown))->subject, "partner|urn:bolt");
  EXPECT_EQ((*ask(elsewhere, &shown))->subject, "other|urn:bolt");
  CertificateFacts facts = facts_with({"urn:nut"});
  facts.fingerprint.fill(8);
  const ClientCertificate second(facts);
  EXPECT_EQ((*ask(uri, &second))->subject, "partner|urn:nut");
}

TEST_F(MutualTls, RefusesWhatItCannotDecide) {
  const Door one = door({"partner"});
  const Door both = door({"partner", "machine"});
  const ClientCertificate good(facts_with({"urn:bolt"}));
  const ClientCertificate several(facts_with({"urn:a", "urn:b"}));
  const std::vector<std::pair<std::string, std::string>> key = {{"x-api-key", "pc_nightly_secret"}};
  const auto later = kWall + std::chrono::hours(1);
  struct Case {
    std::string_view why;
    Result<IdentityRef> got;
    ErrorCode want;
  };
  const Case cases[] = {
      {"no certificate", ask(one, nullptr), ErrorCode::kCredentialsMissing},
      {"an API key that is not accepted here", ask(one, nullptr, key),
       ErrorCode::kCredentialsMissing},
      {"several names", ask(one, &several), ErrorCode::kCredentialsInvalid},
      {"it ends this moment", ask(one, &good, {}, later), ErrorCode::kCredentialsInvalid},
      {"a key too", ask(both, &good, key), ErrorCode::kAmbiguousCredentials},
      {"a bad certificate and a good key", ask(both, &several, key),
       ErrorCode::kAmbiguousCredentials},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    ASSERT_FALSE(c.got);
    EXPECT_EQ(c.got.error().code, c.want) << c.got.error().detail;
  }
  EXPECT_TRUE(ask(both, nullptr, key)) << "without a certificate, the key counts";
  EXPECT_TRUE(ask(one, &good, key)) << "a key that nobody asks for is none";
  EXPECT_EQ((*ask(door({"machine"}), &good, key))->subject, "machine|nightly")
      << "nor is a certificate";
}

TEST_F(MutualTls, SaysInAChallengeWhatItWants) {
  const Door both = door({"partner", "machine"});
  const ClientCertificate several(facts_with({"urn:a", "urn:b"}));
  for (const ClientCertificate* shown :
       {static_cast<const ClientCertificate*>(nullptr), &several}) {
    const auto refused = ask(both, shown);
    ASSERT_FALSE(refused);
    const auto challenges = both.challenges(refused.error());
    EXPECT_EQ(std::ranges::count(challenges, R"(ClientCertificate realm="shop")"), 1);
    EXPECT_EQ(std::ranges::count(challenges, R"(ApiKey realm="shop", header="x-api-key")"), 1);
  }
}

TEST_F(MutualTls, IsTheOnlyOneOfItsRoute) {
  (void)door({"partner", "other"}, false);
  (void)door({"partner", "machine"}, true);
}

}  // namespace
}  // namespace portcullis::authn
