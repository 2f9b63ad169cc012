#include "config/load.h"
#include "gateway/connection_limits.h"
#include "gateway/problem.h"
#include "gateway/request_id.h"
#include "gateway/snapshot.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace portcullis::gateway {
namespace {

TEST(Problem, EveryKindHasItsOwnSlugAndASensibleStatus) {
  std::set<std::string_view> slugs;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const ProblemKind kind = problem_kind(static_cast<ErrorCode>(code));
    EXPECT_TRUE(slugs.insert(kind.slug).second) << kind.slug;
    EXPECT_GE(kind.status, 400);
    EXPECT_LT(kind.status, 600);
    EXPECT_FALSE(kind.title.empty());
  }
}

TEST(Problem, SaysWhatItIsAndNotWhy) {
  EXPECT_EQ(
      problem_document(problem_kind(ErrorCode::kForbidden), "abc"),
      "{\"type\":\"urn:portcullis:problem:forbidden\",\"title\":\"The caller may not do this.\","
      "\"status\":403,\"request_id\":\"abc\"}\n");
}

TEST(RequestIds, NeverRepeat) {
  RequestIds ids(42);
  RequestIds others(43);
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    for (RequestIds* source : {&ids, &others}) {
      const auto id = source->next();
      EXPECT_TRUE(is_request_id({id.data(), id.size()}));
      EXPECT_TRUE(seen.emplace(id.data(), id.size()).second);
    }
  }
}

TEST(RequestIds, RefuseWhatCouldBreakALog) {
  EXPECT_TRUE(is_request_id("0199-ab_CD.ef:1+2/3="));
  for (const std::string& text :
       {std::string(), std::string("a b"), std::string("a\nb"), std::string("a\"b"),
        std::string(129, 'a'), std::string("\xc3\xa9")}) {
    EXPECT_FALSE(is_request_id(text)) << text;
  }
}

TEST(ConnectionCounts, HoldBothMaximaAndForgetWhoLeft) {
  ConnectionCounts counts;
  const IpAddress a = *IpAddress::parse("192.0.2.1");
  const IpAddress b = *IpAddress::parse("192.0.2.2");
  EXPECT_TRUE(counts.open_from(a, 2));
  EXPECT_TRUE(counts.open_from(a, 2));
  EXPECT_FALSE(counts.open_from(a, 2));
  EXPECT_TRUE(counts.open_from(b, 2));
  counts.close_from(a);
  EXPECT_TRUE(counts.open_from(a, 2));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(counts.open(3));
  EXPECT_FALSE(counts.open(3));
  EXPECT_EQ(counts.all(), 3U);
  counts.close();
  EXPECT_TRUE(counts.open(3));
  const IpAddress six = *IpAddress::parse("2001:db8::1");
  const IpAddress neighbour = *IpAddress::parse("2001:db8::2");
  EXPECT_TRUE(counts.open_from(six, 1));
  EXPECT_FALSE(counts.open_from(neighbour, 1)) << "the same /64";
  EXPECT_FALSE(counts.open_from(neighbour, 0));
}

constexpr std::string_view kWhole = R"(
version: 1
listeners:
  public: { address: "127.0.0.1:0" }
  other: { address: "127.0.0.1:0", paths: { duplicate_slashes: merge } }
authenticators:
  machine:
    api_key:
      header: x-api-key
      keys: [{ id: nightly, hash: "sha256:0000000000000000000000000000000000000000000000000000000000000000", roles: [clerk] }]
roles: { clerk: [getOrder] }
limits: { flood: { key: client.address, rate: 10/s } }
apis:
  shop:
    listeners: [public]
    upstream: shop
    authenticate: [machine]
    limits: [flood]
    body_size: 2KiB
    timeout: 3s
    forward: { identity: { x-user: subject, x-tenant: key } }
    routes:
      - { path: "/orders/{id}", methods: [GET], operation: getOrder }
      - { path: /health, methods: [GET], operation: health, authenticate: none, timeout: 1s }
upstreams: { shop: { targets: ["127.0.0.1:1"] } }
)";

class CompileSnapshot : public testing::Test {
 protected:
  telemetry::Registry registry_;
  ratelimit::Table limits_{TimePoint{}};
  authn::KeySources keys_{1};
  runtime::TicketKeys tickets_;

  std::shared_ptr<const Snapshot> compile(std::string_view text) {
    config::Diagnostics diagnostics;
    auto config = config::load_text(text, "test.yaml", diagnostics);
    EXPECT_TRUE(config) << diagnostics.to_string();
    if (!config) return nullptr;
    auto snapshot = Snapshot::compile(std::move(*config), 7, {registry_, limits_, keys_, tickets_},
                                      diagnostics);
    EXPECT_TRUE(snapshot) << diagnostics.to_string();
    return snapshot;
  }
};

TEST_F(CompileSnapshot, PutsEverythingARouteDecidesByIntoItsPlan) {
  const auto snapshot = compile(kWhole);
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->revision(), 7U);
  ASSERT_EQ(snapshot->plans().size(), 2U);
  const Plan& order = snapshot->plans()[0];
  EXPECT_EQ(order.full_operation, "shop.getOrder");
  EXPECT_FALSE(order.door.open());
  EXPECT_EQ(order.body_size, 2048U);
  EXPECT_EQ(order.timeout, std::chrono::seconds(3));
  EXPECT_TRUE(order.permit->allows(std::vector<std::uint32_t>{0}));
  EXPECT_FALSE(order.permit->allows(std::vector<std::uint32_t>{}));
  EXPECT_EQ(order.forward.removed, (std::vector<std::string>{"x-api-key", "x-tenant", "x-user"}));
  const Plan& health = snapshot->plans()[1];
  EXPECT_TRUE(health.door.open());
  EXPECT_EQ(health.timeout, std::chrono::seconds(1));
  EXPECT_EQ(health.body_size, 2048U);
}

TEST_F(CompileSnapshot, GivesAListenerItsOwnRoutesAndRules) {
  const auto snapshot = compile(kWhole);
  ASSERT_TRUE(snapshot);
  std::string allow;
  const auto& listeners = snapshot->listeners();
  ASSERT_EQ(listeners.size(), 2U);
  EXPECT_TRUE(listeners[0].router.match("any", "/health", http::Method::kGet, "GET", allow));
  EXPECT_FALSE(listeners[1].router.match("any", "/health", http::Method::kGet, "GET", allow));
  EXPECT_EQ(listeners[1].settings.paths.duplicate_slashes, http::OnDuplicateSlash::kMerge);
}

TEST_F(CompileSnapshot, CountsTheLiving) {
  const auto before = Snapshot::living();
  {
    const auto one = compile(kWhole);
    const auto two = compile(kWhole);
    EXPECT_EQ(Snapshot::living(), before + 2);
  }
  EXPECT_EQ(Snapshot::living(), before);
}

TEST_F(CompileSnapshot, SaysWhichCertificateIsMissing) {
  config::Diagnostics diagnostics;
  auto config = config::load_text(R"(
version: 1
listeners:
  public: { address: "127.0.0.1:0", tls: { certificates: [{ cert: /nowhere/a.pem, key: /nowhere/a.key }] } }
apis:
  a: { listeners: [public], upstream: u, authenticate: none, routes: [{ path: /, methods: [GET], operation: root }] }
upstreams: { u: { targets: ["127.0.0.1:1"] } }
)",
                                  "test.yaml", diagnostics);
  ASSERT_TRUE(config) << diagnostics.to_string();
  EXPECT_FALSE(
      Snapshot::compile(std::move(*config), 1, {registry_, limits_, keys_, tickets_}, diagnostics));
  EXPECT_TRUE(diagnostics.to_string().contains("test.yaml:4:")) << diagnostics.to_string();
  EXPECT_TRUE(diagnostics.to_string().contains("/nowhere/a.pem")) << diagnostics.to_string();
}

}  // namespace
}  // namespace portcullis::gateway
