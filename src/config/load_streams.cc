// `streams`, and `upgrade` of APIs and operations: what lasts longer than a request does.
#include "base/ascii.h"
#include "config/contains.h"
#include "config/load_parts.h"
#include "config/nearest.h"
#include "config/references.h"
#include "config/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace portcullis::config {
namespace {

// What carries HTTP requests itself: they would pass by every check of this gateway.
constexpr std::array<std::string_view, 5> kHttpAgain = {"h2c", "h2", "http", "https", "tls"};

// RFC 9110 7.8: protocol-name ["/" protocol-version]. Empty when it is good.
std::string protocol_problem(std::string_view protocol) {
  const std::size_t slash = protocol.find('/');
  const std::string_view name = protocol.substr(0, slash);
  const bool versioned = slash != std::string_view::npos;
  if (!is_field_name(name) || (versioned && !is_field_name(protocol.substr(slash + 1))))
    return "expected the name of a protocol, such as `websocket`; found " + quote(protocol);
  if (contains(kHttpAgain, name))
    return quote(protocol) +
           " carries HTTP requests, which nothing would check: it can never be allowed";
  return {};
}

}  // namespace

void read_streams(Scope& root, Streams& streams) {
  root.mapping("streams", [&](Scope& scope) {
    scope.duration("maximum_age", streams.maximum_age);
    scope.duration("idle_timeout", streams.idle_timeout);
  });
}

void read_upgrade(Scope& scope, OperationSettings& settings) {
  std::vector<Text> protocols;
  if (!scope.strings("upgrade", protocols)) return;
  auto& known = settings.upgrade.emplace();
  for (std::size_t i = 0; i < protocols.size(); ++i) {
    Text protocol{in_lower_case(protocols[i].value), protocols[i].at};
    std::string problem = protocol_problem(protocol.value);
    if (problem.empty() && contains(known, protocol.value, &Text::value))
      problem = quote(protocol.value) + " is there twice: remove one";
    if (!problem.empty())
      scope.context().diagnostics.error(protocol.at, fmt::format("{}[{}]", scope.key("upgrade"), i),
                                        std::move(problem));
    else
      known.push_back(std::move(protocol));
  }
}

void check_upgrades(const Config& config, Context& context) {
  for (const Api& api : config.apis) {
    for (std::size_t i = 0; i < api.routes.size(); ++i) {
      const Route& route = api.routes[i];
      if (!route.settings.upgrade || route.methods.empty()) continue;
      for (const Text& protocol : *route.settings.upgrade) {
        if (protocol.value != "websocket" || contains(route.methods, "GET")) continue;
        context.diagnostics.error(
            protocol.at, fmt::format("apis.{}.routes[{}].upgrade", api.name, i),
            "a WebSocket is asked for by GET, which the route does not have among its `methods`");
      }
    }
  }
}

}  // namespace portcullis::config
