// `bans`, `overload`, `memory`, `concurrency`, `priority` and the rates of a listener.
#include "config/load.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace portcullis::config {
namespace {

using namespace std::chrono_literals;

std::string file(std::string_view top, std::string_view limits = "", std::string_view api = "",
                 std::string_view route = "", std::string_view operation = "x: {}",
                 std::string_view upstream = "") {
  return fmt::format(
      "version: 1\n{}\nlisteners: {{ a: {{ address: \"127.0.0.1:8080\", limits: {{ {} }} }} }}\n"
      "apis:\n"
      "  shop:\n"
      "    listeners: [a]\n"
      "    upstream: u\n"
      "    authenticate: none\n"
      "    {}\n"
      "    routes:\n"
      "      - {{ path: /x, methods: [GET, POST], operation: x{} }}\n"
      "      - {{ path: /x, methods: [PUT], operation: y }}\n"
      "    operations: {{ {} }}\n"
      "upstreams: {{ u: {{ targets: [\"127.0.0.1:9000\"]{} }} }}\n",
      top, limits, api, route, operation, upstream);
}

TEST(Overload, IsOffAndNothingIsCountedUnlessSaid) {
  Diagnostics diagnostics;
  const auto config = load_text(file(""), "a.yaml", diagnostics);
  ASSERT_TRUE(config) << diagnostics.to_string();
  EXPECT_FALSE(config->overload.shed);
  EXPECT_EQ(config->memory.ceiling, 0U);
  EXPECT_FALSE(config->bans.counters.malformed);
  EXPECT_FALSE(config->apis[0].settings.concurrency);
  EXPECT_EQ(config->listeners[0].limits.minimum_body_rate, 240U);
  EXPECT_EQ(config->listeners[0].limits.minimum_send_rate, 240U);
  EXPECT_FALSE(config->listeners[0].limits.rate_grace) << "as body_timeout";
  EXPECT_FALSE(config->listeners[0].limits.connections_at);
  EXPECT_EQ(config->connections.maximum, 0U) << "as the files that may be open";
  EXPECT_EQ(config->listeners[0].limits.connection_rate_per_address.count, 1000U);
  EXPECT_EQ(config->listeners[0].limits.connection_rate_per_address.per, 1s);
  EXPECT_EQ(config->listeners[0].limits.query_arguments, 1000U);
  EXPECT_FALSE(config->listeners[0].limits.handshake_timeout) << "as head_timeout";
}

TEST(Overload, IsReadWhereItStands) {
  Diagnostics diagnostics;
  const auto config = load_text(
      file("memory: { ceiling: 2GiB }\n"
           "connections: { maximum: 3000 }\n"
           "overload: { minimum: 4, initial: 10, maximum: 100, tolerance: 200 }\n"
           "bans: { counters: { malformed: 20/1m, http2: 5/10s, connections: 9/1s }, first: 10s, "
           "maximum: 1h, "
           "forgiven_after: 2h, never: [192.0.2.0/24] }",
           "connections: 5, minimum_body_rate: 1KiB, minimum_send_rate: 0, rate_grace: 3s, "
           "connection_rate_per_address: 20/10s, query_arguments: 0, handshake_timeout: 2s",
           "concurrency: 100\n    priority: high", ", concurrency: 5, priority: low",
           "y: { concurrency: 7, priority: critical }", ", concurrency: 50"),
      "a.yaml", diagnostics);
  ASSERT_TRUE(config) << diagnostics.to_string();
  EXPECT_EQ(config->memory.ceiling, 2ULL << 30U);
  EXPECT_TRUE(config->overload.shed);
  EXPECT_EQ(config->overload.initial, 10U);
  EXPECT_EQ(config->overload.tolerance, 200U);
  EXPECT_EQ(config->bans.counters.malformed->count, 20U);
  EXPECT_EQ(config->bans.counters.http2->per, 10s);
  EXPECT_FALSE(config->bans.counters.slow);
  EXPECT_EQ(config->bans.counters.connections->count, 9U);
  EXPECT_EQ(config->connections.maximum, 3000U);
  EXPECT_EQ(config->connections.maximum_at.line, 3U);
  EXPECT_EQ(config->bans.first, 10s);
  EXPECT_EQ(config->bans.forgiven_after, 2h);
  EXPECT_EQ(config->bans.never.size(), 1U);
  EXPECT_TRUE(config->listeners[0].limits.connections_at);
  EXPECT_EQ(config->listeners[0].limits.minimum_body_rate, 1024U);
  EXPECT_EQ(config->listeners[0].limits.minimum_send_rate, 0U);
  EXPECT_EQ(config->listeners[0].limits.connection_rate_per_address.count, 20U);
  EXPECT_EQ(config->listeners[0].limits.query_arguments, 0U);
  EXPECT_EQ(config->listeners[0].limits.handshake_timeout, 2s);
  const Api& api = config->apis[0];
  EXPECT_EQ(api.settings.concurrency, 100U);
  EXPECT_EQ(api.settings.priority, Priority::kHigh);
  EXPECT_EQ(api.routes[0].settings.concurrency, 5U);
  EXPECT_EQ(api.routes[0].settings.priority, Priority::kLow);
  EXPECT_EQ(api.routes[1].settings.concurrency, 7U);
  EXPECT_EQ(api.routes[1].settings.priority, Priority::kCritical);
  EXPECT_EQ(config->upstreams[0].concurrency, 50U);
}

TEST(Overload, MayBeOnlySwitched) {
  Diagnostics diagnostics;
  const auto on = load_text(file("overload: true"), "a.yaml", diagnostics);
  ASSERT_TRUE(on);
  EXPECT_TRUE(on->overload.shed);
  EXPECT_EQ(on->overload.minimum, 8U);
  const auto off = load_text(file("overload: false"), "a.yaml", diagnostics);
  ASSERT_TRUE(off);
  EXPECT_FALSE(off->overload.shed);
}

TEST(Overload, ReportsWhatIsWrong) {
  struct Case {
    std::string_view why;
    std::string text;
    std::string_view key;
    std::string_view message;  // a part of it
  };
  const Case cases[] = {
      {"no memory", file("memory: { ceiling: 1MiB }"), "memory.ceiling", "from 4MiB"},
      {"a share", file("memory: { ceiling: 75% }"), "memory.ceiling", "expected"},
      {"a word", file("overload: yes please"), "overload", "`true`, `false` or a mapping"},
      {"minimum above maximum", file("overload: { minimum: 2000 }"), "overload.minimum",
       "cannot be the larger one"},
      {"initial outside", file("overload: { initial: 4 }"), "overload.initial",
       "must lie between `minimum`, 8, and `maximum`, 1024"},
      {"a tolerance that any noise exceeds", file("overload: { tolerance: 100 }"),
       "overload.tolerance", "from 110"},
      {"an unknown key", file("overload: { limit: 4 }"), "overload", "unknown key"},
      {"an unknown counter", file("bans: { counters: { forbidden: 5/1m } }"), "bans.counters",
       "unknown key"},
      {"a number for a rate", file("bans: { counters: { malformed: 5 } }"),
       "bans.counters.malformed", "expected a rate"},
      {"first above maximum", file("bans: { first: 2h, maximum: 1h }"), "bans.maximum",
       "the first ban would last longer than the longest"},
      {"first above the default", file("bans: { first: 30d }"), "bans.first",
       "the first ban would last longer than the longest"},
      {"no time", file("bans: { first: 0s }"), "bans.first", "from 1s"},
      {"an address that is none", file("bans: { never: [example.com] }"), "bans.never[0]",
       "expected"},
      {"nothing may be under way", file("", "", "concurrency: 0"), "apis.shop.concurrency",
       "from 1"},
      {"no priority", file("", "", "priority: urgent"), "apis.shop.priority", "low"},
      {"said twice", file("", "", "", ", concurrency: 5", "x: { concurrency: 6 }"),
       "apis.shop.operations.x.concurrency", "say it in one place"},
      {"of an upstream", file("", "", "", "", "x: {}", ", concurrency: none"),
       "upstreams.u.concurrency", "expected"},
      {"a rate of bytes that is a rate of requests", file("", "minimum_body_rate: 100/s"),
       "listeners.a.limits.minimum_body_rate", "expected"},
      {"nobody at all", file("connections: { maximum: 0 }"), "connections.maximum", "from 1"},
      {"a number of connections alone", file("connections: 3000"), "connections", "expected"},
      {"connections a second as a number", file("", "connection_rate_per_address: 100"),
       "listeners.a.limits.connection_rate_per_address", "expected a rate"},
      {"more arguments than fit any head", file("", "query_arguments: 1000000"),
       "listeners.a.limits.query_arguments", "100000"},
      {"no time for a handshake", file("", "handshake_timeout: 0s"),
       "listeners.a.limits.handshake_timeout", "from 10ms"},
      {"no grace", file("", "rate_grace: 0s"), "listeners.a.limits.rate_grace", "from 10ms"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    Diagnostics diagnostics;
    EXPECT_FALSE(load_text(c.text, "a.yaml", diagnostics));
    const bool found = std::ranges::any_of(diagnostics.all(), [&](const Diagnostic& one) {
      return one.key == c.key && one.message.contains(c.message) && one.at.line > 0;
    });
    EXPECT_TRUE(found) << diagnostics.to_string();
  }
}

}  // namespace
}  // namespace portcullis::config
