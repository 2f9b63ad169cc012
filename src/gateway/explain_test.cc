#include "gateway/explain.h"

#include "config/load.h"
#include "gateway/explain_facts.h"

#include <gtest/gtest.h>

#include <string>

namespace portcullis::gateway {
namespace {

constexpr std::string_view kWhole = R"(version: 1
listeners:
  public: { address: "127.0.0.1:8080" }
  other: { address: "127.0.0.1:8081" }
authenticators:
  machine:
    api_key:
      keys: [{ id: nightly, hash: "sha256:0000000000000000000000000000000000000000000000000000000000000000", roles: [clerk] }]
  staff:
    jwt: { issuer: "https://issuer.test", audience: shop, keys: { url: "https://issuer.test/jwks" }, algorithms: [ES256] }
roles: { clerk: [getOrder] }
limits:
  flood: { key: client.address, rate: 10/s }
apis:
  shop:
    listeners: [public]
    hosts: [shop.test]
    upstream: shop
    authenticate: [machine, staff]
    limits: [flood]
    routes:
      - { path: "/orders/{id}", methods: [GET], operation: getOrder }
      - { path: /orders, methods: [GET, POST], operation: listOrders }
      - { path: /health, methods: [GET], operation: health, authenticate: none }
upstreams: { shop: { targets: ["127.0.0.1:1", "127.0.0.1:2"] } }
)";

class ExplainTest : public testing::Test {
 protected:
  telemetry::Registry registry_;
  ratelimit::Table limits_{TimePoint{}};
  authn::KeySources keys_{1};
  runtime::TicketKeys tickets_;
  config::Diagnostics diagnostics_;

  Explanation ask(const std::string& head, std::size_t listener = 0) {
    auto config = config::load_text(kWhole, "test.yaml", diagnostics_);
    EXPECT_TRUE(config) << diagnostics_.to_string();
    const auto snapshot = Snapshot::compile(std::move(*config), 1,
                                            {registry_, limits_, keys_, tickets_}, diagnostics_);
    EXPECT_TRUE(snapshot) << diagnostics_.to_string();
    return explain({.head = head,
                    .listener = listener,
                    .client = *IpAddress::parse("192.0.2.1"),
                    .keys = {},
                    .server_name = {},
                    .certificates = {}},
                   snapshot, diagnostics_);
  }
};

TEST_F(ExplainTest, SaysWhatTheUpstreamWouldBeSentAndByWhichLines) {
  const Explanation said =
      ask("GET /health?token=x HTTP/1.1\r\nhost: shop.test\r\ncookie: a=b\r\n"
          "x-api-key: pc_a\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(said.ending, Ending::kForwarded);
  EXPECT_EQ(said.upstream.upstream, "shop");
  EXPECT_EQ(said.upstream.at, "test.yaml:25");
  EXPECT_EQ(said.upstream.targets, (std::vector<std::string>{"127.0.0.1:1", "127.0.0.1:2"}));
  EXPECT_EQ(said.upstream.line, "GET /health?… HTTP/1.1");
  EXPECT_EQ(said.upstream.passed, (std::vector<std::string>{"host", "cookie"}));
  EXPECT_EQ(said.upstream.removed, (std::vector<std::string>{"x-api-key", "connection"}));
  ASSERT_EQ(said.steps.size(), 8U);
  EXPECT_EQ(said.steps[1].facts[0].what, "shop.health (GET /health)");
  EXPECT_EQ(said.steps[1].facts[0].at, "test.yaml:24");
  EXPECT_EQ(said.steps[2].facts[0].at, "test.yaml:13");
  EXPECT_EQ(said.steps[3].facts[0].at, "test.yaml:24");
  EXPECT_EQ(said.steps[7].number, 11);
}

TEST_F(ExplainTest, EndsAtTheStepThatRefuses) {
  const struct {
    std::string_view why;
    std::string head;
    std::size_t listener;
    Step step;
    int status;
    std::string at;
  } cases[] = {
      {"no host", "GET / HTTP/1.1\r\n\r\n", 0, Step::kRead, 400, "test.yaml:3"},
      {"bytes that are no head", "nonsense\r\n\r\n", 0, Step::kRead, 400, "test.yaml:3"},
      {"another version", "GET / HTTP/2.0\r\nhost: shop.test\r\n\r\n", 0, Step::kRead, 505,
       "test.yaml:3"},
      {"a bare line feed", "GET / HTTP/1.1\nhost: shop.test\r\n\r\n", 0, Step::kRead, 400,
       "test.yaml:3"},
      {"a path that is not there", "GET /x HTTP/1.1\r\nhost: shop.test\r\n\r\n", 0, Step::kRoute,
       404, "test.yaml:3"},
      {"a listener without the API", "GET /orders HTTP/1.1\r\nhost: shop.test\r\n\r\n", 1,
       Step::kRoute, 404, "test.yaml:4"},
      {"nobody", "GET /orders HTTP/1.1\r\nhost: shop.test\r\n\r\n", 0, Step::kAuthenticate, 401,
       "test.yaml:19"},
      {"a wrong key", "GET /orders HTTP/1.1\r\nhost: shop.test\r\nx-api-key: a\r\n\r\n", 0,
       Step::kAuthenticate, 401, "test.yaml:6"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.why);
    const Explanation said = ask(c.head, c.listener);
    EXPECT_EQ(said.ending, Ending::kRefused);
    EXPECT_EQ(said.status, c.status);
    EXPECT_TRUE(said.steps.back().refused);
    EXPECT_EQ(said.steps.back().name, step_name(c.step));
    EXPECT_EQ(said.steps.back().facts.at(0).at, c.at) << said.steps.back().facts.at(0).what;
  }
}

TEST_F(ExplainTest, SaysWhereAHostIsServedInstead) {
  const Explanation said = ask("GET /orders HTTP/1.1\r\nhost: shop.test\r\n\r\n", 1);
  const auto& facts = said.steps.back().facts;
  ASSERT_EQ(facts.size(), 3U);
  EXPECT_EQ(facts[1].what, "no API on the listener other has the host `shop.test`");
  EXPECT_EQ(facts[2].what, "apis.shop has it, on the listener public");
}

TEST(RateText, IsWhatTheConfigurationTakes) {
  const auto text = [](std::uint64_t count, std::int64_t per) {
    return rate_text({count, std::chrono::milliseconds(per)});
  };
  EXPECT_EQ(text(200, 1000), "200/s");
  EXPECT_EQ(text(5, 900'000), "5/15m");
  EXPECT_EQ(text(1, 86'400'000), "1/d");
  EXPECT_EQ(text(7, 250), "7/250ms");
}

TEST(TakesHost, AsTheRouterDoes) {
  config::Api api;
  EXPECT_TRUE(takes_host(api, "any.test"));
  api.hosts = {{"a.test", {}}, {"*.b.test", {}}};
  EXPECT_TRUE(takes_host(api, "a.test"));
  EXPECT_TRUE(takes_host(api, "x.b.test"));
  EXPECT_TRUE(takes_host(api, "x.y.b.test"));
  for (const std::string_view host : {"b.test", ".b.test", "xb.test", "x.a.test", ""})
    EXPECT_FALSE(takes_host(api, host)) << host;
}

}  // namespace
}  // namespace portcullis::gateway
