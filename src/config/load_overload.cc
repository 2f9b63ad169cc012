// `bans`, `overload`, `memory`, and what APIs, operations and upstreams say of too many requests.
#include "config/load_parts.h"
#include "config/nearest.h"

#include <fmt/format.h>

namespace portcullis::config {
namespace {

void read_counter(Scope& scope, std::string_view name, std::optional<Rate>& rate) {
  Rate read;
  if (scope.rate(name, read)) rate = read;
}

}  // namespace

void read_bans(Scope& root, Bans& bans) {
  root.mapping("bans", [&](Scope& scope) {
    scope.mapping("counters", [&](Scope& counters) {
      read_counter(counters, "malformed", bans.counters.malformed);
      read_counter(counters, "unauthenticated", bans.counters.unauthenticated);
      read_counter(counters, "rate_limited", bans.counters.rate_limited);
      read_counter(counters, "handshakes", bans.counters.handshakes);
      read_counter(counters, "slow", bans.counters.slow);
      read_counter(counters, "http2", bans.counters.http2);
      read_counter(counters, "connections", bans.counters.connections);
    });
    scope.duration("first", bans.first);
    scope.duration("maximum", bans.maximum);
    scope.duration("forgiven_after", bans.forgiven_after);
    scope.cidrs("never", bans.never);
    if (bans.maximum < bans.first)
      scope.error(scope.has("maximum") ? "maximum" : "first",
                  "the first ban would last longer than the longest: raise `maximum`, or lower "
                  "`first`");
  });
}

void read_connections(Scope& root, Connections& connections) {
  root.mapping("connections", [&](Scope& scope) {
    if (scope.integer("maximum", connections.maximum))
      connections.maximum_at = scope.place_of("maximum");
    scope.unless_said_in_words("maximum", "half of the files that the process may open");
  });
}

void read_overload(Scope& root, Overload& overload) {
  root.flag_or_mapping("overload", overload.shed, [&](Scope& scope) {
    overload.shed = true;
    scope.integer("minimum", overload.minimum);
    scope.integer("initial", overload.initial);
    scope.integer("maximum", overload.maximum);
    scope.integer("tolerance", overload.tolerance);
    if (overload.minimum > overload.maximum)
      scope.error(scope.has("minimum") ? "minimum" : "maximum",
                  fmt::format("`minimum` is {} and `maximum` is {}: it cannot be the larger one",
                              overload.minimum, overload.maximum));
    else if (overload.initial < overload.minimum || overload.initial > overload.maximum)
      scope.error(scope.has("initial") ? "initial" : "minimum",
                  fmt::format("`initial` is {}: it must lie between `minimum`, {}, and `maximum`, "
                              "{}",
                              overload.initial, overload.minimum, overload.maximum));
  });
}

void read_memory(Scope& root, Memory& memory) {
  root.mapping("memory", [&](Scope& scope) {
    scope.size("ceiling", memory.ceiling);
    scope.unless_said_in_words("ceiling",
                               "three quarters of the machine's memory or of its cgroup's limit");
  });
}

void read_load(Scope& scope, OperationSettings& settings) {
  scope.integer("concurrency", settings.concurrency);
  Priority priority = Priority::kNormal;
  if (scope.choice("priority", priority)) settings.priority = priority;
}

}  // namespace portcullis::config
