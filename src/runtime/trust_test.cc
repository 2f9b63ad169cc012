#include "runtime/trust.h"

#include "runtime/client_certificate.h"
#include "runtime/testing/certificates.h"

#include <gtest/gtest.h>

#include <string_view>

namespace portcullis::runtime {
namespace {

using testing::Folder;
using testing::Made;
using testing::make_certificate;
using testing::make_list;
using testing::Wanted;

std::shared_ptr<const Trust> trust_in(const std::string& authorities,
                                      const std::string& lists = {}) {
  auto loaded = Authorities::load(authorities);
  PC_CHECK(loaded.has_value());
  std::shared_ptr<const RevocationLists> taken_back;
  if (!lists.empty()) {
    auto read = RevocationLists::load(lists);
    PC_CHECK(read.has_value());
    taken_back = *read;
  }
  return Trust::make(*loaded, taken_back);
}

Result<WallTime> verify(const Trust& trust, const Made& leaf,
                        const std::vector<const Made*>& with) {
  std::vector<CertificatePtr> intermediates;
  for (const Made* one : with) intermediates.push_back(share(one->certificate()));
  return trust.verify(*leaf.certificate(), intermediates);
}

// root - intermediate - leaves, and an authority that nobody asked for.
struct Family {
  Folder folder;
  Made root = make_certificate(folder, {.name = "root", .authority = true});
  Made intermediate = make_certificate(folder, {.name = "intermediate", .authority = true}, &root);
  Made other = make_certificate(folder, {.name = "other", .authority = true});
  Made leaf = make_certificate(folder, {.name = "leaf", .usage = "clientAuth"}, &intermediate);
};

TEST(Trust, RefusesWhatIsNotAClientOfItsAuthorities) {
  const Family f;
  const Folder& folder = f.folder;
  const auto issue = [&](const Wanted& wanted) {
    return make_certificate(folder, wanted, &f.intermediate);
  };
  const auto trust = trust_in(f.root.cert_file());
  EXPECT_TRUE(verify(*trust, f.leaf, {&f.intermediate}));
  struct Case {
    std::string_view why;
    Made leaf;
    std::vector<const Made*> with;
    std::string_view said;
  };
  const Made sub = make_certificate(folder, {.name = "sub"}, &f.intermediate);
  const Case cases[] = {
      {"expired",
       issue({.name = "old", .begins = -100, .ends = -10}),
       {&f.intermediate},
       "expired"},
      {"not yet valid", issue({.name = "new", .begins = 100}), {&f.intermediate}, "not valid yet"},
      {"without its intermediate", issue({.name = "alone"}), {}, "not known"},
      {"of another authority",
       make_certificate(folder, {.name = "stranger"}, &f.other),
       {&f.other},
       "not known"},
      {"signed by itself", make_certificate(folder, {.name = "self"}), {}, "self-signed"},
      {"a server's",
       issue({.name = "server", .usage = "serverAuth"}),
       {&f.intermediate},
       "purpose"},
      {"an intermediate as a client",
       make_certificate(folder, {.name = "ca-leaf", .authority = true}, &f.root),
       {},
       "purpose"},
      {"signed by a leaf",
       make_certificate(folder, {.name = "below"}, &sub),
       {&sub, &f.intermediate},
       "purpose"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const auto verified = verify(*trust, c.leaf, c.with);
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().code, ErrorCode::kCredentialsInvalid);
    EXPECT_TRUE(verified.error().detail.contains(c.said)) << verified.error().detail;
  }
}

TEST(Trust, BelievesAnIntermediateByItself) {
  const Family f;
  const auto trust = trust_in(f.intermediate.cert_file());
  EXPECT_TRUE(verify(*trust, f.leaf, {}));
  const Made sibling = make_certificate(f.folder, {.name = "sibling"}, &f.root);
  EXPECT_FALSE(verify(*trust, sibling, {})) << "the root above it is not believed";
}

TEST(Trust, GoesNoDeeperThanItSays) {
  const Folder folder;
  std::vector<Made> chain;
  chain.push_back(make_certificate(folder, {.name = "root", .authority = true}));
  for (int i = 0; i <= Trust::kMostIntermediates; ++i) {
    const Wanted wanted{.name = "ca" + std::to_string(i), .authority = true};
    chain.push_back(make_certificate(folder, wanted, &chain.back()));
  }
  const auto trust = trust_in(chain.front().cert_file());
  std::vector<const Made*> most;
  for (int i = 1; i <= Trust::kMostIntermediates; ++i) most.push_back(&chain[i]);
  const Made deep = make_certificate(folder, {.name = "deep"}, most.back());
  EXPECT_TRUE(verify(*trust, deep, most));
  most.push_back(&chain.back());
  const Made deeper = make_certificate(folder, {.name = "deeper"}, most.back());
  EXPECT_FALSE(verify(*trust, deeper, most));
}

TEST(Trust, ChecksTheLeafAlwaysAndTheRestWhereThereIsAList) {
  const Family f;
  const Folder& folder = f.folder;
  const Made bad = make_certificate(folder, {.name = "bad"}, &f.intermediate);
  const std::string of_leaves = make_list(folder, "leaves.crl", f.intermediate, {&bad});
  const std::string of_root = make_list(folder, "root.crl", f.root, {});
  const std::string against = make_list(folder, "against.crl", f.root, {&f.intermediate});
  const std::string old = make_list(folder, "old.crl", f.intermediate, {}, -100, -10);
  const std::string old_root = make_list(folder, "old-root.crl", f.root, {}, -100, -10);
  const std::string forged = make_list(folder, "forged.crl", f.other, {});
  struct Case {
    std::string_view why;
    std::vector<std::string> lists;
    const Made& leaf;
    std::string_view said;  // empty: good
  };
  const Case cases[] = {
      {"the leaf's list alone", {of_leaves}, f.leaf, ""},
      {"both lists", {of_leaves, of_root}, f.leaf, ""},
      {"an old list beside a new one", {old, of_leaves}, f.leaf, ""},
      {"taken back", {of_leaves}, bad, "revoked"},
      {"its issuer taken back", {of_leaves, against}, f.leaf, "revoked"},
      {"a list that has run out", {old}, f.leaf, "out of date"},
      {"a list above that has run out", {of_leaves, old_root}, f.leaf, "out of date"},
      {"no list of its issuer", {of_root}, f.leaf, "no revocation list"},
      {"a list of somebody else", {forged}, f.leaf, "no revocation list"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const auto trust =
        trust_in(f.root.cert_file(), testing::join_files(folder, "lists.crl", c.lists));
    const auto verified = verify(*trust, c.leaf, {&f.intermediate});
    EXPECT_EQ(verified.has_value(), c.said.empty());
    if (!verified) EXPECT_TRUE(verified.error().detail.contains(c.said)) << verified.error().detail;
  }
}

TEST(Trust, IsGoodUntilTheFirstOfItsChainOrListsEnds) {
  const Family f;
  const auto without = trust_in(f.root.cert_file());
  const Made brief = make_certificate(f.folder, {.name = "brief", .ends = 100}, &f.intermediate);
  EXPECT_EQ(verify(*without, brief, {&f.intermediate}).value_or(WallTime::max()),
            validity_of(*brief.certificate()).ends);
  const auto with =
      trust_in(f.root.cert_file(),
               testing::join_files(f.folder, "lists.crl",
                                   {make_list(f.folder, "short.crl", f.intermediate, {}, -60, 50),
                                    make_list(f.folder, "else.crl", f.other, {}, -60, 10)}));
  const auto until = verify(*with, f.leaf, {&f.intermediate});
  ASSERT_TRUE(until) << until.error().detail;
  EXPECT_GT(*until, WallClock::now() + std::chrono::seconds(30)) << "the other's list is no matter";
  EXPECT_LT(*until, WallClock::now() + std::chrono::seconds(51));
}

TEST(Trust, IsTheSameForTheSameContent) {
  const Family f;
  const std::string list = make_list(f.folder, "a.crl", f.root, {});
  EXPECT_EQ(trust_in(f.root.cert_file())->digest(), trust_in(f.root.cert_file())->digest());
  EXPECT_NE(trust_in(f.root.cert_file())->digest(), trust_in(f.other.cert_file())->digest());
  EXPECT_NE(trust_in(f.root.cert_file())->digest(), trust_in(f.root.cert_file(), list)->digest());
}

// ---- what the certificate of a connection says and is worth

TEST(CertificateFacts, ReadsNamesAsTheyStand) {
  const Folder folder;
  const Made made = make_certificate(
      folder, {.name = "Bolt, Ltd",
               .alternatives = "URI:spiffe://partner.test/a|b,URI:urn:x,DNS:A.Partner.Test,"
                               "email:ops@partner.test,IP:127.0.0.1"});
  const CertificateFacts facts = CertificateFacts::of(*made.certificate());
  EXPECT_FALSE(facts.has_odd_names);
  EXPECT_EQ(facts.uris, (std::vector<std::string>{"spiffe://partner.test/a|b", "urn:x"}));
  EXPECT_EQ(facts.dns_names, std::vector<std::string>{"a.partner.test"});
  EXPECT_EQ(facts.emails, std::vector<std::string>{"ops@partner.test"});
  EXPECT_EQ(facts.subject, "CN=Bolt\\, Ltd");
}

TEST(CertificateFacts, MarksNamesThatCouldBeReadInTwoWays) {
  const Folder folder;
  using std::string_literals::operator""s;
  const std::pair<std::string_view, Wanted> odd[] = {
      {"NUL in the common name", {.name = "admin\0.test"s}},
      {"a line break in the common name", {.name = "admin\nCN=x"}},
      {"a space in a URI", {.name = "a", .alternatives = "URI:urn:a b"}},
      {"not ASCII in an address", {.name = "b", .alternatives = "email:\xc3\xa9@b.test"}},
      {"longer than a name", {.name = "d", .alternatives = "URI:urn:" + std::string(1100, 'd')}},
  };
  for (const auto& [why, wanted] : odd) {
    SCOPED_TRACE(why);
    const Made made = make_certificate(folder, wanted);
    EXPECT_TRUE(CertificateFacts::of(*made.certificate()).has_odd_names);
  }
  const Made umlaut = make_certificate(folder, {.name = "M\xc3\xbcller"});
  const CertificateFacts plain = CertificateFacts::of(*umlaut.certificate());
  EXPECT_FALSE(plain.has_odd_names) << "a distinguished name may be in any script";
  EXPECT_TRUE(plain.subject.starts_with("CN=M\\")) << plain.subject;
}

TEST(ClientCertificate, StopsHoldingWhenItsTrustChanges) {
  const Family f;
  const auto list = [&](const std::string& name, const std::vector<const Made*>& revoked) {
    return trust_in(f.root.cert_file(), make_list(f.folder, name, f.intermediate, revoked));
  };
  const auto first = list("one.crl", {});
  std::vector<CertificatePtr> intermediates;
  intermediates.push_back(share(f.intermediate.certificate()));
  ClientCertificate client(share(f.leaf.certificate()), std::move(intermediates), "a.test", first,
                           WallTime::max());
  const WallTime now = WallClock::now();
  client.keep_up_with(first);
  EXPECT_TRUE(client.holds(now));
  client.keep_up_with(list("one.crl", {}));
  EXPECT_TRUE(client.holds(now));
  client.keep_up_with(list("two.crl", {&f.leaf}));
  EXPECT_FALSE(client.holds(now));
  EXPECT_TRUE(client.why_refused(now).contains("revoked"));
  client.keep_up_with(first);
  EXPECT_TRUE(client.holds(now)) << "taken back in error, and given again";
  EXPECT_FALSE(client.holds(now + std::chrono::hours(2))) << "the list has run out by then";
  client.keep_up_with(nullptr);
  EXPECT_FALSE(client.holds(now));
}

}  // namespace
}  // namespace portcullis::runtime
