#include "gateway/shape.h"

#include "config/load.h"
#include "config/test_sources.h"
#include "gateway/https_hosts.h"

#include <gtest/gtest.h>

namespace portcullis::gateway {
namespace {

std::shared_ptr<const CorsRule> rule(std::string origin) {
  config::Cors cors;
  cors.origins = {std::move(origin)};
  return std::make_shared<const CorsRule>(cors, "");
}

TEST(FindCors, TakesTheNearestApi) {
  const auto by_name = rule("https://1.test");
  const auto deeper = rule("https://2.test");
  const auto by_pattern = rule("https://3.test");
  const auto any = rule("https://4.test");
  const std::vector<CorsPlace> places = {
      {{}, "", any},
      {{"*.a.test"}, "", by_pattern},
      {{"x.a.test"}, "/v1", by_name},
      {{"x.a.test", "y.a.test"}, "/v1/deep", deeper},
      {{"x.a.test"}, "/silent", nullptr},
  };
  const auto found = [&](std::string_view host, std::string_view path) {
    return find_cors(places, host, path);
  };
  EXPECT_EQ(found("x.a.test", "/v1/nothing"), by_name.get());
  EXPECT_EQ(found("x.a.test", "/v1"), by_name.get());
  EXPECT_EQ(found("x.a.test", "/v1/deep/er"), deeper.get());
  EXPECT_EQ(found("x.a.test", "/v1/deeper"), by_name.get());
  EXPECT_EQ(found("x.a.test", "/v11"), by_pattern.get());
  EXPECT_EQ(found("x.a.test", "/silent/x"), nullptr) << "an API without a rule";
  EXPECT_EQ(found("z.a.test", "/v1"), by_pattern.get());
  EXPECT_EQ(found("a.test", "/v1"), any.get());
  EXPECT_EQ(find_cors({}, "a.test", "/"), nullptr);
}

TEST(Hsts, IsWrittenAsBrowsersReadIt) {
  using std::chrono::seconds;
  EXPECT_EQ(hsts_value({.max_age = seconds(31'536'000)}), "max-age=31536000");
  EXPECT_EQ(hsts_value({.max_age = seconds(0)}), "max-age=0");
  EXPECT_EQ(hsts_value({.max_age = seconds(60), .subdomains = true, .preload = true}),
            "max-age=60; includeSubDomains; preload");
}

constexpr std::string_view kFile = R"(
version: 1
listeners:
  plain: { address: "127.0.0.1:8080", redirect_https: true }
  inside: { address: "127.0.0.1:8081" }
  public: { address: "0.0.0.0:8443", tls: { certificates: [{ cert: c.pem, key: k.pem }], hsts: 365d } }
  other: { address: "0.0.0.0:9443", tls: { certificates: [{ cert: c.pem, key: k.pem }] } }
apis:
  shop:
    listeners: [inside, public]
    hosts: [shop.test, "*.shop.test"]
    upstream: u
    authenticate: none
    cors: { origins: ["https://a.test"] }
    addresses: { deny: [192.0.2.0/24] }
    routes:
      - { path: /x, methods: [GET, PUT], operation: x }
      - { path: /y, methods: [POST], operation: y, cors: none, addresses: { allow: [10.0.0.0/8] } }
  deep:
    listeners: [other]
    hosts: ["*.deep.shop.test"]
    authenticate: none
    routes: [{ path: /z, methods: [GET], operation: z, respond: { status: 204 } }]
  hidden:
    listeners: [inside]
    hosts: [hidden.test]
    upstream: u
    authenticate: none
    routes: [{ path: /z, methods: [GET], operation: z }]
upstreams: { u: { targets: ["127.0.0.1:1"] } }
)";

class Compiled : public testing::Test {
 protected:
  config::Diagnostics diagnostics_;
  config::TestSources sources_;
  std::optional<config::Config> config_ =
      config::load_text(kFile, "a.yaml", diagnostics_, sources_);
};

TEST_F(Compiled, RoutesHaveTheirApisRulesOrTheirOwn) {
  ASSERT_TRUE(config_) << diagnostics_.to_string();
  const config::Api& shop = config_->apis[0];
  const ApiShapes shapes(shop);
  const Shape x = shapes.compile(shop.routes[0], 0);
  EXPECT_EQ(x.cors, shapes.cors());
  EXPECT_TRUE(x.cors->allows("https://a.test"));
  EXPECT_EQ(x.methods, "GET, HEAD, PUT");
  EXPECT_EQ(x.addresses.size(), 1U);
  const Shape y = shapes.compile(shop.routes[1], 1);
  EXPECT_FALSE(y.cors->allows("https://a.test"));
  ASSERT_EQ(y.addresses.size(), 2U);
  EXPECT_FALSE(y.addresses[0]->check(*IpAddress::parse("192.0.2.1")));
  EXPECT_FALSE(y.addresses[1]->check(*IpAddress::parse("11.0.0.1")));
}

TEST_F(Compiled, OnlyHostsOnTlsAreRedirectedTo) {
  ASSERT_TRUE(config_) << diagnostics_.to_string();
  const HttpsHosts hosts(*config_);
  EXPECT_EQ(hosts.find("shop.test"), 2U);
  EXPECT_EQ(hosts.find("a.shop.test"), 2U);
  EXPECT_EQ(hosts.find("a.deep.shop.test"), 3U) << "the longer pattern";
  EXPECT_EQ(hosts.find("deep.shop.test"), 2U);
  EXPECT_EQ(hosts.find("hidden.test"), std::nullopt) << "served in clear text alone";
  for (const std::string_view host :
       {"", "evil.test", "shop.test.evil", "evilshop.test", ".shop.test", "shop.test@evil.test"})
    EXPECT_EQ(hosts.find(host), std::nullopt) << host;
}

TEST(HttpsLocation, KeepsHostPathAndQuery) {
  EXPECT_EQ(https_location("a.test", 443, "/x/y", std::nullopt), "https://a.test/x/y");
  EXPECT_EQ(https_location("a.test", 8443, "/", "a=1&b=//c"), "https://a.test:8443/?a=1&b=//c");
  EXPECT_EQ(https_location("a.test", 443, "/x", ""), "https://a.test/x?");
  EXPECT_EQ(https_location("[::1]", 8443, "*", std::nullopt), "https://[::1]:8443/");
}

}  // namespace
}  // namespace portcullis::gateway
