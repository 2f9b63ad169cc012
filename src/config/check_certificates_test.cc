// Certificates in a configuration: what must stand together, and what would do nothing.
#include "config/load.h"
#include "config/test_sources.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace portcullis::config {
namespace {

// A sound file, of which a test replaces parts.
struct File {
  std::string tls = "certificates: [{ cert: c, key: k }], client_ca: ca.pem, client_crl: ca.crl";
  std::string listeners = "  inside: { address: \"127.0.0.1:81\" }\n";
  std::string mutual_tls = "subject: san.uri, roles: [reader]";
  std::string authenticators;
  std::string authenticate = "[partner]";
  std::string served = "[public]";
  std::string forward = "client_certificate: leaf";
  std::string open = "";
  std::string upstream = "ca: ca.pem, server_name: a.internal, cert: c, key: k";

  [[nodiscard]] std::string text() const {
    return "version: 1\nlisteners:\n  public: { address: \"127.0.0.1:80\", tls: { " + tls +
           " } }\n" + listeners + "authenticators:\n  partner: { mutual_tls: { " + mutual_tls +
           " } }\n" + authenticators +
           "roles: { reader: [get] }\napis:\n  shop:\n    listeners: " + served +
           "\n    upstream: u\n    authenticate: " + authenticate + "\n    forward: { " + forward +
           " }\n    routes:\n      - { path: /x, methods: [GET], operation: get }\n" + open +
           "  other: { listeners: [inside], base_path: /other, upstream: u, authenticate: none, "
           "routes: [{ path: /, "
           "methods: [GET], operation: root }] }\nupstreams:\n  u: { targets: "
           "[\"127.0.0.1:9000\"], tls: { " +
           upstream + " } }\n";
  }
};

struct Checked {
  Diagnostics diagnostics;
  std::optional<Config> config;
};

Checked check(const File& file) {
  Checked checked;
  TestSources sources;
  checked.config = load_text(file.text(), "a.yaml", checked.diagnostics, sources);
  return checked;
}

TEST(Certificates, AreReadAsTheyStand) {
  const Checked checked = check({});
  ASSERT_TRUE(checked.config) << checked.diagnostics.to_string();
  const Config& config = *checked.config;
  ASSERT_TRUE(config.listeners[0].tls);
  EXPECT_TRUE(config.listeners[0].tls->client_ca.value.ends_with("ca.pem"));
  EXPECT_TRUE(config.listeners[0].tls->client_crl.value.ends_with("ca.crl"));
  EXPECT_EQ(config.listeners[0].tls->client_crl.at.line, 3U);
  ASSERT_TRUE(config.authenticators[0].mutual_tls);
  EXPECT_EQ(config.authenticators[0].mutual_tls->subject, CertificateName::kUri);
  EXPECT_EQ(config.authenticators[0].mutual_tls->roles, std::vector<std::string>{"reader"});
  EXPECT_EQ(config.apis[0].forward.client_certificate, ForwardCertificate::kLeaf);
  ASSERT_TRUE(config.upstreams[0].tls);
  EXPECT_EQ(config.upstreams[0].tls->server_name, "a.internal");
}

TEST(Certificates, OfAnUpstreamMayAllBeLeftOut) {
  File file;
  file.upstream = "";
  const Checked checked = check(file);
  ASSERT_TRUE(checked.config) << checked.diagnostics.to_string();
  EXPECT_TRUE(checked.config->upstreams[0].tls);
}

struct Case {
  std::string_view why;
  std::string File::* part;
  std::string text;
  std::string_view key;
  std::string_view message;  // a part of it
};

TEST(Certificates, ThatCouldNotWorkAreErrors) {
  const auto tls = &File::tls;
  const auto upstream = &File::upstream;
  const Case cases[] = {
      {"a list of authorities", tls, "certificates: [{ cert: c, key: k }], client_ca: [a, b]",
       "listeners.public.tls.client_ca", "expected"},
      {"a listener that asks for none", &File::served, "[public, inside]", "apis.shop.authenticate",
       "the listener `inside` asks for none: add `tls.client_ca`"},
      {"no kind of name", &File::mutual_tls, "roles: [reader]", "authenticators.partner.mutual_tls",
       "`subject` is missing"},
      {"a kind that nobody knows", &File::mutual_tls, "subject: san.url",
       "authenticators.partner.mutual_tls.subject", "did you mean `san.uri`?"},
      {"a role that nobody knows", &File::mutual_tls, "subject: san.dns, roles: [raeder]",
       "authenticators.partner.mutual_tls.roles[0]", "did you mean `reader`?"},
      {"a kind of field that nobody knows", &File::forward, "client_certificate: whole",
       "apis.shop.forward.client_certificate", "expected `none`, `leaf` or `chain`"},
      {"our field as an identity field", &File::forward, "identity: { Client-Cert: subject }",
       "apis.shop.forward.identity.Client-Cert", "is set by the gateway itself"},
      {"a certificate without its key", upstream, "cert: c", "upstreams.u.tls.cert", "add `key`"},
      {"a key without its certificate", upstream, "key: k", "upstreams.u.tls.key", "add `cert`"},
      {"a server name with a port", upstream, "server_name: \"a.internal:443\"",
       "upstreams.u.tls.server_name", "without a port"},
      {"a way not to verify", upstream, "verify: false", "upstreams.u.tls", "unknown key"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    File file;
    file.*c.part = c.text;
    const Checked checked = check(file);
    EXPECT_FALSE(checked.config);
    ASSERT_EQ(checked.diagnostics.errors(), 1U) << checked.diagnostics.to_string() << file.text();
    for (const Diagnostic& one : checked.diagnostics.all()) {
      if (one.severity != Severity::kError) continue;
      EXPECT_EQ(one.key, c.key) << one.message;
      EXPECT_TRUE(one.message.contains(c.message)) << one.message;
      EXPECT_NE(one.at.line, 0U);
    }
  }
}

TEST(Certificates, ThatGoNowhereAreAnError) {
  File file;
  file.tls = "certificates: [{ cert: c, key: k }]";
  file.authenticate = "none";
  const Checked checked = check(file);
  ASSERT_EQ(checked.diagnostics.errors(), 1U) << checked.diagnostics.to_string();
  EXPECT_TRUE(checked.diagnostics.to_string().contains(
      "apis.shop.forward.client_certificate: none of the API's listeners"));
}

TEST(Certificates, OfNobodyCannotBeTakenBack) {
  File file;
  file.tls = "certificates: [{ cert: c, key: k }], client_crl: ca.crl";
  file.authenticate = "none";
  file.forward = "";
  const Checked checked = check(file);
  ASSERT_EQ(checked.diagnostics.errors(), 1U) << checked.diagnostics.to_string();
  EXPECT_TRUE(checked.diagnostics.to_string().contains(
      "listeners.public.tls.client_crl: without `client_ca`"));
}

TEST(Certificates, AreNeededWhereARouteSaysSo) {
  File file;
  file.tls = "certificates: [{ cert: c, key: k }]";
  file.authenticate = "none";
  file.forward = "";
  file.open =
      "      - { path: /y, methods: [GET], operation: put, authenticate: [partner] }\n"
      "      - { path: /z, methods: [GET], operation: del, authenticate: [partner] }\n";
  const Checked checked = check(file);
  EXPECT_EQ(checked.diagnostics.errors(), 2U) << checked.diagnostics.to_string();
}

TEST(Certificates, ThatNobodyLooksAtAreRemarked) {
  File file;
  file.authenticate = "none";
  file.forward = "";
  const Checked checked = check(file);
  ASSERT_TRUE(checked.config) << checked.diagnostics.to_string();
  EXPECT_TRUE(checked.diagnostics.to_string().contains(
      "warning: listeners.public.tls.client_ca: clients are asked for certificates that nobody"))
      << checked.diagnostics.to_string();
}

}  // namespace
}  // namespace portcullis::config
