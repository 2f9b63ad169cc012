#include "ratelimit/limiter.h"

#include <gtest/gtest.h>

#include <thread>

namespace portcullis::ratelimit {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{};

config::Limit limit(std::string name, std::vector<std::string> key, std::uint64_t count,
                    config::milliseconds per, std::uint64_t burst) {
  config::Limit made;
  made.name = std::move(name);
  for (std::string& part : key) made.key.push_back({std::move(part), {}});
  made.rate = {count, per};
  made.burst = burst;
  return made;
}

std::vector<config::Text> names(std::initializer_list<std::string_view> all) {
  std::vector<config::Text> texts;
  for (const std::string_view name : all) texts.push_back({std::string(name), {}});
  return texts;
}

Limiter compile(Table& table, std::vector<config::Limit> limits) {
  config::Config config;
  std::vector<config::Text> all;
  for (const config::Limit& each : limits) all.push_back({each.name, {}});
  config.limits = std::move(limits);
  config::Diagnostics diagnostics;
  Limiter limiter = Limits::compile(config, table, diagnostics).select(all, {}, diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.to_string();
  return limiter;
}

Attributes from(std::string_view address) {
  Attributes attributes;
  attributes.address = IpAddress::parse(address).value();
  attributes.operation = "shop.getOrder";
  return attributes;
}

Attributes by(std::string_view subject) {
  Attributes attributes = from("192.0.2.1");
  attributes.subject = subject;
  return attributes;
}

std::string_view tightest(const Verdict& verdict) {
  return verdict.tightest.limit == nullptr ? "none"
                                           : std::string_view(verdict.tightest.limit->name);
}

TEST(KeyPart, KnowsItsSpellings) {
  struct Case {
    std::string_view why;
    std::string_view text;
    bool good;
    bool needs_identity;
  };
  const Case cases[] = {
      {"address", "client.address", true, false},
      {"operation", "operation", true, false},
      {"subject", "identity.subject", true, true},
      {"key", "identity.key", true, true},
      {"claim", "identity.claims.tenant", true, true},
      {"claim with a dot in its name", "identity.claims.a.b", true, true},
      {"empty", "", false, false},
      {"a claim without a name", "identity.claims.", false, false},
      {"no claims without the dot", "identity.claims", false, false},
      {"case matters", "Client.Address", false, false},
      {"space", " operation", false, false},
      {"something else", "client.port", false, false},
  };
  for (const Case& c : cases) {
    const auto part = KeyPart::parse(c.text);
    EXPECT_EQ(part.has_value(), c.good) << c.why;
    if (part && c.good) EXPECT_EQ(part->needs_identity(), c.needs_identity) << c.why;
  }
}

TEST(Limiter, WithoutLimitsAllowsAndReportsNothing) {
  const Limiter limiter;
  EXPECT_TRUE(limiter.empty());
  EXPECT_TRUE(limiter.admit_unidentified(from("192.0.2.1"), kStart).allowed);
  EXPECT_EQ(limiter.admit_identified(by("a|b"), kStart).tightest.limit, nullptr);
}

TEST(Limiter, CountsByAddressAndByNetworkForIpv6) {
  Table table(kStart, 1024);
  const Limiter limiter = compile(table, {limit("flood", {"client.address"}, 1, 1000ms, 1)});
  struct Case {
    std::string_view why;
    std::string_view address;
    bool allowed;
  };
  const Case cases[] = {
      {"first", "192.0.2.1", true},
      {"again", "192.0.2.1", false},
      {"its neighbour", "192.0.2.2", true},
      {"a subscriber", "2001:db8:0:1::1", true},
      {"the same /64", "2001:db8:0:1:ffff::2", false},
      {"the next /64", "2001:db8:0:2::1", true},
      {"not the IPv4 address whose bits it has", "::192.0.2.9", true},
      {"which still has its own", "192.0.2.9", true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(limiter.admit_unidentified(from(c.address), kStart).allowed, c.allowed) << c.why;
  }
}

TEST(Limiter, CountsByEveryPartOfTheKey) {
  Table table(kStart, 1024);
  const Limiter limiter = compile(
      table, {limit("checkout", {"identity.claims.tenant", "identity.subject"}, 1, 1000ms, 1)});
  struct Case {
    std::string_view why;
    std::string tenant;
    std::string subject;
    bool allowed;
  };
  const std::string long_one(300, 'x');
  const Case cases[] = {
      {"first", "t", "idp|a", true},
      {"again", "t", "idp|a", false},
      {"another subject", "t", "idp|b", true},
      {"another tenant", "u", "idp|a", true},
      {"the border between parts counts", "ti", "dp|a", true},
      {"a part that is too long to be copied", long_one, "idp|a", true},
      {"and again", long_one, "idp|a", false},
      {"one that differs at its end", long_one + "y", "idp|a", true},
      {"no tenant: the bucket that all such requests share", "", "idp|a", true},
      {"no subject: the same", "t", "", false},
      {"neither: the same", "", "", false},
  };
  for (const Case& c : cases) {
    const std::vector<std::pair<std::string, std::string>> claims = {{"other", "o"},
                                                                     {"tenant", c.tenant}};
    Attributes attributes = by(c.subject);
    attributes.claims = claims;
    EXPECT_EQ(limiter.admit_identified(attributes, kStart).allowed, c.allowed) << c.why;
  }
}

TEST(Limiter, AsksEachLimitInItsPhase) {
  Table table(kStart, 1024);
  const Limiter limiter =
      compile(table, {limit("flood", {"client.address"}, 1, 1000ms, 1),
                      limit("all", {}, 1, 1000ms, 9), limit("op", {"operation"}, 1, 1000ms, 8),
                      limit("user", {"operation", "identity.subject"}, 1, 1000ms, 2),
                      limit("key", {"identity.key"}, 1, 1000ms, 5)});
  EXPECT_EQ(tightest(limiter.admit_unidentified(by("a|b"), kStart)), "flood");
  EXPECT_EQ(tightest(limiter.admit_identified(by("a|b"), kStart)), "user");
}

TEST(Limiter, ReportsTheTightest) {
  Table table(kStart, 1024);
  const Limiter limiter = compile(table, {limit("wide", {"client.address"}, 100, 1000ms, 100),
                                          limit("narrow", {"client.address"}, 6, 60'000ms, 3)});
  const Attributes caller = from("192.0.2.1");
  const Verdict first = limiter.admit_unidentified(caller, kStart);
  ASSERT_TRUE(first.allowed);
  EXPECT_EQ(tightest(first), "narrow");
  EXPECT_EQ(first.tightest.remaining, 2U);
  EXPECT_EQ(first.tightest.reset_seconds, 10U);
  EXPECT_EQ(first.tightest.retry_after_seconds, 0U);
  EXPECT_EQ(limiter.admit_unidentified(caller, kStart + 1s).tightest.remaining, 1U);
  EXPECT_EQ(limiter.admit_unidentified(caller, kStart + 1s).tightest.retry_after_seconds, 9U);

  const Verdict refused = limiter.admit_unidentified(caller, kStart + 1500ms);
  ASSERT_FALSE(refused.allowed);
  EXPECT_EQ(refused.tightest.remaining, 0U);
  EXPECT_EQ(refused.tightest.reset_seconds, 29U) << "28.5 s, rounded up";
  EXPECT_EQ(refused.tightest.retry_after_seconds, 9U) << "8.5 s, rounded up";
  const Error error = refusal(refused);
  EXPECT_EQ(error.code, ErrorCode::kRateLimited);
  EXPECT_EQ(error.source, ErrorSource::kClient);
  EXPECT_EQ(error.rule, "limits.narrow");
  EXPECT_EQ(error.detail, "limit `narrow` allows the next request in 9 s");
}

TEST(Limiter, RefusedRequestsUseUpNothing) {
  Table table(kStart, 1024);
  const Limiter limiter = compile(
      table, {limit("wide", {"client.address"}, 10, 1000ms, 10),
              limit("narrow", {"operation"}, 1, 1000ms, 1), limit("longer", {}, 1, 5000ms, 1)});
  const Attributes caller = from("192.0.2.1");
  ASSERT_TRUE(limiter.admit_unidentified(caller, kStart).allowed);
  for (int i = 0; i < 50; ++i) {
    const Verdict verdict = limiter.admit_unidentified(caller, kStart);
    ASSERT_FALSE(verdict.allowed);
    EXPECT_EQ(tightest(verdict), "longer") << "the one to wait longest for";
  }
  const Verdict later = limiter.admit_unidentified(caller, kStart + 5s);
  EXPECT_TRUE(later.allowed);
}

TEST(Limiter, SharesOneOverflowBucketUnderAFloodOfKeys) {
  Table table(kStart, 16);
  const Limiter limiter = compile(table, {limit("user", {"identity.subject"}, 1, 60'000ms, 3)});
  int allowed = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string subject = "idp|" + std::to_string(i);
    allowed += limiter.admit_identified(by(subject), kStart).allowed ? 1 : 0;
  }
  EXPECT_EQ(allowed, 16 + 3);
  EXPECT_EQ(table.overflowed(), 1000U - 16U);
}

TEST(Limiter, CarriesCountsOverAReloadThatKeepsTheLimit) {
  Table table(kStart, 1024);
  const config::Limit before = limit("user", {"identity.subject"}, 1, 1000ms, 1);
  const Limiter running = compile(table, {before});
  ASSERT_TRUE(running.admit_identified(by("idp|a"), kStart).allowed);
  ASSERT_TRUE(running.admit_identified(by(""), kStart).allowed);
  EXPECT_FALSE(compile(table, {before}).admit_identified(by("idp|a"), kStart).allowed);
  EXPECT_FALSE(compile(table, {before}).admit_identified(by(""), kStart).allowed)
      << "the shared bucket carries over too";
  struct Case {
    std::string_view why;
    config::Limit after;
  };
  const Case cases[] = {
      {"name", limit("users", {"identity.subject"}, 1, 1000ms, 1)},
      {"key", limit("user", {"identity.subject", "operation"}, 1, 1000ms, 1)},
      {"rate's number", limit("user", {"identity.subject"}, 2, 1000ms, 1)},
      {"rate's time", limit("user", {"identity.subject"}, 1, 1001ms, 1)},
      {"burst", limit("user", {"identity.subject"}, 1, 1000ms, 2)},
  };
  for (const Case& c : cases) {
    EXPECT_TRUE(compile(table, {c.after}).admit_identified(by("idp|a"), kStart).allowed) << c.why;
  }
}

TEST(Limits, SelectsEachLimitOnceAndNamesMistakes) {
  Table table(kStart, 1024);
  config::Config config;
  config.limits = {limit("flood", {"client.address"}, 1, 1000ms, 5)};
  config::Diagnostics diagnostics;
  const Limits limits = Limits::compile(config, table, diagnostics);
  const Limiter limiter = limits.select(names({"flood"}), names({"flood"}), diagnostics);
  EXPECT_EQ(limiter.admit_unidentified(from("192.0.2.1"), kStart).tightest.remaining, 4U);
  EXPECT_TRUE(diagnostics.ok());
  EXPECT_TRUE(limits.select(names({"flud"}), {}, diagnostics).empty());
  EXPECT_EQ(diagnostics.errors(), 1U);
}

TEST(Limits, RefusesWhatCannotBeEnforced) {
  struct Case {
    std::string_view why;
    config::Limit limit;
  };
  const Case cases[] = {
      {"no requests", limit("a", {"operation"}, 0, 1000ms, 1)},
      {"no time", limit("a", {"operation"}, 1, 0ms, 1)},
      {"time that runs backwards", limit("a", {"operation"}, 1, -1ms, 1)},
      {"no burst", limit("a", {"operation"}, 1, 1000ms, 0)},
      {"an unknown key", limit("a", {"operation", "client.port"}, 1, 1000ms, 1)},
      {"too many parts", limit("a", std::vector<std::string>(9, "operation"), 1, 1000ms, 1)},
  };
  Table table(kStart, 16);
  for (const Case& c : cases) {
    config::Config config;
    config.limits = {c.limit};
    config::Diagnostics diagnostics;
    const Limits limits = Limits::compile(config, table, diagnostics);
    EXPECT_EQ(diagnostics.errors(), 1U) << c.why;
  }
}

// Four threads, two limits: what is allowed is what both allow, and the wider one has lost exactly
// as much, whoever was faster.
TEST(Limiter, TakesFromAllLimitsOrNoneAcrossThreads) {
  constexpr std::uint64_t kNarrow = 500;
  constexpr std::uint64_t kWide = 900;
  Table table(kStart, 1024);
  const Limiter limiter = compile(table, {limit("wide", {"client.address"}, 1, 3'600'000ms, kWide),
                                          limit("narrow", {"operation"}, 1, 3'600'000ms, kNarrow)});
  const Limiter wide = compile(table, {limit("wide", {"client.address"}, 1, 3'600'000ms, kWide)});
  std::atomic<std::uint64_t> allowed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        if (limiter.admit_unidentified(from("192.0.2.1"), kStart).allowed) allowed.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowed.load(), kNarrow);
  const Verdict rest = wide.admit_unidentified(from("192.0.2.1"), kStart);
  EXPECT_EQ(rest.tightest.remaining, kWide - kNarrow - 1);
}

}  // namespace
}  // namespace portcullis::ratelimit
