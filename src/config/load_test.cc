#include "config/load.h"

#include "config/test_sources.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace portcullis::config {
namespace {

using namespace std::chrono_literals;

std::string testdata(const std::string& name) {
  return std::string(PORTCULLIS_SOURCE_DIR) + "/src/config/testdata/" + name;
}

// The smallest file that loads.
constexpr std::string_view kSmall =
    "version: 1\n"
    "listeners:\n"
    "  a: { address: \"127.0.0.1:8080\" }\n"
    "apis:\n"
    "  shop:\n"
    "    listeners: [a]\n"
    "    upstream: shop\n"
    "    authenticate: none\n"
    "    routes:\n"
    "      - { path: /, methods: [GET], operation: home }\n"
    "upstreams:\n"
    "  shop: { targets: [\"127.0.0.1:9000\"] }\n";

TEST(Load, ReadsEveryKey) {
  ::setenv("PORTCULLIS_ADMIN_TOKEN", "from the environment", 1);
  Diagnostics diagnostics;
  const auto config = load(testdata("complete.yaml"), diagnostics);
  ASSERT_TRUE(config) << diagnostics.to_string();

  EXPECT_EQ(config->workers, 2U);
  EXPECT_EQ(config->drain_timeout, 20s);
  ASSERT_EQ(config->listeners.size(), 4U);
  const Listener& listener = config->listeners[0];
  EXPECT_EQ(listener.protocols, (std::vector{Protocol::kH2, Protocol::kHttp11}));
  EXPECT_EQ(listener.http2.streams, 64U);
  EXPECT_EQ(listener.http2.resets.count, 100U);
  EXPECT_EQ(listener.http2.control_frames.per, milliseconds(10'000));
  EXPECT_EQ(listener.name, "public");
  EXPECT_EQ(listener.at.line, 8U);
  EXPECT_EQ(listener.address.to_string(), "0.0.0.0:8443");
  ASSERT_TRUE(listener.tls);
  EXPECT_EQ(listener.tls->minimum, TlsVersion::kTls13);
  ASSERT_EQ(listener.tls->certificates.size(), 2U);
  EXPECT_EQ(listener.tls->certificates[1].cert, testdata("certs/files.pem"));
  EXPECT_EQ(listener.tls->certificates[1].at.line, 13U);
  EXPECT_EQ(listener.limits.connections, 10000U);
  EXPECT_EQ(listener.limits.connections_per_address, 128U);
  EXPECT_EQ(listener.limits.head_size, 16384U);
  EXPECT_EQ(listener.limits.head_fields, 64U);
  EXPECT_EQ(listener.limits.head_timeout, 5s);
  EXPECT_EQ(listener.limits.idle_timeout, 60s);
  EXPECT_EQ(listener.limits.body_timeout, 20s);
  EXPECT_EQ(listener.paths.duplicate_slashes, DuplicateSlashes::kMerge);
  EXPECT_EQ(listener.paths.encoded_slash, EncodedSlash::kKeep);
  EXPECT_EQ(listener.paths.path_parameters, PathParameters::kKeep);
  EXPECT_TRUE(config->listeners[1].insecure);
  EXPECT_FALSE(config->listeners[2].tls);

  ASSERT_EQ(config->trusted_proxies.size(), 2U);
  EXPECT_TRUE(config->trusted_proxies[0].contains(*IpAddress::parse("10.1.2.3")));
  ASSERT_TRUE(config->admin);
  EXPECT_EQ(config->admin->token.expose(), "from the environment");

  ASSERT_EQ(config->authenticators.size(), 4U);
  ASSERT_TRUE(config->authenticators[0].jwt);
  const Jwt& staff = *config->authenticators[0].jwt;
  EXPECT_EQ(staff.issuer, "https://login.example.com");
  EXPECT_EQ(staff.audience, (std::vector<std::string>{"shop", "files"}));
  EXPECT_EQ(staff.keys.url, "https://login.example.com/jwks.json");
  EXPECT_EQ(staff.keys.refresh, 5min);
  EXPECT_EQ(staff.keys.stale_for, 12h);
  EXPECT_EQ(staff.algorithms, (std::vector<std::string>{"ES256", "RS256", "EdDSA"}));
  EXPECT_EQ(staff.roles, "realm_access.roles");
  EXPECT_EQ(staff.scopes, "scp");
  EXPECT_EQ(staff.claims.at("tenant"), "org_id");
  EXPECT_EQ(staff.leeway, 10s);
  EXPECT_EQ(staff.maximum_age, 8h);
  const Jwt& partner = *config->authenticators[1].jwt;
  EXPECT_EQ(partner.audience, (std::vector<std::string>{"shop"}));
  EXPECT_EQ(partner.keys.file, testdata("keys/partner.json"));
  EXPECT_EQ(partner.leeway, 30s);
  ASSERT_TRUE(config->authenticators[2].api_key);
  const ApiKeys& machine = *config->authenticators[2].api_key;
  EXPECT_EQ(machine.header, "x-api-key");
  ASSERT_EQ(machine.keys.size(), 1U);
  EXPECT_EQ(machine.keys[0].id, "nightly");
  EXPECT_EQ(machine.keys[0].sha256.size(), 32U);
  EXPECT_EQ(machine.keys[0].sha256.substr(0, 2), "\x9f\x86");
  EXPECT_EQ(machine.keys[0].roles, (std::vector<std::string>{"clerk"}));
  EXPECT_EQ(machine.keys[0].scopes, (std::vector<std::string>{"orders:read"}));
  EXPECT_EQ(machine.keys[0].addresses.size(), 2U);
  EXPECT_EQ(machine.cookie, "__Host-key");
  EXPECT_EQ(machine.query, "api_key");
  EXPECT_EQ(machine.keys[0].expires->time_since_epoch().count(), 1801440000);

  ASSERT_EQ(config->roles.size(), 2U);
  EXPECT_EQ(config->roles[1].permits.size(), 3U);
  ASSERT_EQ(config->limits.size(), 3U);
  EXPECT_EQ(config->limits[0].burst, 400U);
  EXPECT_EQ(config->limits[1].burst, 50U);
  EXPECT_EQ(config->limits[2].name, "checkout");
  EXPECT_EQ(config->limits[2].rate.per, 1min);
  EXPECT_EQ(config->limits[2].key.size(), 2U);

  ASSERT_EQ(config->apis.size(), 3U);
  const Api& shop = config->apis[0];
  EXPECT_EQ(shop.hosts[1].value, "*.shop.example.com");
  EXPECT_EQ(shop.base_path, "/v1");
  EXPECT_EQ(shop.upstream.value, "shop");
  EXPECT_EQ(shop.settings.authenticate->size(), 3U);
  EXPECT_EQ(shop.settings.timeout, 10s);
  EXPECT_EQ(shop.settings.body_size, 2U * 1024 * 1024);
  EXPECT_EQ(shop.settings.retries, 2U);
  EXPECT_EQ(shop.settings.compression, (std::vector{Coding::kZstd, Coding::kBrotli}));
  EXPECT_EQ(shop.settings.decompress->body, CodedBody::kDecode);
  EXPECT_EQ(shop.settings.decompress->ratio, 50U);
  EXPECT_EQ(shop.settings.decompress->size, 2U * 1024 * 1024);
  EXPECT_EQ(shop.forward.authorization, ForwardAuthorization::kKeep);
  ASSERT_EQ(shop.forward.identity.size(), 2U);
  EXPECT_EQ(shop.forward.identity[0].first, "x-user");
  EXPECT_EQ(shop.forward.identity[1].second.value, "claims.tenant");
  ASSERT_EQ(shop.routes.size(), 4U);
  EXPECT_EQ(shop.routes[1].methods, (std::vector<std::string>{"GET"}));
  EXPECT_EQ(shop.routes[1].settings.body_size, 0U);  // from `operations`
  EXPECT_EQ(shop.routes[1].settings.retries, 3U);
  EXPECT_EQ(shop.routes[1].settings.limits[0].value, "checkout");
  EXPECT_TRUE(shop.routes[1].settings.compression->empty());
  EXPECT_EQ(shop.routes[0].settings.decompress->body, CodedBody::kPass);
  EXPECT_EQ(shop.routes[1].settings.decompress->ratio, 5U);
  EXPECT_EQ(shop.routes[2].settings.compression, std::vector{Coding::kGzip});
  EXPECT_EQ(shop.routes[2].settings.decompress->size, 64U * 1024);
  EXPECT_EQ(shop.routes[3].settings.decompress->body, CodedBody::kRefuse);
  EXPECT_EQ(shop.routes[2].settings.timeout, 5s);
  EXPECT_EQ(shop.routes[2].settings.authenticate->at(0).value, "staff");
  ASSERT_TRUE(shop.routes[3].settings.authenticate);
  EXPECT_TRUE(shop.routes[3].settings.authenticate->empty());
  EXPECT_TRUE(config->apis[1].hosts.empty());

  ASSERT_EQ(config->upstreams.size(), 2U);
  EXPECT_EQ(config->upstreams[0].balance, Balance::kLeastRequests);
  EXPECT_EQ(config->upstreams[0].maximum_connections, 64U);
  EXPECT_EQ(config->upstreams[0].connect_timeout, 1s);
  EXPECT_EQ(config->upstreams[0].idle_timeout, 30s);
  EXPECT_TRUE(config->access_log.enabled);
  EXPECT_EQ(config->access_log.to, testdata("logs/access.log"));

  for (const char* name :
       {"complete.yaml", "more/limits.yaml", "certs/shop.pem", "certs/shop.key", "certs/files.pem",
        "certs/files.key", "keys/partner.json", "more/networks.txt", "certs/partners-ca.pem",
        "certs/partners.crl", "certs/internal-ca.pem", "certs/gateway.pem", "certs/gateway.key"})
    EXPECT_EQ(std::ranges::count(config->files, testdata(name)), 1) << name;
  EXPECT_EQ(config->files.size(), 13U);
}

TEST(Load, NotesWhereEachKeyStands) {
  Diagnostics diagnostics;
  ASSERT_TRUE(load_text(kSmall, "small.yaml", diagnostics));
  const struct {
    std::string_view why;
    std::string_view key;
    std::string_view line;
  } cases[] = {
      {"a block's name", "listeners.a", "small.yaml:3"},
      {"a key", "apis.shop.upstream", "small.yaml:7"},
      {"an item of a list", "apis.shop.listeners[0]", "small.yaml:6"},
      {"a block of a list", "apis.shop.routes[0]", "small.yaml:10"},
      {"a key of it", "apis.shop.routes[0].operation", "small.yaml:10"},
      {"what is not written: the block around it", "apis.shop.timeout", "small.yaml:5"},
      {"deeper down", "apis.shop.routes[0].limits[3].x", "small.yaml:10"},
      {"a name that is not there", "limits.flood", ""},
      {"nothing", "", ""},
      {"a name that another begins with", "apis.sho", "small.yaml:4"},
  };
  for (const auto& c : cases) EXPECT_EQ(diagnostics.line_of(c.key), c.line) << c.why;
  EXPECT_TRUE(diagnostics.has_place("apis.shop.upstream"));
  EXPECT_FALSE(diagnostics.has_place("apis.shop.timeout"));
  EXPECT_EQ(diagnostics.place_of("apis.shop.upstream")->column, 15U);
}

TEST(Load, GivesDefaultsToWhatIsLeftOut) {
  Diagnostics diagnostics;
  const auto config = load_text(kSmall, "small.yaml", diagnostics);
  ASSERT_TRUE(config) << diagnostics.to_string();
  EXPECT_EQ(config->workers, 0U);
  EXPECT_EQ(config->drain_timeout, 30s);
  EXPECT_EQ(config->listeners[0].limits.head_size, 32U * 1024);
  EXPECT_FALSE(config->admin);
  EXPECT_EQ(config->upstreams[0].balance, Balance::kRoundRobin);
  EXPECT_EQ(config->access_log.to, "stdout");
  EXPECT_EQ(config->apis[0].forward.authorization, ForwardAuthorization::kRemove);
  EXPECT_FALSE(config->apis[0].settings.timeout);
}

TEST(Load, TakesWordsForWorkersAndTheLog) {
  Diagnostics diagnostics;
  const auto config = load_text(std::string(kSmall) + "workers: auto\nlog: { access: off }\n",
                                "a.yaml", diagnostics);
  ASSERT_TRUE(config) << diagnostics.to_string();
  EXPECT_EQ(config->workers, 0U);
  EXPECT_FALSE(config->access_log.enabled);
}

TEST(Load, SaysWhichFileCannotBeRead) {
  Diagnostics diagnostics;
  EXPECT_FALSE(load("/nowhere/portcullis.yaml", diagnostics));
  EXPECT_EQ(diagnostics.to_string(),
            "/nowhere/portcullis.yaml: error: the file cannot be read: No such file or "
            "directory\n");
  Diagnostics folder;
  EXPECT_FALSE(load("/", folder));
  EXPECT_NE(folder.to_string().find("Is a directory"), std::string::npos);
}

TEST(Load, StopsAtASyntaxErrorWithOneDiagnostic) {
  Diagnostics diagnostics;
  EXPECT_FALSE(load_text("version: 1\nlisteners: [\n", "a.yaml", diagnostics));
  EXPECT_EQ(diagnostics.all().size(), 1U) << diagnostics.to_string();
}

struct SecretCase {
  std::string_view why;
  std::string_view text;
  std::string_view message;  // empty: it loads
};

TEST(Load, TakesSecretsByReferenceOnly) {
  TestSources sources;
  sources.variables = {{"TOKEN", "canary-1"}, {"EMPTY", ""}};
  sources.files = {{"/etc/p/token", "canary-1\n"}, {"/run/token", "canary-1"}, {"/etc/p/no", "\n"}};
  const SecretCase cases[] = {
      {"a variable", "${env:TOKEN}", ""},
      {"a file beside this one, without its last line break", "${file:token}", ""},
      {"a file by its whole path", "${file:/run/token}", ""},
      {"a literal", "canary-2", "a secret may not stand in the file"},
      {"a literal beside a reference", "canary-2${env:TOKEN}", "may not stand in the file"},
      {"unset", "${env:NOTHING}", "`NOTHING` is not set"},
      {"set to nothing", "${env:EMPTY}", "is empty"},
      {"a file that is not there", "${file:missing}", "`/etc/p/missing` cannot be read"},
      {"a file with nothing in it", "${file:no}", "is empty"},
      {"the vault", "${vault:token}", "is not built yet"},
      {"another kind", "${exec:token}", "expected a reference"},
      {"no kind", "${TOKEN}", "expected a reference"},
      {"no name", "${env:}", "expected a reference"},
  };
  for (const SecretCase& c : cases) {
    SCOPED_TRACE(c.why);
    Diagnostics diagnostics;
    const auto config =
        load_text(std::string(kSmall) + "admin:\n  address: \"127.0.0.1:1\"\n  token: \"" +
                      std::string(c.text) + "\"\n",
                  "/etc/p/a.yaml", diagnostics, sources);
    const std::string all = diagnostics.to_string();
    EXPECT_EQ(all.find("canary"), std::string::npos) << all;
    if (c.message.empty()) {
      ASSERT_TRUE(config) << all;
      EXPECT_EQ(config->admin->token.expose(), "canary-1");
    } else {
      EXPECT_FALSE(config);
      ASSERT_EQ(diagnostics.errors(), 1U) << all;
      EXPECT_EQ(all.find("/etc/p/a.yaml:15:10: error: admin.token: "), 0U) << all;
      EXPECT_NE(all.find(c.message), std::string::npos) << all;
    }
  }
}

struct IncludeCase {
  std::string_view why;
  std::map<std::string, std::string> files;
  std::string include;
  std::string_view wanted;  // a part of the one line
};

TEST(Load, RefusesIncludesThatClashOrNeverEnd) {
  std::map<std::string, std::string> chain;
  for (int i = 0; i < 12; ++i)
    chain["/c/" + std::to_string(i) + ".yaml"] = "include: " + std::to_string(i + 1) + ".yaml\n";
  const IncludeCase cases[] = {
      {"missing", {}, "gone.yaml", "/c/a.yaml:13:10: error: include: `/c/gone.yaml` cannot be"},
      {"itself", {}, "a.yaml", "`a.yaml` includes itself"},
      {"itself by another spelling", {}, "../c/./a.yaml", "includes itself"},
      {"in a circle",
       {{"/c/b.yaml", "include: [x/c.yaml]\n"}, {"/c/x/c.yaml", "include: ../b.yaml\n"}},
       "b.yaml",
       "/c/x/c.yaml:1:10: error: include: `../b.yaml` includes itself"},
      {"twice", {{"/c/b.yaml", "workers: 1\n"}}, "[b.yaml, ./b.yaml]", "is included already"},
      {"too deep", chain, "0.yaml", "includes go deeper than 8 files"},
      {"a name in two files",
       {{"/c/b.yaml", "upstreams:\n  shop: { targets: [\"h:1\"] }\n"}},
       "b.yaml",
       "/c/b.yaml:2:3: error: upstreams.shop: `shop` is also defined at /c/a.yaml:12:3"},
      {"a block that has no names in two files",
       {{"/c/b.yaml", "drain_timeout: 1s\n"}, {"/c/d.yaml", "drain_timeout: 2s\n"}},
       "[b.yaml, d.yaml]",
       "/c/d.yaml:1:1: error: drain_timeout: `drain_timeout` is also at /c/b.yaml:1:1"},
      {"another version", {{"/c/b.yaml", "version: 2\n"}}, "b.yaml", "version: expected 1"},
      {"not a mapping", {{"/c/b.yaml", "- a\n"}}, "b.yaml", "/c/b.yaml:1:1: error: expected a"},
      {"not YAML", {{"/c/b.yaml", "a: [\n"}}, "b.yaml", "/c/b.yaml:2:1: error: not valid YAML"},
      {"not a path", {}, "{ a: 1 }", "expected the path of a file"},
      {"a list of something else", {}, "[[a.yaml]]", "include[0]: expected the path"},
      {"an unknown key", {{"/c/b.yaml", "worker: 1\n"}}, "b.yaml", "did you mean `workers`?"},
  };
  for (const IncludeCase& c : cases) {
    SCOPED_TRACE(c.why);
    TestSources sources;
    sources.files = c.files;
    sources.files["/c/a.yaml"] = std::string(kSmall) + "include: " + c.include + "\n";
    Diagnostics diagnostics;
    EXPECT_FALSE(load("/c/a.yaml", diagnostics, sources));
    EXPECT_EQ(diagnostics.errors(), 1U) << diagnostics.to_string();
    EXPECT_NE(diagnostics.to_string().find(c.wanted), std::string::npos) << diagnostics.to_string();
  }
}

TEST(Load, MergesIncludesAndResolvesPathsWhereTheyAreNamed) {
  TestSources sources;
  sources.files = {
      {"etc/a.yaml", std::string(kSmall) + "include: [parts/b.yaml]\n"},
      {"etc/parts/b.yaml",
       "version: 1\n"
       "include: c.yaml\n"
       "admin: { address: \"127.0.0.1:1\", token: \"${file:token}\" }\n"
       "listeners:\n"
       "  tls:\n"
       "    address: \"127.0.0.1:2\"\n"
       "    tls: { certificates: [{ cert: x.pem, key: ../x.key }] }\n"},
      {"etc/parts/token", "t"},
      {"etc/parts/c.yaml", "limits: { flood: { key: client.address, rate: 1/s } }\n"},
  };
  Diagnostics diagnostics;
  const auto config = load("etc/a.yaml", diagnostics, sources);
  ASSERT_TRUE(config) << diagnostics.to_string();
  EXPECT_EQ(config->listeners.size(), 2U);
  EXPECT_EQ(config->limits.size(), 1U);
  EXPECT_EQ(config->admin->token.expose(), "t");
  EXPECT_EQ(config->files,
            (std::vector<std::string>{"etc/a.yaml", "etc/parts/b.yaml", "etc/parts/c.yaml",
                                      "etc/parts/token", "etc/parts/x.pem", "etc/x.key"}));
}

}  // namespace
}  // namespace portcullis::config
