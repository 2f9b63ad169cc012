// APIs: no two answer one request, every operation says who may call it, and limits can be counted.
#include "config/load_parts.h"
#include "config/nearest.h"
#include "config/references.h"
#include "config/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace portcullis::config {
namespace {

std::string route_key(const Api& api, std::size_t index) {
  return fmt::format("apis.{}.routes[{}]", api.name, index);
}

void check_routes(const Api& api, Context& context) {
  std::map<std::string, Position> shapes;
  std::map<std::string, Position> operations;
  for (std::size_t i = 0; i < api.routes.size(); ++i) {
    const Route& route = api.routes[i];
    for (const std::string& method : route.methods) {
      const std::string shape = method + " " + path_shape(route.path);
      if (const auto [earlier, fresh] = shapes.emplace(shape, route.at); !fresh)
        context.diagnostics.error(route.at, route_key(api, i),
                                  "another route takes " + quote(shape) + ", at " +
                                      context.place(route.at, earlier->second) +
                                      ": change the path or the methods of one");
    }
    if (route.operation.empty()) continue;
    if (const auto [earlier, fresh] = operations.emplace(route.operation, route.at); !fresh)
      context.diagnostics.error(route.at, route_key(api, i) + ".operation",
                                "another route is the operation " + quote(route.operation) +
                                    ", at " + context.place(route.at, earlier->second) +
                                    ": give each a name of its own");
  }
}

void check_authenticate(const Api& api, Context& context) {
  if (api.settings.authenticate) return;
  constexpr std::string_view kRemedy =
      "says who may call it: name authenticators in `authenticate`, or write `authenticate: none` "
      "if it should be open";
  const bool by_route = std::ranges::any_of(
      api.routes, [](const Route& route) { return route.settings.authenticate.has_value(); });
  if (!by_route) {
    context.diagnostics.error(api.at, "apis." + api.name, fmt::format("nothing {}", kRemedy));
    return;
  }
  for (std::size_t i = 0; i < api.routes.size(); ++i)
    if (authenticators_of(api, api.routes[i]) == nullptr)
      context.diagnostics.error(api.routes[i].at, route_key(api, i),
                                fmt::format("neither the route nor its API {}", kRemedy));
}

// A limit by identity that the operator gives to an open operation counts nothing. One that an open
// operation inherits from its API is meant for the others; its callers share one bucket.
class LimitCheck {
 public:
  LimitCheck(const Config& config, Context& context) : context_(context) {
    for (const Limit& limit : config.limits)
      if (std::ranges::any_of(limit.key, needs_identity, &Text::value))
        by_identity_.insert(limit.name);
  }

  void check(const Api& api) {
    bool all_open = !context_.partial_apis.contains(api.name);
    for (std::size_t i = 0; i < api.routes.size(); ++i) {
      const Route& route = api.routes[i];
      const std::vector<Text>* names = authenticators_of(api, route);
      if (names == nullptr || !names->empty()) {
        all_open = false;
        continue;
      }
      for (const Text& limit : route.settings.limits) report(limit, route_key(api, i) + ".limits");
    }
    if (all_open)
      for (const Text& limit : api.settings.limits) report(limit, "apis." + api.name + ".limits");
  }

 private:
  void report(const Text& limit, const std::string& key) {
    if (by_identity_.contains(limit.value))
      context_.diagnostics.error(
          limit.at, key,
          "the limit " + quote(limit.value) +
              " counts by identity, and `authenticate: none` gives none: name "
              "authenticators, or count by `client.address`");
  }

  Context& context_;
  std::set<std::string_view> by_identity_;
};

void check_overlaps(const Config& config, Context& context) {
  std::map<std::string, const Api*> places;
  for (const Api& api : config.apis) {
    bool reported = false;
    std::vector<std::string> hosts;
    hosts.reserve(api.hosts.size() + 1);
    for (const Text& host : api.hosts) hosts.push_back(host.value);
    if (hosts.empty()) hosts.emplace_back();
    for (const Text& listener : api.listeners)
      for (const std::string& host : hosts) {
        const auto [earlier, fresh] =
            places.emplace(listener.value + " " + host + api.base_path, &api);
        if (fresh || reported || earlier->second == &api) continue;
        reported = true;
        context.diagnostics.error(
            api.at, "apis." + api.name,
            fmt::format("the API {} has {} {} on the listener {} too, at {}: change the hosts, "
                        "base_path or listeners of one",
                        quote(earlier->second->name), host.empty() ? "every host" : quote(host),
                        api.base_path.empty() ? "without a base_path"
                                              : "with base_path " + quote(api.base_path),
                        quote(listener.value), context.place(api.at, earlier->second->at)));
      }
  }
}

}  // namespace

void check_apis(const Config& config, Context& context) {
  LimitCheck limits(config, context);
  for (const Api& api : config.apis) {
    check_routes(api, context);
    check_authenticate(api, context);
    limits.check(api);
  }
  check_overlaps(config, context);
}

}  // namespace portcullis::config
