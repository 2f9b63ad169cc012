// What is read of shaping.h, and each mistake in it, at its place, with its remedy.
#include "config/shaping.h"

#include "config/load.h"
#include "config/origins.h"
#include "config/rewrites.h"
#include "config/test_sources.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace portcullis::config {
namespace {

using namespace std::chrono_literals;

TEST(ReadOrigin, WritesOriginsAsBrowsersDo) {
  const std::pair<std::string_view, std::string_view> good[] = {
      {"https://app.example.com", "https://app.example.com"},
      {"HTTPS://App.Example.COM", "https://app.example.com"},
      {"https://app.example.com:443", "https://app.example.com"},
      {"http://app.example.com:80", "http://app.example.com"},
      {"https://app.example.com:80", "https://app.example.com:80"},
      {"http://localhost:3000", "http://localhost:3000"},
      {"http://127.0.0.1:3000", "http://127.0.0.1:3000"},
      {"http://[2001:DB8:0::1]:3000", "http://[2001:db8::1]:3000"},
      {"http://[::1]", "http://[::1]"},
      {"capacitor://localhost", "capacitor://localhost"},
      {"https://*.example.com", "https://*.example.com"},
      {"https://*.Example.com:8443", "https://*.example.com:8443"},
      {"http://*.localhost:5173", "http://*.localhost:5173"},
      {"*", "*"},
      {"null", "null"},
  };
  for (const auto& [text, wanted] : good) {
    const ReadOrigin origin = read_origin(text);
    EXPECT_EQ(origin.problem, "") << text;
    EXPECT_EQ(origin.text, wanted);
  }
  const std::pair<std::string_view, std::string_view> bad[] = {
      {"app.example.com", "expected an origin such as"},
      {"", "expected an origin such as"},
      {"//app.example.com", "expected an origin such as"},
      {"1a://x.test", "expected an origin such as"},
      {"https://app.example.com/", "write `https://app.example.com`"},
      {"https://app.example.com/path", "write `https://app.example.com`"},
      {"https://app.example.com?x", "write `https://app.example.com`"},
      {"https://me@app.example.com", "names no user"},
      {"https://", "expected a host"},
      {"https://a b", "expected a host"},
      {"https://*", "expected a host"},
      {"https://*.com", "expected a host"},
      {"https://a.*.example.com", "expected a host"},
      {"https://*app.example.com", "expected a host"},
      {"https://app.example.com:", "a port is a number"},
      {"https://app.example.com:0", "a port is a number"},
      {"https://app.example.com:65536", "a port is a number"},
      {"https://app.example.com:*", "a port is a number"},
      {"https://[1.2.3.4]", "expected a host"},
      {"https://[::ffff:1.2.3.4]", "expected a host"},
      {"https://1.2.3", "expected a host"},
      {"https://\xc3\xa4.example.com", "in ASCII"},
  };
  for (const auto& [text, wanted] : bad) {
    const ReadOrigin origin = read_origin(text);
    EXPECT_EQ(origin.text, "") << text;
    EXPECT_TRUE(origin.problem.contains(wanted)) << text << ": " << origin.problem;
  }
}

TEST(PathForms, MayMatchTheRoutesThatTheyCan) {
  struct Case {
    std::string_view form;
    std::string_view route;
    bool may;
  };
  const Case cases[] = {
      {"/a/b", "/a/b", true},        {"/a/b", "/a/{x}", true},      {"/{x}/b", "/a/{y}", true},
      {"/a/{r...}", "/a/b/c", true}, {"/a/{r...}", "/a/", true},    {"/{r...}", "/", true},
      {"/a/", "/a/", true},          {"/a/b/c", "/a/{p...}", true}, {"/a/", "/a/{p...}", true},
      {"/{r...}", "/{p...}", true},  {"/b", "/a/{p...}", false},    {"/a/b", "/a/c", false},
      {"/a/b", "/a", false},         {"/a", "/a/b", false},         {"/a/{r...}", "/a", false},
      {"/a/{x}", "/a/", false},      {"/a/", "/a/{x}", false},      {"/a/{r...}", "/b/c", false},
  };
  for (const Case& c : cases) {
    const ReadPathForm form = read_path_form(c.form);
    ASSERT_EQ(form.problem, "") << c.form;
    EXPECT_EQ(may_match(form.parts, c.route), c.may) << c.form << " " << c.route;
  }
}

TEST(Shaping, IsReadWhole) {
  ::setenv("PORTCULLIS_ADMIN_TOKEN", "from the environment", 1);
  Diagnostics diagnostics;
  const auto config =
      load(std::string(PORTCULLIS_SOURCE_DIR) + "/src/config/testdata/complete.yaml", diagnostics);
  ASSERT_TRUE(config) << diagnostics.to_string();
  const Hsts& hsts = *config->listeners[0].tls->hsts;
  EXPECT_EQ(hsts.max_age, 24h * 365);
  EXPECT_TRUE(hsts.subdomains && hsts.preload);
  const Listener& redirect = config->listeners.back();
  EXPECT_TRUE(redirect.redirect_https.on);
  EXPECT_EQ(redirect.redirect_https.port, std::uint16_t{443});

  const auto found = std::ranges::find(config->apis, "shaped", &Api::name);
  ASSERT_NE(found, config->apis.end());
  const Api& api = *found;
  const Cors& cors = *api.settings.shaping.cors;
  EXPECT_EQ(cors.origins,
            (std::vector<std::string>{"https://app.example.com", "https://*.example.org"}));
  EXPECT_TRUE(cors.credentials);
  EXPECT_EQ(cors.headers, (std::vector<std::string>{"authorization", "content-type"}));
  EXPECT_EQ(cors.expose, (std::vector<std::string>{"ratelimit"}));
  EXPECT_EQ(cors.max_age, 600s);
  const AddressLists& addresses = *api.settings.shaping.addresses;
  ASSERT_EQ(addresses.allow->size(), 4U);
  EXPECT_EQ((*addresses.allow)[2].address.to_string(), "198.51.100.7");
  EXPECT_EQ((*addresses.allow)[3].address.to_string(), "2001:db8::");
  EXPECT_EQ(addresses.deny.size(), 1U);
  EXPECT_TRUE(api.shaping.strip_prefix);
  ASSERT_EQ(api.shaping.rewrites.size(), 1U);
  EXPECT_EQ(api.shaping.rewrites[0].from[1].kind, PathPart::Kind::kCapture);
  const FieldEdits& request = api.shaping.request_headers;
  EXPECT_EQ(request.set[0].name, "x-caller");
  EXPECT_EQ(request.set[0].value[0].source, ValuePart::Source::kSubject);
  EXPECT_EQ(request.add[0].value[0].source, ValuePart::Source::kRequestId);
  EXPECT_EQ(request.remove, (std::vector<std::string>{"x-debug"}));
  const FieldEdits& response = api.shaping.response_headers;
  EXPECT_EQ(response.add[0].value[0].text, "{us}");
  EXPECT_EQ(response.remove, (std::vector<std::string>{"server"}));
  EXPECT_EQ(api.shaping.maintenance.retry_after, 600s);
  EXPECT_EQ(api.shaping.maintenance.body, "back soon");
  EXPECT_EQ(api.routes[0].settings.shaping.cors->origins, (std::vector<std::string>{"*"}));
  EXPECT_EQ(api.routes[1].respond->status, 201);
  EXPECT_EQ(api.routes[1].respond->headers[0].name, "x-a");
  EXPECT_EQ(api.routes[2].redirect->to, "/new");
  EXPECT_EQ(api.routes[2].redirect->status, 308);
  ASSERT_TRUE(api.routes[3].settings.shaping.cors);
  EXPECT_TRUE(api.routes[3].settings.shaping.cors->origins.empty());
  ASSERT_TRUE(api.routes[4].settings.shaping.cors);
  EXPECT_EQ(api.routes[4].settings.shaping.cors->max_age, 0s);
  EXPECT_EQ(api.routes[4].settings.shaping.addresses->allow->size(), 1U);
}

// A sound file in which one line of the API, of its route or of its listener is added.
struct File {
  std::string listener;
  std::string api;
  std::string route;
  std::string upstream = "    upstream: u\n";

  [[nodiscard]] std::string text() const {
    return "version: 1\n"
           "listeners:\n"
           "  a:\n"
           "    address: \"127.0.0.1:8080\"\n" +
           listener +
           "authenticators:\n"
           "  staff: { jwt: { issuer: i, audience: a, keys: { file: f }, algorithms: [ES256], "
           "claims: { tenant: org } } }\n"
           "apis:\n"
           "  shop:\n"
           "    listeners: [a]\n"
           "    hosts: [a.test]\n"
           "    base_path: /v1\n"
           "    authenticate: none\n"
           "    forward: { identity: { x-user: subject } }\n" +
           upstream + api +
           "    routes:\n"
           "      - path: \"/x/{id}\"\n"
           "        methods: [GET]\n"
           "        operation: get\n" +
           route + "upstreams: { u: { targets: [\"127.0.0.1:9000\"] } }\n";
  }
};

Diagnostics check(const File& file) {
  TestSources sources;
  sources.files["good.txt"] = "10.0.0.0/8\n";
  sources.files["bad.txt"] = "# ours\n10.0.0.0/8\n  10.0.0.1/8 # host bits\nnonsense\n";
  Diagnostics diagnostics;
  (void)load_text(file.text(), "a.yaml", diagnostics, sources);
  return diagnostics;
}

struct Case {
  std::string_view why;
  std::string File::* block;
  std::string_view text;
  std::string_view key;      // empty: it is sound
  std::string_view message;  // a part of it
};

void expect(const Case& c) {
  SCOPED_TRACE(c.why);
  const bool in_route = c.block == &File::route;
  File file;
  file.*c.block =
      c.text.empty() ? "" : fmt::format("{}{}\n", in_route ? "        " : "    ", c.text);
  const Diagnostics diagnostics = check(file);
  if (c.key.empty()) {
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.to_string();
    return;
  }
  ASSERT_EQ(diagnostics.errors(), 1U) << diagnostics.to_string() << file.text();
  const auto one = std::ranges::find(diagnostics.all(), Severity::kError, &Diagnostic::severity);
  EXPECT_EQ(one->key, c.key);
  EXPECT_TRUE(one->message.contains(c.message)) << diagnostics.to_string();
  EXPECT_NE(one->at.line, 0U);
}

TEST(Shaping, ChecksCors) {
  const auto api = &File::api;
  const Case cases[] = {
      {"the least", api, "cors: { origins: [\"https://a.test\"] }", "", ""},
      {"everybody", api, "cors: { origins: [\"*\"] }", "", ""},
      {"nobody", api, "cors: none", "", ""},
      {"another word", api, "cors: off", "apis.shop.cors", "expected `none` or a mapping"},
      {"a flag", api, "cors: true", "apis.shop.cors", "expected `none` or a mapping"},
      {"no origins", api, "cors: { credentials: true }", "apis.shop.cors", "`origins` is missing"},
      {"an empty list", api, "cors: { origins: [] }", "apis.shop.cors.origins", "at least one"},
      {"a slash at the end", api, "cors: { origins: [\"https://a.test/\"] }",
       "apis.shop.cors.origins[0]", "write `https://a.test`"},
      {"a host alone", api, "cors: { origins: [a.test] }", "apis.shop.cors.origins[0]",
       "expected an origin such as"},
      {"everybody with credentials", api, "cors: { origins: [\"*\"], credentials: true }",
       "apis.shop.cors.credentials", "name the origins"},
      {"everybody and one", api, "cors: { origins: [\"*\", \"https://a.test\"] }",
       "apis.shop.cors.origins[0]", "stands alone"},
      {"one in two spellings", api,
       "cors: { origins: [\"https://a.test\", \"https://A.test:443\"] }",
       "apis.shop.cors.origins[1]", "is there twice"},
      {"null, as YAML has it", api, "cors: { origins: [null] }", "apis.shop.cors.origins[0]",
       "found nothing"},
      {"all fields", api, "cors: { origins: [\"https://a.test\"], headers: [\"*\"] }",
       "apis.shop.cors.headers[0]", "name the fields"},
      {"a field that is none", api, "cors: { origins: [\"https://a.test\"], expose: [\"a b\"] }",
       "apis.shop.cors.expose[0]", "the name of a field"},
      {"methods", api, "cors: { origins: [\"https://a.test\"], methods: [GET] }", "apis.shop.cors",
       "unknown key `methods`"},
      {"an age without a unit", api, "cors: { origins: [\"https://a.test\"], max_age: 600 }",
       "apis.shop.cors.max_age", "expected a duration"},
      {"of a route", &File::route, "cors: { origins: [a] }", "apis.shop.routes[0].cors.origins[0]",
       "expected an origin"},
  };
  for (const Case& c : cases) expect(c);
}

TEST(Shaping, ChecksAddresses) {
  const auto api = &File::api;
  const Case cases[] = {
      {"networks and files", api,
       "addresses: { allow: [10.0.0.0/8, \"file:good.txt\"], deny: [\"2001:db8::/32\"] }", "", ""},
      {"an empty list", api, "addresses: { allow: [] }", "", ""},
      {"nothing", api, "addresses: {}", "apis.shop.addresses", "expected `allow` or `deny`"},
      {"a list alone", api, "addresses: [10.0.0.0/8]", "apis.shop.addresses", "found a list"},
      {"host bits", api, "addresses: { deny: [10.0.0.1/8] }", "apis.shop.addresses.deny[0]",
       "without bits beyond its length"},
      {"a name", api, "addresses: { deny: [evil.test] }", "apis.shop.addresses.deny[0]",
       "expected a network"},
      {"a file that is missing", api, "addresses: { deny: [\"file:nowhere.txt\"] }",
       "apis.shop.addresses.deny[0]", "`nowhere.txt` cannot be read"},
  };
  for (const Case& c : cases) expect(c);

  File file;
  file.api = "    addresses: { deny: [\"file:bad.txt\"] }\n";
  const Diagnostics diagnostics = check(file);
  ASSERT_EQ(diagnostics.errors(), 2U) << diagnostics.to_string();
  EXPECT_TRUE(diagnostics.to_string().contains("bad.txt:3:3: error: apis.shop.addresses.deny[0]"));
  EXPECT_TRUE(diagnostics.to_string().contains("bad.txt:4:1: error"));
}

TEST(Shaping, ChecksFields) {
  const auto api = &File::api;
  const Case cases[] = {
      {"placeholders", api,
       "request_headers: { set: { x-a: \"{identity.subject}@{identity.claims.tenant} "
       "{request.id}{{}}\" } }",
       "", ""},
      {"a cookie that goes no further", api, "request_headers: { remove: [cookie] }", "", ""},
      {"a placeholder that nobody knows", api, "request_headers: { set: { x-a: \"{identty.x}\" } }",
       "apis.shop.request_headers.set.x-a", "unknown placeholder `{identty.x}`"},
      {"a secret", api, "request_headers: { set: { x-a: \"${env:TOKEN}\" } }",
       "apis.shop.request_headers.set.x-a", "unknown placeholder `{env:TOKEN}`"},
      {"a brace alone", api, "request_headers: { set: { x-a: \"a}\" } }",
       "apis.shop.request_headers.set.x-a", "is written twice"},
      {"a brace that is not closed", api, "request_headers: { set: { x-a: \"{request.id\" } }",
       "apis.shop.request_headers.set.x-a", "is written twice"},
      {"a claim that nobody has", api,
       "request_headers: { add: { x-a: \"{identity.claims.tenat}\" } }",
       "apis.shop.request_headers.add.x-a", "did you mean `tenant`?"},
      {"a line break", api, "request_headers: { set: { x-a: \"a\\r\\nx-b: c\" } }",
       "apis.shop.request_headers.set.x-a", "no control characters"},
      {"a NUL", api, "response_headers: { set: { x-a: \"a\\x01b\" } }",
       "apis.shop.response_headers.set.x-a", "no control characters"},
      {"a name with a colon", api, "request_headers: { set: { \"x-a:\": b } }",
       "apis.shop.request_headers.set.x-a:", "the name of a field"},
      {"a field that frames", api, "request_headers: { remove: [Content-Length] }",
       "apis.shop.request_headers.remove[0]", "frames the message"},
      {"a field of the connection", api, "response_headers: { set: { connection: close } }",
       "apis.shop.response_headers.set.connection", "belongs to one connection"},
      {"the host", api, "request_headers: { set: { host: a.test } }",
       "apis.shop.request_headers.set.host", "frames the message"},
      {"the gateway's own", api, "request_headers: { set: { x-forwarded-for: a } }",
       "apis.shop.request_headers.set.x-forwarded-for", "set by the gateway itself"},
      {"the gateway's own, as CGI reads it", api,
       "request_headers: { set: { X_Forwarded_For: a } }",
       "apis.shop.request_headers.set.X_Forwarded_For", "set by the gateway itself"},
      {"credentials", api, "request_headers: { set: { authorization: Bearer x } }",
       "apis.shop.request_headers.set.authorization", "forward.authorization"},
      {"a cookie", api, "request_headers: { add: { cookie: a=b } }",
       "apis.shop.request_headers.add.cookie", "carries credentials"},
      {"a field of the identity", api, "request_headers: { set: { X-User: a } }",
       "apis.shop.request_headers.set.X-User", "is a field of `forward.identity`"},
      {"CORS", api, "response_headers: { set: { access-control-allow-origin: \"*\" } }",
       "apis.shop.response_headers.set.access-control-allow-origin", "is for `cors` to say"},
      {"HSTS", api, "response_headers: { set: { strict-transport-security: max-age=1 } }",
       "apis.shop.response_headers.set.strict-transport-security", "`hsts`"},
      {"limits", api, "response_headers: { remove: [ratelimit] }",
       "apis.shop.response_headers.remove[0]", "set by the gateway itself"},
      {"the coding of the body", api, "response_headers: { remove: [content-encoding] }",
       "apis.shop.response_headers.remove[0]", "describes the body"},
      {"set and removed", api, "response_headers: { set: { x-a: b }, remove: [X-A] }",
       "apis.shop.response_headers.remove[0]", "is in `set` too"},
      {"set and added", api, "response_headers: { set: { x-a: b }, add: { x-a: c } }",
       "apis.shop.response_headers.add.x-a", "keep one of them"},
      {"set in two spellings", api, "response_headers: { set: { x-a: b, X-A: c } }",
       "apis.shop.response_headers.set.X-A", "is there twice"},
  };
  for (const Case& c : cases) expect(c);
}

TEST(Shaping, ChecksPaths) {
  const auto api = &File::api;
  const Case cases[] = {
      {"a capture", api, "rewrite: { from: \"/x/{id}\", to: \"/y/{id}\" }", "", ""},
      {"several", api,
       "rewrite: [{ from: \"/x/{id}\", to: \"/y/{id}\" }, { from: \"/{r...}\", to: \"/{r...}\" }]",
       "", ""},
      {"a base that is stripped", api, "strip_prefix: true", "", ""},
      {"no `to`", api, "rewrite: { from: /x/a }", "apis.shop.rewrite", "`to` is missing"},
      {"a capture that `from` lacks", api, "rewrite: { from: \"/x/{id}\", to: \"/y/{i}\" }",
       "apis.shop.rewrite.to", "`from` has no `{i}`"},
      {"a segment as the rest", api, "rewrite: { from: \"/x/{id}\", to: \"/y/{id...}\" }",
       "apis.shop.rewrite.to", "`from` has no `{id...}`"},
      {"the rest in the middle", api, "rewrite: { from: \"/{r...}/x\", to: /y }",
       "apis.shop.rewrite.from", "it must be the last"},
      {"half a segment", api, "rewrite: { from: \"/x/{id}\", to: \"/y-{id}\" }",
       "apis.shop.rewrite.to", "takes a whole segment"},
      {"a query", api, "rewrite: { from: \"/x/{id}\", to: \"/y?id={id}\" }", "apis.shop.rewrite.to",
       "takes a whole segment"},
      {"a fragment", api, "rewrite: { from: \"/x/{id}\", to: \"/y#a\" }", "apis.shop.rewrite.to",
       "is not allowed in a path"},
      {"a dot segment", api, "rewrite: { from: \"/x/{id}\", to: \"/../{id}\" }",
       "apis.shop.rewrite.to", "may not be `.` or `..`"},
      {"an escape", api, "rewrite: { from: \"/x/{id}\", to: \"/%2e%2e/{id}\" }",
       "apis.shop.rewrite.to", "`%` escape"},
      {"a host", api, "rewrite: { from: \"/x/{id}\", to: \"//evil/{id}\" }", "apis.shop.rewrite.to",
       "empty segment"},
      {"a path of no route", api, "rewrite: { from: /v1/x/a, to: /y }", "apis.shop.rewrite",
       "no route has a path"},
  };
  for (const Case& c : cases) expect(c);

  File file;
  file.api = "    strip_prefix: true\n";
  std::string text = file.text();
  text.replace(text.find("    base_path: /v1\n"), 19, "");
  TestSources sources;
  Diagnostics diagnostics;
  EXPECT_FALSE(load_text(text, "a.yaml", diagnostics, sources));
  EXPECT_TRUE(diagnostics.to_string().contains("no `base_path` to strip"));
}

TEST(Shaping, ChecksAnswersOfOurOwn) {
  const auto route = &File::route;
  const auto api = &File::api;
  const Case cases[] = {
      {"a body", route, "respond: { body: up }", "", ""},
      {"a path", route, "redirect: { to: \"/new?a=b#c\" }", "", ""},
      {"a URL", route, "redirect: { to: \"https://b.test:8443/new\", status: 301 }", "", ""},
      {"an API without an upstream", &File::upstream, "", "apis.shop", "`upstream` is missing"},
      {"a status that is none", route, "respond: { status: 99 }",
       "apis.shop.routes[0].respond.status", "from 200 to 599"},
      {"an interim status", route, "respond: { status: 101 }", "apis.shop.routes[0].respond.status",
       "from 200 to 599"},
      {"a body where there is none", route, "respond: { status: 204, body: a }",
       "apis.shop.routes[0].respond.body", "has no body"},
      {"a type of nothing", route, "respond: { content_type: a/b }",
       "apis.shop.routes[0].respond.content_type", "no meaning without `body`"},
      {"a type among the fields", route, "respond: { body: a, headers: { Content-Type: a/b } }",
       "apis.shop.routes[0].respond.headers.Content-Type", "`content_type`"},
      {"a field that frames", route, "respond: { headers: { transfer-encoding: chunked } }",
       "apis.shop.routes[0].respond.headers.transfer-encoding", "frames the message"},
      {"another status", route, "redirect: { to: /a, status: 304 }",
       "apis.shop.routes[0].redirect.status", "expected 301, 302"},
      {"a status that redirects nowhere", route, "redirect: { to: /a, status: 200 }",
       "apis.shop.routes[0].redirect.status", "from 301 to 308"},
      {"nowhere", route, "redirect: { status: 301 }", "apis.shop.routes[0].redirect",
       "`to` is missing"},
      {"a host without a scheme", route, "redirect: { to: //b.test/ }",
       "apis.shop.routes[0].redirect.to", "begins a host"},
      {"a backslash", route, "redirect: { to: '/\\b.test' }", "apis.shop.routes[0].redirect.to",
       "backslashes"},
      {"a script", route, "redirect: { to: \"javascript:alert(1)\" }",
       "apis.shop.routes[0].redirect.to", "expected an absolute path"},
      {"a user", route, "redirect: { to: \"https://a.test@b.test/\" }",
       "apis.shop.routes[0].redirect.to", "a user may not"},
      {"no host", route, "redirect: { to: \"https:///x\" }", "apis.shop.routes[0].redirect.to",
       "no valid host"},
      {"a line break", route, "redirect: { to: \"/a\\r\\nx: y\" }",
       "apis.shop.routes[0].redirect.to", "no spaces"},
      {"up", api, "maintenance: false", "", ""},
      {"down", api, "maintenance: true", "", ""},
      {"down with a word", api, "maintenance: { body: soon }", "", ""},
      {"yes", api, "maintenance: yes", "apis.shop.maintenance", "expected `true`, `false`"},
      {"for no time", api, "maintenance: { retry_after: 0s }", "apis.shop.maintenance.retry_after",
       "from 1s"},
  };
  for (const Case& c : cases) expect(c);

  File both;
  both.route = "        respond: { body: a }\n        redirect: { to: /a }\n";
  EXPECT_TRUE(check(both).to_string().contains("the route has `respond` too"));
  File alone;
  alone.upstream = "";
  alone.route = "        respond: { body: a }\n";
  EXPECT_TRUE(check(alone).ok()) << check(alone).to_string();
}

TEST(Shaping, ChecksListeners) {
  const auto listener = &File::listener;
  const Case cases[] = {
      {"not so", listener, "redirect_https: false", "", ""},
      {"an age that is none", listener, "tls: { certificates: [{ cert: c, key: k }], hsts: soon }",
       "listeners.a.tls.hsts", "expected a duration"},
      {"a list that browsers do not take", listener,
       "tls: { certificates: [{ cert: c, key: k }], hsts: { max_age: 365d, preload: true } }",
       "listeners.a.tls.hsts.preload", "`subdomains: true`"},
      {"no age", listener,
       "tls: { certificates: [{ cert: c, key: k }], hsts: { subdomains: true } }",
       "listeners.a.tls.hsts", "`max_age` is missing"},
      {"HSTS", listener, "tls: { certificates: [{ cert: c, key: k }], hsts: 365d }", "", ""},
  };
  for (const Case& c : cases) expect(c);
  File redirected;
  redirected.listener = "    redirect_https: true\n";
  const std::string text = check(redirected).to_string();
  EXPECT_TRUE(text.contains("it only redirects, and serves no API")) << text;
  EXPECT_TRUE(text.contains("there is nothing to redirect to")) << text;
  // Nobody is told about clear text who meant to redirect it.
  redirected.listener = "    redirect_https: yes\n";
  std::string beyond = redirected.text();
  beyond.replace(beyond.find("127.0.0.1"), 9, "0.0.0.0");
  TestSources sources;
  Diagnostics diagnostics;
  EXPECT_FALSE(load_text(beyond, "a.yaml", diagnostics, sources));
  EXPECT_EQ(diagnostics.errors(), 1U) << diagnostics.to_string();
  redirected.listener = "    redirect_https: { port: 0 }\n";
  EXPECT_TRUE(check(redirected).to_string().contains("from 1 to 65535"));
  File both;
  both.listener = "    redirect_https: true\n    tls: { certificates: [{ cert: c, key: k }] }\n";
  EXPECT_TRUE(check(both).to_string().contains("has nothing to redirect"));
}

TEST(Shaping, WarnsOfWhatIsSeldomMeant) {
  File file;
  file.api = "    cors: { origins: [\"null\", \"http://b.test\"], credentials: true }\n";
  const std::string text = check(file).to_string();
  EXPECT_TRUE(text.contains("warning: apis.shop.cors: `null` is the origin of")) << text;
  EXPECT_TRUE(text.contains("`http://b.test` comes in clear text")) << text;
  file.api = "    cors: { origins: [\"http://localhost:3000\"], credentials: true }\n";
  EXPECT_FALSE(check(file).to_string().contains("warning: apis.shop.cors"));
}

}  // namespace
}  // namespace portcullis::config
