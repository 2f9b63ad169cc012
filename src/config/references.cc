#include "config/references.h"

#include "config/load_parts.h"
#include "config/load_shaping.h"
#include "config/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace portcullis::config {
namespace {

template <typename Items>
std::vector<std::string_view> names_in(const Items& items) {
  std::vector<std::string_view> names;
  names.reserve(items.size());
  for (const auto& item : items) names.push_back(item.name);
  return names;
}

// What is referred to, in words and as names.
struct Definitions {
  std::string_view word;
  std::vector<std::string_view> names;
  std::set<std::string_view> set;
  Definitions(std::string_view what, std::vector<std::string_view> all)
      : word(what), names(std::move(all)), set(names.begin(), names.end()) {}
};

void check_names(const Config& config, Context& context) {
  // In the order of ReferenceKind.
  const std::array<Definitions, 5> definitions = {
      Definitions("listener", names_in(config.listeners)),
      Definitions("upstream", names_in(config.upstreams)),
      Definitions("authenticator", names_in(config.authenticators)),
      Definitions("limit", names_in(config.limits)), Definitions("role", names_in(config.roles))};
  for (const Reference& reference : context.references) {
    const Definitions& known = definitions.at(static_cast<std::size_t>(reference.kind));
    if (known.set.contains(reference.text.value)) continue;
    std::string meant = did_you_mean(reference.text.value, known.names);
    if (meant.empty())
      meant = known.names.empty() ? fmt::format("; no {} is defined", known.word)
                                  : fmt::format("; there is {}", one_of(known.names));
    context.diagnostics.error(
        reference.text.at, reference.key,
        fmt::format("unknown {} {}{}", known.word, quote(reference.text.value), meant));
  }
}

// The claims that some authenticator gives; nothing when one could not be read whole.
std::optional<std::set<std::string_view>> claims_in(const Config& config) {
  std::set<std::string_view> claims;
  for (const Authenticator& one : config.authenticators) {
    if (!one.jwt && !one.api_key && !one.mutual_tls) return std::nullopt;
    if (one.jwt)
      for (const auto& [name, path] : one.jwt->claims) claims.insert(name);
  }
  return claims;
}

void check_claims(const Config& config, Context& context) {
  const auto claims = claims_in(config);
  if (!claims) return;
  const std::vector<std::string_view> names(claims->begin(), claims->end());
  const auto check = [&](const Text& text, std::string_view prefix, const std::string& key) {
    if (!text.value.starts_with(prefix)) return;
    const std::string_view claim = std::string_view(text.value).substr(prefix.size());
    if (!claims->contains(claim))
      context.diagnostics.error(text.at, key,
                                "no authenticator has the claim " + quote(claim) +
                                    " among its `claims`" + meant_or_all(claim, names) +
                                    (names.empty() ? ": name it there" : ""));
  };
  for (const Limit& limit : config.limits)
    for (const Text& part : limit.key)
      check(part, "identity.claims.", "limits." + limit.name + ".key");
  for (const Api& api : config.apis)
    for (const auto& [field, part] : api.forward.identity)
      check(part, "claims.", "apis." + api.name + ".forward.identity." + field);
  each_claim_in_fields(config, [&](std::string_view claim, Position at, const std::string& key) {
    check({std::string(claim), at}, "", key);
  });
}

template <typename Items>
void remark_unused(const Items& items, const std::set<std::string_view>& used,
                   std::string_view block, std::string_view what, Context& context) {
  for (const auto& item : items)
    if (!used.contains(item.name))
      context.diagnostics.warning(item.at, fmt::format("{}.{}", block, item.name),
                                  fmt::format("no {}", what));
}

void remark_unused(const Config& config, Context& context) {
  std::array<std::set<std::string_view>, 5> used;
  for (const Reference& reference : context.references)
    used.at(static_cast<std::size_t>(reference.kind)).insert(reference.text.value);
  for (const Listener& listener : config.listeners)
    if (listener.redirect_https.on) used[0].insert(listener.name);
  const auto of = [&](ReferenceKind kind) { return used.at(static_cast<std::size_t>(kind)); };
  remark_unused(config.listeners, of(ReferenceKind::kListener), "listeners",
                "API is served by this listener", context);
  remark_unused(config.upstreams, of(ReferenceKind::kUpstream), "upstreams",
                "API uses this upstream", context);
  remark_unused(config.authenticators, of(ReferenceKind::kAuthenticator), "authenticators",
                "API uses this authenticator", context);
  remark_unused(config.limits, of(ReferenceKind::kLimit), "limits", "API uses this limit", context);
}

// Every `api.operation` that a role permits.
std::set<std::string> permitted_operations(const Config& config) {
  std::set<std::string_view> entries;
  for (const Role& role : config.roles)
    for (const Text& entry : role.permits) entries.insert(entry.value);
  std::set<std::string> permitted;
  for (const Api& api : config.apis)
    for (const Route& route : api.routes) {
      const std::string full = api.name + "." + route.operation;
      if (entries.contains(full) || entries.contains(route.operation)) permitted.insert(full);
    }
  return permitted;
}

void remark_operation(const Api& api, const Route& route, std::size_t index, bool permitted,
                      const std::map<std::string_view, const Limit*>& limits, Context& context) {
  const std::string key = fmt::format("apis.{}.routes[{}]", api.name, index);
  const std::string name = quote(api.name + "." + route.operation);
  if (!authenticators_of(api, route)->empty()) {
    if (!permitted)
      context.diagnostics.warning(route.at, key,
                                  "nobody can call " + name + ": no role permits it");
    return;
  }
  std::string shared;
  for (const Text& limit : api.settings.limits) {
    const Limit& one = *limits.at(limit.value);
    if (std::ranges::any_of(one.key, needs_identity, &Text::value))
      shared += (shared.empty() ? "; its callers share one bucket of " : ", ") + quote(one.name);
  }
  context.diagnostics.note(route.at, key, name + " is open: anyone can call it" + shared);
}

}  // namespace

const std::vector<Text>* authenticators_of(const Api& api, const Route& route) {
  if (route.settings.authenticate) return &*route.settings.authenticate;
  if (api.settings.authenticate) return &*api.settings.authenticate;
  return nullptr;
}

void check_references(const Config& config, Context& context) {
  check_names(config, context);
  check_claims(config, context);
  check_roles(config, context);
  check_apis(config, context);
  check_shaping(config, context);
  check_upgrades(config, context);
  check_certificates(config, context);
}

void remark(const Config& config, Context& context) {
  remark_unused(config, context);
  remark_certificates(config, context);
  const std::set<std::string> permitted = permitted_operations(config);
  std::map<std::string_view, const Limit*> limits;
  for (const Limit& limit : config.limits) limits.emplace(limit.name, &limit);
  for (const Api& api : config.apis)
    for (std::size_t i = 0; i < api.routes.size(); ++i)
      remark_operation(api, api.routes[i], i,
                       permitted.contains(api.name + "." + api.routes[i].operation), limits,
                       context);
  remark_shaping(config, context);
}

}  // namespace portcullis::config
