#include "gateway/explain_facts.h"

#include "config/nearest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace portcullis::gateway {
namespace {

constexpr std::size_t kMostSuggestions = 3;

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    segments.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(segments.back().size());
  }
  return segments;
}

// How far a path is from a template: segments that differ, near misses for less.
std::size_t distance(const std::vector<std::string_view>& path,
                     const std::vector<std::string_view>& wanted) {
  constexpr std::size_t kSegment = 4;
  // The rest of a path is as long as it must be.
  if (!wanted.empty() && wanted.back().ends_with("...}") && path.size() >= wanted.size()) {
    const auto head = static_cast<std::ptrdiff_t>(wanted.size()) - 1;
    return distance({path.begin(), path.begin() + head}, {wanted.begin(), wanted.end() - 1});
  }
  const std::size_t shared = std::min(path.size(), wanted.size());
  std::size_t sum = kSegment * (std::max(path.size(), wanted.size()) - shared);
  for (std::size_t i = 0; i < shared; ++i) {
    if (wanted[i].starts_with('{') ? !path[i].empty() : path[i] == wanted[i]) continue;
    sum += config::nearest(path[i], {wanted[i]}).empty() ? kSegment : 1;
  }
  return sum;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 3> kUnits = {
      {{1ULL << 30U, "GiB"}, {1ULL << 20U, "MiB"}, {1ULL << 10U, "KiB"}}};
  for (const auto& [factor, unit] : kUnits)
    if (bytes != 0 && bytes % factor == 0) return fmt::format("{}{}", bytes / factor, unit);
  return fmt::format("{} bytes", bytes);
}

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

// Subjects, roles and claims come from outside: what a terminal would obey is not said.
std::string shown(std::string_view text) { return config::quote(text); }

std::string shown(const std::vector<std::string>& texts) {
  if (texts.empty()) return "none";
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + shown(text);
  return all;
}

}  // namespace

bool takes_host(const config::Api& api, std::string_view host) {
  return api.hosts.empty() || std::ranges::any_of(api.hosts, [&](const config::Text& one) {
           const std::string_view name = one.value;
           return name == host || (name.starts_with("*.") && host.ends_with(name.substr(1)) &&
                                   host.size() >= name.size());
         });
}

std::string rate_text(const config::Rate& rate) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 4> kUnits = {
      {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}}};
  const std::int64_t per = rate.per.count();
  for (const auto& [factor, unit] : kUnits) {
    if (per % factor != 0) continue;
    return per == factor ? fmt::format("{}/{}", rate.count, unit)
                         : fmt::format("{}/{}{}", rate.count, per / factor, unit);
  }
  return fmt::format("{}/{}ms", rate.count, per);
}

// ---- where things are written

std::vector<FactFinder::Place> FactFinder::places() const {
  std::vector<Place> all;
  const Plan* plan = snapshot_.plans().data();
  for (const config::Api& api : snapshot_.config().apis) {
    for (std::size_t i = 0; i < api.routes.size(); ++i)
      all.push_back({plan++, &api, &api.routes[i], fmt::format("apis.{}.routes[{}]", api.name, i)});
  }
  return all;
}

FactFinder::Place FactFinder::place_of(const Plan& plan) const {
  return places()[static_cast<std::size_t>(&plan - snapshot_.plans().data())];
}

std::string FactFinder::key_of_setting(const Plan& plan, std::string_view name) const {
  const std::string api = "apis." + plan.api;
  for (const std::string& block :
       {place_of(plan).key, api + ".operations." + plan.operation, api}) {
    std::string key = block + "." + std::string(name);
    if (places_.has_place(key)) return key;
  }
  return {};
}

std::string FactFinder::line_of_setting(const Plan& plan, const std::string& name) const {
  const std::string key = key_of_setting(plan, name);
  return places_.line_of(key.empty() ? "apis." + plan.api : key);
}

void FactFinder::add_settings(Step step, const Plan& plan, std::vector<Fact>& facts) const {
  struct Setting {
    Step step;
    std::string_view name;
    std::string_view what;
  };
  constexpr Setting kSettings[] = {
      {Step::kAdmit, "addresses", "from where one may call"},
      {Step::kValidate, "decompress", "a compressed body is looked into"},
      {Step::kValidate, "upgrade", "to which protocols a connection may switch"},
      {Step::kForward, "strip_prefix", "the upstream gets the path without base_path"},
      {Step::kForward, "rewrite", "the upstream may get another path"},
      {Step::kForward, "request_headers", "fields that the upstream gets"},
      {Step::kForward, "forward.client_certificate", "what the upstream is told of a certificate"},
      {Step::kForward, "response_headers", "fields that the client gets"},
      {Step::kForward, "cors", "pages of which origins may read the answer"},
      {Step::kForward, "compression", "how the answer may be compressed"},
  };
  for (const Setting& each : kSettings) {
    if (each.step != step) continue;
    const std::string key = key_of_setting(plan, each.name);
    if (!key.empty())
      facts.push_back({fmt::format("{}: {}", key, each.what), places_.line_of(key)});
  }
}

// ---- steps that were passed

std::vector<Fact> FactFinder::about_reading(const http::Request& request) const {
  return {{fmt::format("{} {} of host {}", request.method_text, shown(request.path),
                       shown(request.authority)),
           places_.line_of("listeners." + listener_.config.name)}};
}

std::vector<Fact> FactFinder::about_route(const Plan& plan) const {
  const Place place = place_of(plan);
  return {{fmt::format("{} ({} {}{})", plan.full_operation,
                       fmt::format("{}", fmt::join(place.route->methods, " ")),
                       place.api->base_path, place.route->path),
           plan.source}};
}

std::vector<Fact> FactFinder::about_limits(const ratelimit::Limiter::List& limits) const {
  std::vector<Fact> facts;
  for (const auto& limit : limits) {
    const auto written =
        std::ranges::find(snapshot_.config().limits, limit->name, &config::Limit::name);
    std::vector<std::string> key;
    for (const config::Text& part : written->key) key.push_back(part.value);
    facts.push_back({fmt::format("{}: {}, {} at once, counted by {}", limit->rule,
                                 rate_text(written->rate), limit->burst, joined(key)),
                     places_.line_of(limit->rule)});
  }
  return facts;
}

std::vector<Fact> FactFinder::about_identity(const Account& account) const {
  if (account.plan->door.open())
    return {{"open: nobody is asked who they are", line_of_setting(*account.plan, "authenticate")}};
  const authn::Identity& identity = *account.identity;
  const std::string rule = "authenticators." + identity.authenticator;
  std::vector<Fact> facts = {
      {fmt::format("{}: {}", rule, shown(identity.subject)), places_.line_of(rule)}};
  facts.push_back({"roles: " + shown(identity.roles), {}});
  if (!identity.scopes.empty()) facts.push_back({"scopes: " + shown(identity.scopes), {}});
  return facts;
}

std::vector<Fact> FactFinder::about_roles(const Account& account) const {
  const Plan& plan = *account.plan;
  if (plan.door.open()) return {{"open: no role is needed", line_of_setting(plan, "authenticate")}};
  std::vector<Fact> facts;
  for (const authz::Permits::Grant& grant :
       snapshot_.permits().why(plan.full_operation, account.identity->role_ids)) {
    facts.push_back(
        {fmt::format("roles.{} has {}", grant.role, grant.entry), places_.line_of(grant.at)});
  }
  return facts;
}

std::vector<Fact> FactFinder::about_body(const Plan& plan, const http::Request& request) const {
  std::string what = "no body";
  if (request.body == http::BodyKind::kLength) {
    what = fmt::format("a body of {} bytes; at most {} may come", request.content_length,
                       size_text(plan.body_size));
  } else if (request.body == http::BodyKind::kUnknown) {
    what = fmt::format("a chunked body; at most {} may come", size_text(plan.body_size));
  }
  return {{what, line_of_setting(plan, "body_size")}};
}

std::vector<Fact> FactFinder::about_upstream(const Plan& plan) const {
  const config::Upstream& upstream = snapshot_.config().upstreams[plan.upstream];
  std::string what = fmt::format("upstreams.{}: {}", upstream.name, upstream.targets.front().value);
  if (upstream.targets.size() > 1) what += fmt::format(" and {} more", upstream.targets.size() - 1);
  const std::string key = "upstreams." + upstream.name;
  std::vector<Fact> facts = {{std::move(what), places_.line_of(key)}};
  constexpr std::pair<std::string_view, std::string_view> kSettings[] = {
      {"tls", "over TLS, the target's certificate verified"},
      {"proxy_protocol", "behind a PROXY header"},
      {"health", "to those targets that are well, which is not known here"},
      {"eject", "to none that has failed lately, which is not known here"},
  };
  for (const auto& [name, means] : kSettings) {
    const std::string setting = fmt::format("{}.{}", key, name);
    if (places_.has_place(setting))
      facts.push_back({fmt::format("{}: {}", setting, means), places_.line_of(setting)});
  }
  return facts;
}

std::vector<Fact> FactFinder::of(Step step, const Account& account,
                                 const http::Request& request) const {
  if (step == Step::kRead) return about_reading(request);
  if (account.plan == nullptr) return {};  // the listener answers before there is a route
  const Plan& plan = *account.plan;
  std::vector<Fact> facts;
  switch (step) {
    case Step::kRead:
      break;
    case Step::kRoute:
      return about_route(plan);
    case Step::kAdmit:
      facts = about_limits(plan.limits.unidentified());
      break;
    case Step::kAuthenticate:
      return about_identity(account);
    case Step::kLimit:
      return about_limits(plan.limits.identified());
    case Step::kAuthorize:
      return about_roles(account);
    case Step::kValidate:
      facts = about_body(plan, request);
      break;
    case Step::kForward:
      facts = about_upstream(plan);
      break;
  }
  add_settings(step, plan, facts);
  return facts;
}

std::vector<Fact> FactFinder::of_answer(const Account& account) const {
  const auto fact = [&](const std::string& key) {
    return Fact{"answered here: " + key, places_.line_of(key)};
  };
  if (account.plan == nullptr)
    return {fact("listeners." + listener_.config.name + ".redirect_https")};
  // Before anybody is asked who they are, only a preflight is answered.
  if (account.step == Step::kAdmit) return {fact(key_of_setting(*account.plan, "cors"))};
  for (const std::string_view name : {"respond", "redirect"}) {
    const std::string key = key_of_setting(*account.plan, name);
    if (!key.empty()) return {fact(key)};
  }
  return {};
}

// ---- the step that refused

std::vector<Fact> FactFinder::about_missing_role(const Plan& plan,
                                                 const authn::Identity& identity) const {
  const std::string& operation = plan.full_operation;
  const std::vector<std::string> permitting = snapshot_.permits().who_may(operation);
  std::vector<Fact> facts = {{"the caller's roles: " + shown(identity.roles), {}}};
  if (permitting.empty()) {
    facts.push_back(
        {"no role permits " + operation + ": name it in one of `roles`", places_.line_of("roles")});
  }
  for (const std::string& role : permitting)
    facts.push_back({"roles." + role + " would permit it", places_.line_of("roles." + role)});
  return facts;
}

// What could have been meant when no API here has the host.
std::vector<Fact> FactFinder::about_other_hosts(const http::Request& request) const {
  std::vector<Fact> facts;
  std::vector<std::string_view> known;
  for (const config::Api& api : snapshot_.config().apis) {
    for (const config::Text& host : api.hosts) known.push_back(host.value);
    if (!takes_host(api, request.host)) continue;
    std::vector<std::string> names;
    for (const config::Text& name : api.listeners) names.push_back(name.value);
    facts.push_back({fmt::format("apis.{} has it, on the listener {}", api.name, joined(names)),
                     places_.line_of("apis." + api.name + ".listeners")});
  }
  const std::string meant = config::did_you_mean(request.host, known);
  facts.insert(facts.begin(),
               {fmt::format("no API on the listener {} has the host {}{}", listener_.config.name,
                            shown(request.host), facts.empty() ? meant : ""),
                places_.line_of("listeners." + listener_.config.name)});
  return facts;
}

std::vector<Fact> FactFinder::about_other_routes(const http::Request& request) const {
  struct Candidate {
    std::size_t distance;
    Place place;
    std::string path;
  };
  std::vector<Candidate> candidates;
  const std::vector<std::string_view> wanted = segments_of(request.path);
  for (Place& place : places()) {
    const bool here = std::ranges::any_of(place.api->listeners, [&](const config::Text& name) {
      return name.value == listener_.config.name;
    });
    if (!here || !takes_host(*place.api, request.host)) continue;
    std::string path = place.api->base_path + place.route->path;
    const std::size_t far = distance(wanted, segments_of(path));
    candidates.push_back({far, std::move(place), std::move(path)});
  }
  if (candidates.empty()) return about_other_hosts(request);
  std::ranges::sort(candidates, {}, [](const Candidate& one) {
    return std::pair(one.distance, one.place.plan);  // plans are in the order of the file
  });
  // The routes of this very path have other methods; where there are some, no other was meant.
  const bool exact = candidates.front().distance == 0;
  std::vector<Fact> facts;
  for (const Candidate& one : candidates) {
    if (facts.size() == kMostSuggestions || (exact && one.distance > 0)) break;
    facts.push_back({fmt::format("{} {} {} ({})", exact ? "there is" : "near:",
                                 fmt::join(one.place.route->methods, " "), one.path,
                                 one.place.plan->full_operation),
                     one.place.plan->source});
  }
  return facts;
}

std::vector<Fact> FactFinder::of_refusal(const Account& account, const Error& error,
                                         const http::Request& request) const {
  std::string at = places_.line_of(error.rule);
  std::vector<Fact> more;
  if (const Plan* const plan = account.plan) {
    // A rule of the API may be one that the route has for itself.
    const std::string api = "apis." + plan->api + ".";
    if (error.rule.starts_with(api)) at = line_of_setting(*plan, error.rule.substr(api.size()));
    if (account.step == Step::kAuthorize && account.identity)
      more = about_missing_role(*plan, *account.identity);
  } else if (error.code == ErrorCode::kNotFound || error.code == ErrorCode::kMethodNotAllowed) {
    more = about_other_routes(request);
  }
  std::vector<Fact> facts = {{error.rule + ": " + error.detail, std::move(at)}};
  std::ranges::move(more, std::back_inserter(facts));
  return facts;
}

}  // namespace portcullis::gateway
