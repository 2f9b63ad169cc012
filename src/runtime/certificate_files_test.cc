#include "runtime/certificate_files.h"

#include "runtime/testing/certificates.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string_view>

namespace portcullis::runtime {
namespace {

using testing::Folder;
using testing::Made;
using testing::make_certificate;
using testing::make_list;

TEST(KeyPair, SaysWhichFileIsWrongAndHow) {
  const Folder folder;
  const TlsCertificate one =
      make_certificate(folder, {.name = "one", .alternatives = "DNS:one.test"}).files();
  const TlsCertificate two =
      make_certificate(folder, {.name = "two", .alternatives = "DNS:two.test"}).files();
  std::ofstream(folder.file("empty.pem")) << "";
  std::ofstream(folder.file("cut.pem")) << "-----BEGIN CERTIFICATE-----\nMIIB\n";
  std::ofstream(folder.file("noise.pem"))
      << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  std::ofstream(folder.file("locked.key"))
      << "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
  std::vector<std::string> many(KeyPair::kMostCertificates + 1, one.cert_file);
  testing::join_files(folder, "many.pem", many);
  struct Case {
    std::string_view why;
    TlsCertificate files;
    std::string_view named;
    std::string_view said;
  };
  const Case cases[] = {
      {"no certificate", {folder.file("none.pem"), one.key_file}, "none.pem", "No such file"},
      {"nothing in it", {folder.file("empty.pem"), one.key_file}, "empty.pem", "no certificate"},
      {"half of one", {folder.file("cut.pem"), one.key_file}, "cut.pem", ""},
      {"no DER in it", {folder.file("noise.pem"), one.key_file}, "noise.pem", ""},
      {"too many", {folder.file("many.pem"), one.key_file}, "many.pem", "more than 16"},
      {"a folder", {folder.file(""), one.key_file}, "", "directory"},
      {"no key", {one.cert_file, folder.file("none.key")}, "none.key", "No such file"},
      {"an encrypted key", {one.cert_file, folder.file("locked.key")}, "locked.key", "encrypted"},
      {"a key for a certificate", {one.key_file, one.key_file}, "one.key", "no certificate"},
      {"a certificate for a key", {one.cert_file, one.cert_file}, "one.pem", "no private key"},
      {"another's key", {one.cert_file, two.key_file}, "two.key", "does not belong"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const auto loaded = KeyPair::load(c.files);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kBadConfig);
    EXPECT_TRUE(loaded.error().detail.contains(c.named)) << loaded.error().detail;
    EXPECT_TRUE(loaded.error().detail.contains(c.said)) << loaded.error().detail;
  }
}

TEST(KeyPair, HoldsForAsLongAsEveryCertificateOfItsChain) {
  const Folder folder;
  const Made root = make_certificate(folder, {.name = "root", .ends = 500, .authority = true});
  const Made leaf = make_certificate(folder, {.name = "leaf", .begins = -20, .ends = 900}, &root);
  const TlsCertificate files{
      testing::join_files(folder, "chain.pem", {leaf.cert_file(), root.cert_file()}),
      leaf.files().key_file};
  const auto pair = KeyPair::load(files);
  ASSERT_TRUE(pair) << pair.error().detail;
  EXPECT_EQ((*pair)->validity().ends, validity_of(*root.certificate()).ends);
  EXPECT_EQ((*pair)->validity().begins, validity_of(*leaf.certificate()).begins);
  EXPECT_EQ((*pair)->certificates().size(), 2U);
  EXPECT_EQ((*pair)->names(), std::vector<std::string>{"leaf"})
      << "the common name, without others";
}

TEST(KeyPair, IsTheSameForTheSameContent) {
  const Folder folder;
  const Made one = make_certificate(folder, {.name = "one"});
  const Made two = make_certificate(folder, {.name = "two"});
  EXPECT_EQ(one.pair()->digest(), one.pair()->digest());
  EXPECT_NE(one.pair()->digest(), two.pair()->digest());
}

TEST(RevocationLists, AreRefusedWhenTheyAreNone) {
  const Folder folder;
  const Made root = make_certificate(folder, {.name = "root", .authority = true});
  std::ofstream(folder.file("empty.crl")) << "";
  std::ofstream(folder.file("noise.crl"))
      << "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
  for (const std::string& file : {folder.file("none.crl"), folder.file("empty.crl"),
                                  folder.file("noise.crl"), root.cert_file()}) {
    const auto loaded = RevocationLists::load(file);
    ASSERT_FALSE(loaded) << file;
    EXPECT_TRUE(loaded.error().detail.contains(file)) << loaded.error().detail;
  }
  const auto good = RevocationLists::load(make_list(folder, "good.crl", root, {}, -60, 700));
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_LT((*good)->validity().ends, WallClock::now() + std::chrono::seconds(701));
}

TEST(Authorities, AreAtLeastOne) {
  const Folder folder;
  const Made root = make_certificate(folder, {.name = "root", .authority = true});
  EXPECT_FALSE(Authorities::load(folder.file("none.pem")));
  EXPECT_FALSE(Authorities::load(root.files().key_file));
  const auto both = Authorities::load(
      testing::join_files(folder, "both.pem", {root.cert_file(), root.cert_file()}));
  ASSERT_TRUE(both);
  EXPECT_EQ((*both)->certificates().size(), 2U);
}

}  // namespace
}  // namespace portcullis::runtime
