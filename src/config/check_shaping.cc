// What shaping needs of the rest of the file: upstreams where they are needed, hosts to redirect
// to, paths to rewrite.
#include "config/contains.h"
#include "config/load_shaping.h"
#include "config/nearest.h"
#include "config/rewrites.h"

#include <fmt/format.h>

#include <algorithm>

namespace portcullis::config {
namespace {

bool answers_itself(const Route& route) { return route.respond || route.redirect; }

void check_upstream(const Api& api, Context& context) {
  // Where it stands and is wrong, that has been reported.
  if (!api.upstream.value.empty() || api.upstream.at.line != 0) return;
  const auto route = std::ranges::find_if_not(api.routes, answers_itself);
  if (route == api.routes.end()) return;
  context.diagnostics.error(
      api.at, "apis." + api.name,
      fmt::format("`upstream` is missing: the name of the upstream that answers{}",
                  std::ranges::any_of(api.routes, answers_itself)
                      ? fmt::format(" {}, which has neither `respond` nor `redirect`",
                                    quote(route->operation))
                      : ""));
}

void check_rewrites(const Api& api, Context& context) {
  if (context.partial_apis.contains(api.name)) return;
  for (const Rewrite& rewrite : api.shaping.rewrites) {
    const bool used = std::ranges::any_of(
        api.routes, [&](const Route& route) { return may_match(rewrite.from, route.path); });
    if (!used)
      context.diagnostics.error(rewrite.at, "apis." + api.name + ".rewrite",
                                "no route has a path of the form of `from`, which begins below "
                                "`base_path`");
  }
}

const Listener* find_listener(const Config& config, const std::string& name) {
  const auto found = std::ranges::find(config.listeners, name, &Listener::name);
  return found == config.listeners.end() ? nullptr : &*found;
}

bool is_served_over_tls(const Config& config, const Api& api) {
  return std::ranges::any_of(api.listeners, [&](const Text& name) {
    const Listener* listener = find_listener(config, name.value);
    return listener != nullptr && listener->tls.has_value();
  });
}

void check_redirects(const Config& config, Context& context) {
  for (const Api& api : config.apis)
    for (std::size_t i = 0; i < api.listeners.size(); ++i) {
      const Text& name = api.listeners[i];
      const Listener* listener = find_listener(config, name.value);
      if (listener == nullptr || !listener->redirect_https.on) continue;
      context.diagnostics.error(name.at, fmt::format("apis.{}.listeners[{}]", api.name, i),
                                "the listener " + quote(name.value) +
                                    " has `redirect_https`: it only redirects, and serves no API");
    }
  const bool any = std::ranges::any_of(
      config.apis, [&](const Api& api) { return is_served_over_tls(config, api); });
  for (const Listener& listener : config.listeners)
    if (listener.redirect_https.on && !any)
      context.diagnostics.error(listener.at, "listeners." + listener.name + ".redirect_https",
                                "no API is served by a listener with `tls`: there is nothing to "
                                "redirect to");
}

void remark_cors(const Cors& cors, const std::string& key, Context& context) {
  for (const std::string& origin : cors.origins) {
    if (origin == "null")
      context.diagnostics.warning(
          cors.at, key,
          "`null` is the origin of every sandboxed frame and local file: anybody can have it");
    if (cors.credentials && origin.starts_with("http://") && !origin.contains("://localhost") &&
        !origin.contains("://127.") && !origin.contains("://[::1]"))
      context.diagnostics.warning(cors.at, key,
                                  quote(origin) +
                                      " comes in clear text: whoever is on its way can write the "
                                      "page that acts as your users");
  }
}

void visit_fields(
    const std::vector<FieldTemplate>& fields, const std::string& key,
    const std::function<void(std::string_view, Position, const std::string&)>& visit) {
  for (const FieldTemplate& field : fields)
    for (const ValuePart& part : field.value)
      if (part.source == ValuePart::Source::kClaim)
        visit(part.text, field.at, key + "." + field.name);
}

}  // namespace

void each_claim_in_fields(
    const Config& config,
    const std::function<void(std::string_view claim, Position at, const std::string& key)>& visit) {
  for (const Api& api : config.apis) {
    const std::string key = "apis." + api.name;
    visit_fields(api.shaping.request_headers.set, key + ".request_headers.set", visit);
    visit_fields(api.shaping.request_headers.add, key + ".request_headers.add", visit);
    visit_fields(api.shaping.response_headers.set, key + ".response_headers.set", visit);
    visit_fields(api.shaping.response_headers.add, key + ".response_headers.add", visit);
    for (std::size_t i = 0; i < api.routes.size(); ++i)
      if (api.routes[i].respond)
        visit_fields(api.routes[i].respond->headers,
                     fmt::format("{}.routes[{}].respond.headers", key, i), visit);
  }
}

void check_shaping(const Config& config, Context& context) {
  for (const Api& api : config.apis) {
    check_upstream(api, context);
    check_rewrites(api, context);
  }
  check_redirects(config, context);
}

void remark_shaping(const Config& config, Context& context) {
  for (const Api& api : config.apis) {
    const std::string key = "apis." + api.name;
    if (api.settings.shaping.cors) remark_cors(*api.settings.shaping.cors, key + ".cors", context);
    for (std::size_t i = 0; i < api.routes.size(); ++i)
      if (const auto& cors = api.routes[i].settings.shaping.cors)
        remark_cors(*cors, fmt::format("{}.routes[{}].cors", key, i), context);
    if (api.shaping.maintenance.on)
      context.diagnostics.note(api.at, key + ".maintenance",
                               quote(api.name) + " is down for maintenance: it answers 503");
  }
  const auto redirect = std::ranges::find_if(
      config.listeners, [](const Listener& listener) { return listener.redirect_https.on; });
  if (redirect == config.listeners.end()) return;
  for (const Api& api : config.apis)
    if (api.hosts.empty() && is_served_over_tls(config, api))
      context.diagnostics.warning(
          api.at, "apis." + api.name,
          "the API has every host, so that the listener " + quote(redirect->name) +
              " redirects to whatever host a request names: list its `hosts`");
}

}  // namespace portcullis::config
