// Deciding about a request: its route, its limit, its token.
#include "authn/token_cache.h"
#include "gateway/router.h"
#include "ratelimit/limiter.h"

#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <string_view>

namespace portcullis {
namespace {

constexpr std::array<std::string_view, 4> kHosts = {"api.example.test", "shop.example.test",
                                                    "admin.example.test", "*.tenants.example.test"};

// 100 routes: 25 on each of four hosts, a third of them with a parameter.
gateway::Router hundred_routes() {
  gateway::Router router;
  for (std::size_t i = 0; i < 100; ++i) {
    gateway::RouteSpec route;
    route.hosts = {std::string(kHosts[i % kHosts.size()])};
    route.base_path = "/v1";
    const std::string thing = "/things" + std::to_string(i);
    route.path = i % 3 == 0 ? thing + "/{id}/parts" : thing;
    route.methods = {"GET", "POST"};
    route.plan = i;
    router.add(route);
  }
  return router;
}

void find_route(benchmark::State& state, std::string_view host, std::string_view path) {
  const gateway::Router router = hundred_routes();
  std::string allow;
  for (auto _ : state) {
    auto match = router.match(host, path, http::Method::kGet, "GET", allow);
    if (!match) return state.SkipWithError("no such route");
    benchmark::DoNotOptimize(*match);
  }
}
BENCHMARK_CAPTURE(find_route, literal, "shop.example.test", "/v1/things53");
BENCHMARK_CAPTURE(find_route, parameter, "admin.example.test", "/v1/things66/4711/parts");
BENCHMARK_CAPTURE(find_route, host_pattern, "blue.tenants.example.test", "/v1/things43");

// One limit by subject whose bucket exists, among ten thousand others.
void check_limit(benchmark::State& state) {
  config::Config config;
  config::Limit limit;
  limit.name = "caller";
  limit.key = {{"identity.subject", {}}};
  limit.rate = {1'000'000'000, config::milliseconds(1000)};
  limit.burst = 1'000'000'000;
  config.limits = {limit};
  config::Diagnostics diagnostics;
  ratelimit::Table table(Clock::now());
  const std::array<config::Text, 1> names = {config::Text{"caller", {}}};
  const ratelimit::Limiter limiter =
      ratelimit::Limits::compile(config, table, diagnostics).select(names, {}, diagnostics);
  ratelimit::Attributes attributes;
  const TimePoint now = Clock::now();
  for (int i = 0; i < 10'000; ++i) {
    const std::string subject = "issuer|user-" + std::to_string(i);
    attributes.subject = subject;
    benchmark::DoNotOptimize(limiter.admit_identified(attributes, now));
  }
  attributes.subject = "issuer|user-4711";
  for (auto _ : state) {
    const ratelimit::Verdict verdict = limiter.admit_identified(attributes, now);
    if (!verdict.allowed) return state.SkipWithError("the limit refused");
    benchmark::DoNotOptimize(verdict);
  }
}
BENCHMARK(check_limit);

// A token of 600 bytes that is in a cache of a thousand.
void find_token(benchmark::State& state) {
  authn::TokenCache cache(HashKey::random());
  const authn::TokenCache::Scope scope{1, 1};
  std::string token;
  for (int i = 0; i < 1000; ++i) {
    token = crypto::random_bytes(600);
    cache.insert(scope, token, authn::IdentityRef(authn::Identity{}), crypto::Sha256{}, 1,
                 WallClock::now());
  }
  for (auto _ : state) {
    authn::TokenCache::Entry* const entry = cache.find(scope, token);
    if (entry == nullptr) return state.SkipWithError("the token is not there");
    benchmark::DoNotOptimize(entry);
  }
}
BENCHMARK(find_token);

}  // namespace
}  // namespace portcullis
