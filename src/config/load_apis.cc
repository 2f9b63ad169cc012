// `apis`: what is served, to whom, and from where.
#include "base/ascii.h"
#include "config/contains.h"
#include "config/load_parts.h"
#include "config/load_shaping.h"
#include "config/nearest.h"
#include "config/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace portcullis::config {
namespace {

void refer(Scope& scope, ReferenceKind kind, const std::vector<Text>& names,
           std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    scope.context().references.push_back(
        {kind, names[i], fmt::format("{}[{}]", scope.key(name), i)});
}

void read_settings(Scope& scope, OperationSettings& settings) {
  std::vector<Text> names;
  if (scope.authenticate("authenticate", names))
    settings.authenticate = names;
  else if (scope.has("authenticate"))
    settings.authenticate = {Text{}};  // wrong, and reported: neither open nor missing
  refer(scope, ReferenceKind::kAuthenticator, names, "authenticate");
  scope.strings("limits", settings.limits);
  refer(scope, ReferenceKind::kLimit, settings.limits, "limits");
  scope.size("body_size", settings.body_size);
  scope.duration("timeout", settings.timeout);
  scope.integer("retries", settings.retries);
  std::vector<Coding> compression;
  if (scope.choices("compression", compression)) settings.compression = std::move(compression);
  Decompress decompress;
  if (scope.choice_or_block("decompress", decompress.body, [&](Scope& bounds) {
        bounds.integer("ratio", decompress.ratio);
        bounds.size("size", decompress.size);
      })) {
    settings.decompress = decompress;
  }
  read_upgrade(scope, settings);
  read_load(scope, settings);
  read_shaping_settings(scope, settings.shaping);
}

void read_route(Scope& scope, Api& api) {
  Route& route = api.routes.emplace_back();
  route.at = scope.at();
  bool good = scope.string("path", route.path);
  if (good) {
    const std::string problem = path_template_problem(route.path);
    if (!problem.empty()) scope.error("path", problem + "; found " + quote(route.path));
    good = problem.empty();
  }
  good = scope.strings("methods", route.methods) && good;
  Text operation;
  if (scope.string("operation", operation)) {
    if (is_name(operation.value)) {
      route.operation = operation.value;
    } else {
      scope.error("operation", "a name is letters, digits, `_` and `-`, at most 64; found " +
                                   quote(operation.value));
    }
  }
  read_settings(scope, route.settings);
  read_own_answer(scope, route);
  if (route.operation.empty()) scope.context().partial_apis.insert(api.name);
  // Comparisons with other routes would only repeat what has been reported.
  if (!good) route.methods.clear();
}

// Adds an entry of `operations` to the route that has the operation. A key in both places is an
// error: neither is plainly the stronger one.
void merge_settings(Scope& scope, Route& route, OperationSettings settings) {
  const auto merge = [&](std::string_view name, auto& there, auto& here) {
    if (!here) return;
    if (there)
      scope.error(name, "the route of this operation says this too, at " +
                            scope.context().place(scope.place_of(name), route.at) +
                            ": say it in one place");
    else
      there = std::move(here);
  };
  merge("authenticate", route.settings.authenticate, settings.authenticate);
  merge("timeout", route.settings.timeout, settings.timeout);
  merge("body_size", route.settings.body_size, settings.body_size);
  merge("retries", route.settings.retries, settings.retries);
  merge("compression", route.settings.compression, settings.compression);
  merge("decompress", route.settings.decompress, settings.decompress);
  merge("upgrade", route.settings.upgrade, settings.upgrade);
  merge("concurrency", route.settings.concurrency, settings.concurrency);
  merge("priority", route.settings.priority, settings.priority);
  merge("cors", route.settings.shaping.cors, settings.shaping.cors);
  merge("addresses", route.settings.shaping.addresses, settings.shaping.addresses);
  for (Text& limit : settings.limits) {
    if (contains(route.settings.limits, limit.value, &Text::value))
      scope.context().diagnostics.error(limit.at, scope.key("limits"),
                                        "the route of this operation has the limit " +
                                            quote(limit.value) + " too: remove one of them");
    else
      route.settings.limits.push_back(std::move(limit));
  }
}

void read_operations(Scope& scope, Api& api) {
  scope.named("operations", [&](const std::string& name, Scope& operation) {
    OperationSettings settings;
    read_settings(operation, settings);
    const auto route = std::ranges::find(api.routes, name, &Route::operation);
    if (route != api.routes.end()) {
      merge_settings(operation, *route, std::move(settings));
    } else if (!scope.context().partial_apis.contains(api.name)) {
      std::vector<std::string_view> names;
      names.reserve(api.routes.size());
      for (const Route& one : api.routes) names.push_back(one.operation);
      scope.context().diagnostics.error(
          operation.at(), operation.key(),
          "no route has the operation " + quote(name) + meant_or_all(name, names));
    }
  });
}

void read_hosts(Scope& scope, Api& api) {
  std::vector<Text> hosts;
  scope.strings("hosts", hosts);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const std::string_view text = hosts[i].value;
    const bool wild = text.starts_with("*.");
    const auto host = parse_host(wild ? text.substr(2) : text);
    if (host)
      api.hosts.push_back({(wild ? "*." : "") + *host, hosts[i].at});
    else
      scope.context().diagnostics.error(
          hosts[i].at, fmt::format("{}[{}]", scope.key("hosts"), i),
          "expected a host such as `api.example.com` or `*.example.com`, without a port; found " +
              quote(text));
  }
}

bool is_identity_part(std::string_view part) {
  constexpr std::array<std::string_view, 6> kParts = {"subject", "authenticator", "issuer",
                                                      "roles",   "scopes",        "key"};
  constexpr std::string_view kClaims = "claims.";
  return contains(kParts, part) ||
         (part.starts_with(kClaims) && is_name(part.substr(kClaims.size())));
}

void read_identity_field(Scope& scope, const Text& field, const Text& part, Forward& forward) {
  Diagnostics& diagnostics = scope.context().diagnostics;
  const std::string key = scope.key("identity") + "." + field.value;
  const std::string name = in_lower_case(field.value);
  const std::string read = as_cgi_reads(name);
  const std::vector<std::string_view> parts = {"subject", "authenticator", "issuer",     "roles",
                                               "scopes",  "key",           "claims.NAME"};
  if (!is_field_name(name))
    diagnostics.error(field.at, key, "expected the name of a field; found " + quote(field.value));
  else if (const std::string reason = reserved_field(read); !reason.empty())
    diagnostics.error(field.at, key, quote(name) + " " + reason + ": choose another field");
  else if (read == "authorization" || read == "cookie")
    diagnostics.error(field.at, key, quote(name) + " carries credentials: choose another field");
  else if (contains(forward.identity, read,
                    [](const auto& one) { return as_cgi_reads(one.first); }))
    diagnostics.error(field.at, key, "the field " + quote(name) + " is there twice: remove one");
  if (!is_identity_part(part.value))
    diagnostics.error(part.at, key,
                      "expected " + one_of(parts) + "; found " + quote(part.value) +
                          did_you_mean(part.value, parts));
  forward.identity.emplace_back(std::move(name), part);
}

void read_api(Scope& scope, Api& api) {
  scope.strings("listeners", api.listeners);
  refer(scope, ReferenceKind::kListener, api.listeners, "listeners");
  read_hosts(scope, api);
  if (scope.string("base_path", api.base_path)) {
    if (api.base_path == "/") api.base_path.clear();
    const std::string problem = base_path_problem(api.base_path);
    if (!problem.empty()) scope.error("base_path", problem + "; found " + quote(api.base_path));
  }
  if (scope.string("upstream", api.upstream))
    scope.context().references.push_back(
        {ReferenceKind::kUpstream, api.upstream, scope.key("upstream")});
  else if (scope.has("upstream"))
    api.upstream.at = scope.place_of("upstream");
  read_settings(scope, api.settings);
  scope.unless_said("body_size", kDefaultBodySize);
  scope.unless_said("timeout", kDefaultTimeout);
  scope.unless_said("retries", kDefaultRetries);
  scope.unless_said("compression", "none");
  scope.unless_said("decompress", "none");
  scope.mapping("forward", [&](Scope& forward) {
    forward.choice("authorization", api.forward.authorization);
    if (forward.choice("client_certificate", api.forward.client_certificate))
      api.forward.client_certificate_at = forward.place_of("client_certificate");
    forward.named_strings("identity", [&](const Text& field, const Text& part) {
      read_identity_field(forward, field, part, api.forward);
    });
  });
  read_api_shaping(scope, api);
  if (scope.has("openapi")) scope.context().partial_apis.insert(api.name);
  if (!scope.list("routes", [&](Scope& item) { read_route(item, api); }))
    scope.context().partial_apis.insert(api.name);
  read_operations(scope, api);
}

}  // namespace

void read_apis(Scope& root, Config& config) {
  root.named("apis", [&](const std::string& name, Scope& scope) {
    Api& api = config.apis.emplace_back();
    api.name = name;
    api.at = scope.at();
    read_api(scope, api);
  });
}

}  // namespace portcullis::config
