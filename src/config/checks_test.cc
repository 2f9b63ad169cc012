// What is wrong with a configuration, and what is only remarkable: each mistake is reported once,
// at its place, with its remedy.
#include "config/load.h"
#include "config/test_sources.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace portcullis::config {
namespace {

// A sound file in blocks that a test replaces one at a time.
struct File {
  std::string top = "version: 1\n";
  std::string listeners = "listeners:\n  a: { address: \"127.0.0.1:8080\" }\n";
  std::string authenticators =
      "authenticators:\n"
      "  key: { api_key: { keys: [{ id: k, hash: "
      "\"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\", roles: "
      "[reader] }] } }\n";
  std::string roles = "roles: { reader: [get, put] }\n";
  std::string limits =
      "limits:\n"
      "  flood: { key: client.address, rate: 200/s }\n"
      "  each: { key: identity.subject, rate: 5/s }\n";
  std::string api = "listeners: [a], upstream: u, authenticate: [key], limits: [flood, each]";
  std::string routes =
      "      - { path: \"/x/{id}\", methods: [GET], operation: get }\n"
      "      - { path: \"/x/{id}\", methods: [PUT], operation: put }\n";
  std::string operations;
  std::string more_apis;
  std::string upstreams = "upstreams:\n  u: { targets: [\"127.0.0.1:9000\"] }\n";
  std::string end;

  [[nodiscard]] std::string text() const {
    std::string settings = "    " + api;
    for (std::size_t at = settings.find(", "); at != std::string::npos;
         at = settings.find(", ", at)) {
      // A comma outside brackets begins a new line.
      const std::string before = settings.substr(0, at);
      const auto open = std::ranges::count_if(before, [](char c) { return c == '[' || c == '{'; });
      const auto closed =
          std::ranges::count_if(before, [](char c) { return c == ']' || c == '}'; });
      if (open == closed)
        settings.replace(at, 2, "\n    ");
      else
        at += 2;
    }
    return top + listeners + authenticators + roles + limits + "apis:\n  shop:\n" + settings +
           "\n    routes:\n" + routes + operations + more_apis + upstreams + end;
  }
};

Diagnostics check(const File& file) {
  TestSources sources;
  Diagnostics diagnostics;
  (void)load_text(file.text(), "a.yaml", diagnostics, sources);
  return diagnostics;
}

TEST(Checks, AcceptTheSoundFile) {
  const Diagnostics diagnostics = check({});
  EXPECT_TRUE(diagnostics.all().empty()) << diagnostics.to_string() << File{}.text();
}

struct Case {
  std::string_view why;
  std::string File::* block;
  std::string text;
  std::string_view key;
  std::string_view message;  // a part of it
};

constexpr std::string_view kRoute = "      - { path: /y, methods: [GET], operation: get";

void expect_one_error(const Case& c) {
  SCOPED_TRACE(c.why);
  File file;
  file.*c.block = c.text;
  const Diagnostics diagnostics = check(file);
  ASSERT_EQ(diagnostics.all().size(), 1U) << diagnostics.to_string() << file.text();
  const Diagnostic& one = diagnostics.all()[0];
  EXPECT_EQ(one.severity, Severity::kError);
  EXPECT_EQ(one.key, c.key) << diagnostics.to_string();
  EXPECT_NE(one.message.find(c.message), std::string::npos) << diagnostics.to_string();
  EXPECT_NE(one.at.line, 0U);
}

TEST(Checks, OfListenersAndTheAdmin) {
  const auto block = &File::listeners;
  const auto end = &File::end;
  const Case cases[] = {
      {"clear text beyond loopback", block, "listeners: { a: { address: \"0.0.0.0:80\" } }\n",
       "listeners.a.address", "`insecure: true`"},
      {"clear text on one address of ours", block,
       "listeners: { a: { address: \"[2001:db8::1]:80\" } }\n", "listeners.a.address",
       "clear text beyond loopback"},
      {"insecure is said and not so", block,
       "listeners: { a: { address: \"127.0.0.1:80\", insecure: true, tls: { certificates: [{ cert: "
       "c, key: k }] } } }\n",
       "listeners.a.insecure", "is not insecure"},
      {"TLS without certificates", block,
       "listeners: { a: { address: \"0.0.0.0:80\", tls: { minimum: \"1.2\" } } }\n",
       "listeners.a.tls", "`certificates` is missing"},
      {"TLS with none", block,
       "listeners: { a: { address: \"0.0.0.0:80\", tls: { certificates: [] } } }\n",
       "listeners.a.tls.certificates", "at least one"},
      {"a certificate without its key", block,
       "listeners: { a: { address: \"0.0.0.0:80\", tls: { certificates: [{ cert: c }] } } }\n",
       "listeners.a.tls.certificates[0]", "`key` is missing"},
      {"an old TLS", block,
       "listeners: { a: { address: \"0.0.0.0:80\", tls: { certificates: [{ cert: c, key: k }], "
       "minimum: \"1.1\" } } }\n",
       "listeners.a.tls.minimum", "expected `1.2` or `1.3`; found `1.1`"},
      {"a name for an address", block, "listeners: { a: { address: \"localhost:80\" } }\n",
       "listeners.a.address", "expected an address and a port"},
      {"two on one address", block,
       "listeners:\n  a: { address: \"127.0.0.1:80\" }\n  b: { address: \"127.0.0.1:80\" }\n",
       "listeners.b.address", "at line 3"},
      {"a protocol twice", block,
       "listeners: { a: { address: \"127.0.0.1:80\", protocols: [h2, h2] } }\n",
       "listeners.a.protocols[1]", "`h2` is there twice"},
      {"no stream at all", block,
       "listeners: { a: { address: \"127.0.0.1:80\", http2: { streams: 0 } } }\n",
       "listeners.a.http2.streams", "from 1 to 10000"},
      {"a number for a rate", block,
       "listeners: { a: { address: \"127.0.0.1:80\", http2: { pings: 20 } } }\n",
       "listeners.a.http2.pings", "expected a rate"},
      {"a protocol that nobody knows", block,
       "listeners: { a: { address: \"127.0.0.1:80\", protocols: [http/3] } }\n",
       "listeners.a.protocols[0]", "expected `http/1.1` or `h2`"},
      {"no address", block, "listeners:\n  a:\n    insecure: true\n", "listeners.a",
       "`address` is missing"},
      {"a head that is too small", block,
       "listeners: { a: { address: \"127.0.0.1:80\", limits: { head_size: 10 } } }\n",
       "listeners.a.limits.head_size", "from 1KiB to 1MiB; found `10`"},
      {"yes is not true", block, "listeners: { a: { address: \"127.0.0.1:80\", insecure: yes } }\n",
       "listeners.a.insecure", "expected `true` or `false`"},
      {"a string is not true", block,
       "listeners: { a: { address: \"127.0.0.1:80\", insecure: \"true\" } }\n",
       "listeners.a.insecure", "without quotes"},
      {"a name with a dot", block,
       "listeners:\n  a: { address: \"127.0.0.1:80\" }\n  b.c: { address: \"127.0.0.1:81\" }\n",
       "listeners.b.c", "a name is letters"},
      {"the admin beyond loopback", end, "admin: { address: \"0.0.0.0:9901\" }\n", "admin.address",
       "not built yet"},
      {"the admin's TLS", end, "admin: { address: \"0.0.0.0:9901\", tls: { client_ca: x } }\n",
       "admin.tls", "`tls` is not built yet"},
      {"a network with host bits", end, "trusted_proxies: [10.0.0.1/8]\n", "trusted_proxies[0]",
       "expected a network"},
      {"a network alone", end, "trusted_proxies: 10.0.0.0/8\n", "trusted_proxies",
       "expected a list of networks"},
      {"too many workers", end, "workers: 257\n", "workers", "from 1 to 256"},
      {"a log that is on", end, "log: { access: on }\n", "log.access", "`off` or a mapping"},
      {"a log in another format", end, "log: { access: { format: text } }\n", "log.access.format",
       "expected `json`"},
  };
  for (const Case& c : cases) expect_one_error(c);
}

TEST(Checks, OfKeysAndValues) {
  const auto end = &File::end;
  const Case cases[] = {
      {"a key that is nearly right", end, "lisetners: {}\n", "",
       "unknown key `lisetners`; did you mean `listeners`?"},
      {"a key that is far off", end, "colour: red\n", "",
       "unknown key `colour`; expected `version`, "},
      {"nothing where a mapping belongs", end, "admin:\n", "admin", "found nothing"},
      {"a list where a mapping belongs", end, "admin: [a]\n", "admin", "found a list"},
      {"a mapping where a duration belongs", end, "drain_timeout: { a: 1 }\n", "drain_timeout",
       "found a mapping"},
      {"a duration without a unit", end, "drain_timeout: 30\n", "drain_timeout",
       "expected a duration such as"},
      {"a duration beyond its bounds", end, "drain_timeout: 2h\n", "drain_timeout",
       "from 0s to 1h; found `2h`"},
      {"another version", &File::top, "version: 2\n", "version", "expected 1; found `2`"},
      {"no version", &File::top, "workers: 1\n", "", "`version` is missing"},
      {"a whole block that is not built", end, "storage: { database: x, wrong: { deep: 1 } }\n",
       "storage", "`storage` is not built yet"},
  };
  for (const Case& c : cases) expect_one_error(c);
}

TEST(Checks, OfAuthenticators) {
  const auto block = &File::authenticators;
  const auto jwt = [](std::string_view changed) {
    return fmt::format("authenticators:\n  key: {{ jwt: {{ {} }} }}\n", changed);
  };
  const auto key = [](std::string_view changed) {
    return fmt::format("authenticators:\n  key: {{ api_key: {{ {} }} }}\n", changed);
  };
  const std::string hash =
      "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  const std::string rest = "audience: x, algorithms: [ES256]";
  const Case cases[] = {
      {"no issuer", block, jwt("keys: { file: f }, " + rest), "authenticators.key.jwt",
       "`issuer` is missing"},
      {"no source of keys", block, jwt("issuer: i, keys: {}, " + rest),
       "authenticators.key.jwt.keys", "expected `url` or `file`"},
      {"two sources of keys", block,
       jwt("issuer: i, keys: { url: \"https://i/k\", file: f }, " + rest),
       "authenticators.key.jwt.keys.file", "remove one of them"},
      {"keys in clear text", block, jwt("issuer: i, keys: { url: \"http://i/k\" }, " + rest),
       "authenticators.key.jwt.keys.url", "use `https://`"},
      {"a file that is refreshed", block, jwt("issuer: i, keys: { file: f, refresh: 5m }, " + rest),
       "authenticators.key.jwt.keys.refresh", "no meaning"},
      {"no algorithm", block, jwt("issuer: i, keys: { file: f }, audience: x, algorithms: []"),
       "authenticators.key.jwt.algorithms", "at least one"},
      {"none", block, jwt("issuer: i, keys: { file: f }, audience: x, algorithms: [none]"),
       "authenticators.key.jwt.algorithms[0]", "expected `RS256`"},
      {"HMAC", block, jwt("issuer: i, keys: { file: f }, audience: x, algorithms: [ES256, HS256]"),
       "authenticators.key.jwt.algorithms[1]", "found `HS256`"},
      {"a misspelt algorithm", block,
       jwt("issuer: i, keys: { file: f }, audience: x, algorithms: [eddsa]"),
       "authenticators.key.jwt.algorithms[0]", "did you mean `EdDSA`?"},
      {"no audience", block, jwt("issuer: i, keys: { file: f }, audience: [], algorithms: [ES256]"),
       "authenticators.key.jwt.audience", "at least one"},
      {"too much leeway", block, jwt("issuer: i, keys: { file: f }, leeway: 6m, " + rest),
       "authenticators.key.jwt.leeway", "from 0s to 5m"},
      {"a path with a hole", block, jwt("issuer: i, keys: { file: f }, roles: a..b, " + rest),
       "authenticators.key.jwt.roles", "dotted path"},
      {"a claim with a bad name", block,
       jwt("issuer: i, keys: { file: f }, claims: { \"a b\": c }, " + rest),
       "authenticators.key.jwt.claims.a b", "a name is"},
      {"a hash that is too short", block, key("keys: [{ id: k, hash: \"sha256:9f86\" }]"),
       "authenticators.key.api_key.keys[0].hash", "64 hexadecimal digits"},
      {"a key in place of its hash", block, key("keys: [{ id: k, hash: pc_k_secret }]"),
       "authenticators.key.api_key.keys[0].hash", "expected `sha256:`"},
      {"an id that is there twice", block,
       key("keys: [{ id: k, hash: \"" + hash + "\" }, { id: k, hash: \"" + hash.substr(0, 70) +
           "0\" }]"),
       "authenticators.key.api_key.keys[1].id", "another key has the id `k`, at line 5"},
      {"a hash that is there twice", block,
       key("keys: [{ id: k, hash: \"" + hash + "\" }, { id: l, hash: \"" + hash + "\" }]"),
       "authenticators.key.api_key.keys[1].hash", "another key has this hash"},
      {"a day that does not exist", block,
       key("keys: [{ id: k, hash: \"" + hash + "\", expires: 2027-02-29 }]"),
       "authenticators.key.api_key.keys[0].expires", "expected a date"},
      {"an unknown role", block, key("keys: [{ id: k, hash: \"" + hash + "\", roles: [raeder] }]"),
       "authenticators.key.api_key.keys[0].roles[0]", "did you mean `reader`?"},
      {"a field that frames", block,
       key("header: Content-Length, keys: [{ id: k, hash: \"" + hash + "\" }]"),
       "authenticators.key.api_key.header", "frames the message"},
      {"a field that is no name", block,
       key("header: \"x key\", keys: [{ id: k, hash: \"" + hash + "\" }]"),
       "authenticators.key.api_key.header", "the name of a field"},
      {"the Cookie field as a whole", block,
       key("header: Cookie, keys: [{ id: k, hash: \"" + hash + "\" }]"),
       "authenticators.key.api_key.header", "say `cookie: NAME` instead"},
      {"a cookie that is no name", block,
       key("cookie: \"a=b\", keys: [{ id: k, hash: \"" + hash + "\" }]"),
       "authenticators.key.api_key.cookie", "the name of a cookie"},
      {"a parameter that must be spelled", block,
       key("query: \"api key\", keys: [{ id: k, hash: \"" + hash + "\" }]"),
       "authenticators.key.api_key.query", "the name of a parameter"},
      {"a scope with a space", block,
       key("keys: [{ id: k, hash: \"" + hash + "\", scopes: [\"a b\"] }]"),
       "authenticators.key.api_key.keys[0].scopes", "no spaces"},
      {"an address with bits too many", block,
       key("keys: [{ id: k, hash: \"" + hash + "\", addresses: [10.0.0.1/8] }]"),
       "authenticators.key.api_key.keys[0].addresses[0]", "without bits beyond its length"},
      {"no address at all, which is not every address", block,
       key("keys: [{ id: k, hash: \"" + hash + "\", addresses: [] }]"),
       "authenticators.key.api_key.keys[0].addresses", "at least one"},
      {"no kind", block, "authenticators:\n  key: {}\n", "authenticators.key",
       "expected `jwt`, `api_key` or `mutual_tls`"},
      {"a kind to come, and no follow-up", block,
       "authenticators:\n  key: { openid_connect: { issuer: x } }\n",
       "authenticators.key.openid_connect", "is not built yet"},
  };
  for (const Case& c : cases) expect_one_error(c);

  // No message shows what stands where a hash belongs.
  File file;
  file.authenticators = key("keys: [{ id: k, hash: pc_k_secret }]");
  EXPECT_EQ(check(file).to_string().find("pc_k"), std::string::npos);
}

TEST(Checks, WarnOfKeysInTheQueryAndKnowTheField) {
  const auto keys = [](std::string_view places) {
    File file;
    file.authenticators = fmt::format(
        "authenticators:\n  key: {{ api_key: {{ {} keys: [{{ id: k, hash: \"sha256:{}\", roles: "
        "[reader] }}] }} }}\n",
        places, std::string(64, 'a'));
    return check(file);
  };
  EXPECT_EQ(keys("").to_string().find("query"), std::string::npos);
  EXPECT_EQ(keys("cookie: k,").to_string().find("query"), std::string::npos);
  const Diagnostics diagnostics = keys("query: api_key,");
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.to_string();
  EXPECT_TRUE(
      diagnostics.to_string().contains("warning: authenticators.key.api_key.query: keys in"))
      << diagnostics.to_string();
}

TEST(Checks, OfRolesAndLimits) {
  const auto roles = &File::roles;
  const auto limits = &File::limits;
  const auto limit = [](std::string_view first) {
    return fmt::format(
        "limits:\n  flood: {{ {} }}\n  each: {{ key: identity.subject, rate: 5/s }}\n", first);
  };
  const Case cases[] = {
      {"neither role nor operation", roles, "roles: { reader: [get, putt] }\n", "roles.reader[1]",
       "did you mean `put`?"},
      {"an unknown API", roles, "roles: { reader: [shoop.get, put] }\n", "roles.reader[0]",
       "unknown API `shoop`; did you mean `shop`?"},
      {"an operation that the API lacks", roles, "roles: { reader: [shop.gte, put] }\n",
       "roles.reader[0]", "has no operation `gte`; did you mean `get`?"},
      {"itself", roles, "roles: { reader: [get, put, reader] }\n", "roles.reader[2]",
       "includes itself"},
      {"a circle", roles, "roles: { reader: [get, b], b: [c], c: [put, reader] }\n", "roles.c[1]",
       "`reader` includes `c` in turn"},
      {"a role and an operation", roles, "roles: { reader: [get, put], get: [put] }\n",
       "roles.reader[0]", "is a role and an operation of `shop`: write `shop.get`"},
      {"twice in one role", roles, "roles: { reader: [get, get] }\n", "roles.reader[1]",
       "is there twice"},
      {"not a list", roles, "roles: { reader: get }\n", "roles.reader", "a list of strings"},
      {"a part that nobody knows", limits, limit("key: client.adress, rate: 1/s"),
       "limits.flood.key", "did you mean `client.address`?"},
      {"no rate", limits, limit("key: client.address"), "limits.flood", "`rate` is missing"},
      {"a rate without a time", limits, limit("key: client.address, rate: 200"),
       "limits.flood.rate", "expected a rate such as"},
      {"no key", limits, limit("rate: 1/s"), "limits.flood", "`key` is missing"},
      {"a quota, and no follow-up", limits, limit("key: client.address, quota: 100/month"),
       "limits.flood.quota", "is not built yet"},
      {"a burst of nothing", limits, limit("key: client.address, rate: 1/s, burst: 0"),
       "limits.flood.burst", "from 1 to"},
      {"a claim that nobody has", limits, limit("key: identity.claims.tenant, rate: 1/s"),
       "limits.flood.key", "no authenticator has the claim `tenant`"},
  };
  for (const Case& c : cases) expect_one_error(c);
}

TEST(Checks, OfApis) {
  const auto api = &File::api;
  const auto more = &File::more_apis;
  const std::string rest = "upstream: u, authenticate: [key], limits: [flood, each]";
  const std::string from_a = "listeners: [a], " + rest;
  const std::string second =
      "  other:\n    listeners: [a]\n    upstream: u\n    authenticate: none\n    routes:\n"
      "      - { path: /z, methods: [GET], operation: z }\n";
  const Case cases[] = {
      {"an unknown listener", api, "listeners: [b], " + rest, "apis.shop.listeners[0]",
       "unknown listener `b`"},
      {"an unknown upstream", api,
       "listeners: [a], upstream: up, authenticate: [key], limits: [flood, each]",
       "apis.shop.upstream", "unknown upstream `up`"},
      {"an unknown authenticator", api,
       "listeners: [a], upstream: u, authenticate: [keys], limits: [flood, each]",
       "apis.shop.authenticate[0]", "unknown authenticator `keys`; did you mean `key`?"},
      {"an unknown limit", api,
       "listeners: [a], upstream: u, authenticate: [key], limits: [floood, each]",
       "apis.shop.limits[0]", "unknown limit `floood`; did you mean `flood`?"},
      {"no listener", api, "listeners: [], " + rest, "apis.shop.listeners", "at least one"},
      {"nobody is asked", api, "listeners: [a], upstream: u, limits: [flood, each]", "apis.shop",
       "write `authenticate: none`"},
      {"an empty list of authenticators", api,
       "listeners: [a], upstream: u, authenticate: [], limits: [flood, each]",
       "apis.shop.authenticate", "expected `none`"},
      {"none among others", api,
       "listeners: [a], upstream: u, authenticate: [key, none], limits: [flood, each]",
       "apis.shop.authenticate[1]", "`none` stands alone"},
      {"a limit by identity on an open API", api,
       "listeners: [a], upstream: u, authenticate: none, limits: [flood, each]", "apis.shop.limits",
       "counts by identity"},
      {"a host with a port", api, "hosts: [\"a.example:80\"], " + from_a, "apis.shop.hosts[0]",
       "without a port"},
      {"a star in the middle", api, "hosts: [\"a.*.example\"], " + from_a, "apis.shop.hosts[0]",
       "expected a host"},
      {"a star alone", api, "hosts: [\"*\"], " + from_a, "apis.shop.hosts[0]", "expected a host"},
      {"a base with a slash at its end", api, "base_path: /v1/, " + from_a, "apis.shop.base_path",
       "must not end with `/`"},
      {"a base with a parameter", api, "base_path: \"/{v}\", " + from_a, "apis.shop.base_path",
       "not allowed in a path"},
      {"a coding that we do not have", api, "compression: [deflate], " + from_a,
       "apis.shop.compression[0]", "expected `br`, `gzip` or `zstd`; found `deflate`"},
      {"a coding that is there twice", api, "compression: [br, gzip, br], " + from_a,
       "apis.shop.compression[2]", "`br` is there twice"},
      {"none in a list of codings", api, "compression: [none], " + from_a,
       "apis.shop.compression[0]", "expected `br`, `gzip` or `zstd`; found `none`"},
      {"no coding", api, "compression: [], " + from_a, "apis.shop.compression",
       "expected `none`, or a list such as `[br]` of `br`, `gzip` or `zstd`"},
      {"a coding without its list", api, "compression: gzip, " + from_a, "apis.shop.compression",
       "expected `none`, or a list such as `[br]` of `br`, `gzip` or `zstd`; found `gzip`"},
      {"codings of a mapping", api, "compression: { br: true }, " + from_a, "apis.shop.compression",
       "expected `none`, or a list"},
      {"decoding switched on by a word", api, "decompress: on, " + from_a, "apis.shop.decompress",
       "expected `none` or `refuse`, or a mapping; found `on`"},
      {"decoding by a list", api, "decompress: [gzip], " + from_a, "apis.shop.decompress",
       "expected `none` or `refuse`, or a mapping; found"},
      {"decoding to no size", api, "decompress: { size: 0 }, " + from_a,
       "apis.shop.decompress.size", "expected a size in bytes"},
      {"decoding to no ratio", api, "decompress: { ratio: 0 }, " + from_a,
       "apis.shop.decompress.ratio", "expected a whole number from 1 to 100000"},
      {"a ratio with a colon", api, "decompress: { ratio: \"20:1\" }, " + from_a,
       "apis.shop.decompress.ratio", "expected a whole number"},
      {"a bound that does not exist", api, "decompress: { sise: 1MiB }, " + from_a,
       "apis.shop.decompress", "unknown key `sise`; did you mean `size`?"},
      {"a document, and no follow-up", api, "openapi: shop.yaml, " + from_a, "apis.shop.openapi",
       "is not built yet"},
      {"a field that is the gateway's", api,
       "forward: { identity: { X-Forwarded-For: subject } }, " + from_a,
       "apis.shop.forward.identity.X-Forwarded-For", "is set by the gateway itself"},
      {"a field that is the gateway's, as some servers read it", api,
       "forward: { identity: { x_forwarded_for: subject } }, " + from_a,
       "apis.shop.forward.identity.x_forwarded_for", "is set by the gateway itself"},
      {"a field that frames", api, "forward: { identity: { host: subject } }, " + from_a,
       "apis.shop.forward.identity.host", "frames the message"},
      {"a part of nobody", api, "forward: { identity: { x-user: subjet } }, " + from_a,
       "apis.shop.forward.identity.x-user", "did you mean `subject`?"},
      {"a field in two spellings", api,
       "forward: { identity: { x-user: subject, X-User: key } }, " + from_a,
       "apis.shop.forward.identity.X-User", "is there twice"},
      {"a field in two spellings that some servers take for one", api,
       "forward: { identity: { x-user: subject, x_user: key } }, " + from_a,
       "apis.shop.forward.identity.x_user", "is there twice"},
      {"a claim that nobody has", api, "forward: { identity: { x-t: claims.tenant } }, " + from_a,
       "apis.shop.forward.identity.x-t", "no authenticator has the claim"},
      {"too many retries", api, "retries: 11, " + from_a, "apis.shop.retries", "from 0 to 10"},
      {"an API where another is", more, second, "apis.other",
       "the API `shop` has every host without a base_path on the listener"},
  };
  for (const Case& c : cases) expect_one_error(c);
}

TEST(Checks, OfRoutesAndOperations) {
  const auto routes = &File::routes;
  const auto operations = &File::operations;
  const std::string put = "      - { path: \"/x/{id}\", methods: [PUT], operation: put }\n";
  const auto first = [&](std::string_view route) {
    return fmt::format("      - {{ {} }}\n", route) + put;
  };
  const std::string base = std::string(kRoute);
  const Case cases[] = {
      {"a path without its slash", routes, first("path: x, methods: [GET], operation: get"),
       "apis.shop.routes[0].path", "must begin with `/`"},
      {"a parameter in half a segment", routes,
       first("path: \"/x{id}\", methods: [GET], operation: get"), "apis.shop.routes[0].path",
       "takes a whole segment"},
      {"a wildcard", routes, first("path: \"/*\", methods: [GET], operation: get"),
       "apis.shop.routes[0].path", "there are no wildcards"},
      {"a method in lower case", routes, first("path: /y, methods: [get], operation: get"),
       "apis.shop.routes[0].methods[0]", "did you mean `GET`?"},
      {"a tunnel", routes, first("path: /y, methods: [CONNECT], operation: get"),
       "apis.shop.routes[0].methods[0]", "found `CONNECT`"},
      {"no methods", routes, first("path: /y, methods: [], operation: get"),
       "apis.shop.routes[0].methods", "at least one"},
      {"the same shape and method", routes,
       base + " }\n" + put + "      - { path: /y, methods: [PUT, GET], operation: third }\n",
       "apis.shop.routes[2]", "another route takes `GET /y`, at line"},
      {"the same shape by another name", routes,
       base + " }\n" + put + "      - { path: \"/x/{other}\", methods: PUT, operation: third }\n",
       "apis.shop.routes[2]", "another route takes `PUT /x/{}`"},
      {"the same operation", routes,
       base + " }\n" + put + "      - { path: /z, methods: PUT, operation: put }\n",
       "apis.shop.routes[2].operation", "another route is the operation `put`"},
      {"an operation that is no name", routes, first("path: /y, methods: [GET], operation: get.it"),
       "apis.shop.routes[0].operation", "a name is letters"},
      {"a limit by identity on an open route", routes,
       base + ", authenticate: none, limits: [each] }\n" + put, "apis.shop.routes[0].limits",
       "counts by identity"},
      {"an operation that no route has", operations, "    operations: { putt: { timeout: 1s } }\n",
       "apis.shop.operations.putt", "no route has the operation `putt`; did you mean `put`?"},
      {"an unknown authenticator of an operation", operations,
       "    operations: { put: { authenticate: [nobody] } }\n",
       "apis.shop.operations.put.authenticate[0]", "unknown authenticator `nobody`"},
      {"an operation's ownership", operations, "    operations: { put: { own: none } }\n",
       "apis.shop.operations.put.own", "is not built yet"},
      {"a key that is there twice", operations,
       "    operations: { put: { timeout: 1s }, put: { timeout: 2s } }\n", "", "duplicate key"},
  };
  for (const Case& c : cases) expect_one_error(c);

  File twice;
  twice.routes = first("path: /y, methods: [GET], operation: get, timeout: 1s");
  twice.operations = "    operations: { get: { timeout: 2s } }\n";
  const Diagnostics diagnostics = check(twice);
  ASSERT_EQ(diagnostics.errors(), 1U) << diagnostics.to_string();
  EXPECT_EQ(diagnostics.all()[0].key, "apis.shop.operations.get.timeout");
}

TEST(Checks, AskForTheFullNameWhenTwoApisHaveAnOperation) {
  File file;
  file.more_apis =
      "  other:\n    listeners: [a]\n    base_path: /o\n    upstream: u\n    authenticate: [key]\n"
      "    routes:\n      - { path: /z, methods: [GET], operation: get }\n";
  const Diagnostics ambiguous = check(file);
  ASSERT_EQ(ambiguous.errors(), 1U) << ambiguous.to_string();
  EXPECT_EQ(ambiguous.all()[0].key, "roles.reader[0]");
  EXPECT_NE(ambiguous.all()[0].message.find("write `other.get` or `shop.get`"), std::string::npos);

  file.roles = "roles: { reader: [shop.get, other.get, put] }\n";
  EXPECT_TRUE(check(file).all().empty()) << check(file).to_string();
}

TEST(Checks, OfUpstreams) {
  const auto block = &File::upstreams;
  const auto targets = [](std::string_view list) {
    return fmt::format("upstreams:\n  u: {{ targets: [{}] }}\n", list);
  };
  const Case cases[] = {
      {"no target", block, targets(""), "upstreams.u.targets", "at least one"},
      {"no port", block, targets("a.internal"), "upstreams.u.targets[0]", "expected `host:port`"},
      {"a URL", block, targets("\"http://a:80\""), "upstreams.u.targets[0]",
       "expected `host:port`"},
      {"an address that is none", block, targets("\"10.0.0.300:80\""), "upstreams.u.targets[0]",
       "expected `host:port`"},
      {"a socket that is not absolute", block, targets("\"a:1\", \"unix:run/a.sock\""),
       "upstreams.u.targets[1]", "an absolute path"},
      {"a socket of no name", block, targets("\"unix:\""), "upstreams.u.targets[0]",
       "an absolute path"},
      {"a socket in the abstract namespace", block, targets("\"unix:@a\""),
       "upstreams.u.targets[0]", "an absolute path"},
      {"a socket whose path is too long", block, targets("\"unix:/" + std::string(107, 'a') + "\""),
       "upstreams.u.targets[0]", "at most 107 bytes, this has 108"},
      {"an address that is not allowed", block,
       "upstreams: { u: { targets: [\"a:1\", \"10.1.0.1:1\"], allow_addresses: [10.0.0.0/16] } }\n",
       "upstreams.u.targets[1]", "`10.1.0.1` is not among `allow_addresses`"},
      {"a PROXY header of version 3", block,
       "upstreams: { u: { targets: [\"a:1\"], proxy_protocol: v3 } }\n",
       "upstreams.u.proxy_protocol", "expected `none`, `v1` or `v2`"},
      {"probes of nothing", block, "upstreams: { u: { targets: [\"a:1\"], health: {} } }\n",
       "upstreams.u.health", "`path`"},
      {"probes of a URL", block,
       "upstreams: { u: { targets: [\"a:1\"], health: { path: \"http://a/\" } } }\n",
       "upstreams.u.health.path", "expected a path such as `/healthz`"},
      {"a probe that smuggles a field", block,
       "upstreams: { u: { targets: [\"a:1\"], health: { path: \"/ HTTP/1.1\\r\\nX: y\" } } }\n",
       "upstreams.u.health.path", "expected a path such as `/healthz`"},
      {"probes without a pause", block,
       "upstreams: { u: { targets: [\"a:1\"], health: { path: /, every: 10ms } } }\n",
       "upstreams.u.health.every", "100ms"},
      {"ejected for no time", block,
       "upstreams: { u: { targets: [\"a:1\"], eject: { for: 0s } } }\n", "upstreams.u.eject.for",
       "100ms"},
      {"ejected without an error", block,
       "upstreams: { u: { targets: [\"a:1\"], eject: { consecutive_errors: 0 } } }\n",
       "upstreams.u.eject.consecutive_errors", "from 1 to 1000"},
      {"a resolver by name", &File::end, "resolver: dns.internal\n", "resolver[0]",
       "expected the address of a DNS server"},
      {"PROXY headers of nobody", &File::listeners,
       "listeners:\n  a: { address: \"127.0.0.1:8080\", proxy_protocol: true }\n",
       "listeners.a.proxy_protocol", "name the proxies in `trusted_proxies`"},
      {"a target that is there twice", block, targets("\"a:1\", \"a:1\""), "upstreams.u.targets[1]",
       "is there twice"},
      {"a balance to come", block, "upstreams: { u: { targets: [\"a:1\"], balance: peak_ewma } }\n",
       "upstreams.u.balance", "`peak_ewma` is not built yet"},
      {"a balance of nobody", block, "upstreams: { u: { targets: [\"a:1\"], balance: random } }\n",
       "upstreams.u.balance", "expected `round_robin` or `least_requests`"},
      {"a protocol that nobody knows", block,
       "upstreams: { u: { targets: [\"a:1\"], protocol: http/3 } }\n", "upstreams.u.protocol",
       "expected `http/1.1` or `h2`"},
      {"a header of one client on a connection of many", block,
       "upstreams: { u: { targets: [\"a:1\"], protocol: h2, proxy_protocol: v2 } }\n",
       "upstreams.u.proxy_protocol", "an h2 connection is shared by many clients"},
      {"no connections", block,
       "upstreams: { u: { targets: [\"a:1\"], connections: { maximum: 0 } } }\n",
       "upstreams.u.connections.maximum", "from 1 to 65535"},
  };
  for (const Case& c : cases) expect_one_error(c);
}

TEST(Checks, RemarkWhatIsOpenUnusedAndOutOfReach) {
  File file;
  file.listeners += "  spare: { address: \"127.0.0.1:8081\" }\n";
  file.limits += "  spare: { key: operation, rate: 1/s }\n";
  file.upstreams += "  spare: { targets: [\"a:1\"] }\n";
  file.roles = "roles: { reader: [get] }\n";
  file.routes += "      - { path: /up, methods: [GET], operation: up, authenticate: none }\n";
  const Diagnostics diagnostics = check(file);
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.to_string();
  std::set<std::string> got;
  for (const Diagnostic& one : diagnostics.all())
    got.insert((one.severity == Severity::kNote ? "note " : "warning ") + one.key + " " +
               one.message);
  const std::string open =
      "`shop.up` is open: anyone can call it; its callers share one bucket of `each`";
  const std::set<std::string> wanted = {
      "warning listeners.spare no API is served by this listener",
      "warning upstreams.spare no API uses this upstream",
      "warning limits.spare no API uses this limit",
      "warning apis.shop.routes[1] nobody can call `shop.put`: no role permits it",
      "note apis.shop.routes[2] " + open,
  };
  EXPECT_EQ(got, wanted);
}

// Every marked line has the mistakes that its mark counts, and no other line has one.
TEST(Checks, ReportFortyMistakesAtOnce) {
  const std::string text =
      "version: 2                                    #1\n"
      "workers: many                                 #1\n"
      "drain_timeout: 30                             #1\n"
      "colour: red                                   #1\n"
      "storage: { database: x }                      #1\n"
      "listeners:\n"
      "  a: { address: \"127.0.0.1\" }               #1\n"
      "  b:                                          #1\n"
      "    insecure: maybe                           #1\n"
      "    limits: { head_size: 1, head_fields: 0 }  #2\n"
      "    paths: { duplicate_slashes: keep }        #1\n"
      "  c: { address: \"0.0.0.0:80\" }              #1\n"
      "  d: { adress: \"127.0.0.1:80\" }             #2\n"
      "trusted_proxies: [10.0.0.1/8, elsewhere]      #2\n"
      "admin:\n"
      "  address: \"0.0.0.0:9901\"                   #1\n"
      "  token: hunter2                              #1\n"
      "authenticators:\n"
      "  j:\n"
      "    jwt:                                      #1\n"
      "      audience: []                            #1\n"
      "      keys: { url: \"http://a.example\" }     #1\n"
      "      algorithms: [HS256, none]               #2\n"
      "      leeway: 10m                             #1\n"
      "  k: {}                                       #1\n"
      "roles:\n"
      "  r: [r, nothing]                             #2\n"
      "limits:\n"
      "  l: { key: client.name, rate: often }        #2\n"
      "apis:\n"
      "  shop:\n"
      "    listeners: [e]                            #1\n"
      "    upstream: v                               #1\n"
      "    hosts: [\"*\"]                            #1\n"
      "    base_path: v1                             #1\n"
      "    authenticate: [m]                         #1\n"
      "    limits: [n]                               #1\n"
      "    routes:\n"
      "      - { path: y, methods: [GTE], operation: o }  #2\n"
      "      - { path: /z, methods: [GET], operation: p, timeout: 1 }  #1\n"
      "    operations:\n"
      "      q: { retries: 99 }                      #2\n"
      "upstreams:\n"
      "  u: { targets: [nowhere], balance: random }  #2\n"
      "log: { access: maybe }                        #1\n";
  std::map<std::uint32_t, int> wanted;
  std::uint32_t line = 0;
  int total = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    ++line;
    const std::string one = text.substr(at, text.find('\n', at) - at);
    if (const std::size_t mark = one.rfind('#'); mark != std::string::npos)
      wanted[line] = one[mark + 1] - '0';
    total += wanted.contains(line) ? wanted[line] : 0;
  }
  EXPECT_GE(total, 40);

  Diagnostics diagnostics;
  EXPECT_FALSE(load_text(text, "a.yaml", diagnostics));
  std::map<std::uint32_t, int> got;
  for (const Diagnostic& one : diagnostics.all()) ++got[one.at.line];
  EXPECT_EQ(got, wanted) << diagnostics.to_string();
  EXPECT_EQ(diagnostics.to_string().find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace portcullis::config
