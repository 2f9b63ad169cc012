#include "gateway/shape.h"

#include "config/rewrites.h"

#include <algorithm>
#include <tuple>

namespace portcullis::gateway {
namespace {

std::string methods_of(const config::Route& route) {
  std::string list;
  for (const std::string& method : route.methods) {
    list += (list.empty() ? "" : ", ") + method;
    // GET's route answers HEAD too, unless another one does.
    if (method == "GET" && std::ranges::find(route.methods, "HEAD") == route.methods.end())
      list += ", HEAD";
  }
  return list;
}

std::shared_ptr<const ResponseEdits> compile_edits(const config::FieldEdits& edits) {
  if (edits.empty()) return nullptr;
  ResponseEdits compiled;
  compiled.edits = &edits;
  compiled.dropped = edits.remove;
  for (const config::FieldTemplate& field : edits.set) compiled.dropped.push_back(field.name);
  return std::make_shared<const ResponseEdits>(std::move(compiled));
}

// 2: by its name; 1: by a pattern; 0: every host; -1: not this one.
int rank_of(const std::vector<std::string>& hosts, std::string_view host) {
  if (hosts.empty()) return 0;
  int rank = -1;
  for (const std::string_view one : hosts) {
    if (one == host) return 2;
    if (one.starts_with("*.") && host.size() > one.size() - 1 && host.ends_with(one.substr(1)))
      rank = 1;
  }
  return rank;
}

bool is_below(std::string_view base, std::string_view path) {
  return path.starts_with(base) && (path.size() == base.size() || path[base.size()] == '/');
}

}  // namespace

ApiShapes::ApiShapes(const config::Api& api)
    : api_(api), response_(compile_edits(api.shaping.response_headers)) {
  const config::ShapingSettings& shaping = api.settings.shaping;
  const std::string key = "apis." + api.name;
  if (shaping.cors) cors_ = std::make_shared<const CorsRule>(*shaping.cors, key + ".cors");
  if (shaping.addresses)
    addresses_ = std::make_shared<const AddressRule>(*shaping.addresses, key + ".addresses");
}

Shape ApiShapes::compile(const config::Route& route, std::size_t index) const {
  const config::ShapingSettings& own = route.settings.shaping;
  const std::string key = "apis." + api_.name + ".routes[" + std::to_string(index) + "]";
  Shape shape;
  shape.cors = own.cors ? std::make_shared<const CorsRule>(*own.cors, key + ".cors") : cors_;
  if (shape.cors != nullptr) shape.methods = methods_of(route);
  if (addresses_ != nullptr) shape.addresses.push_back(addresses_);
  if (own.addresses)
    shape.addresses.push_back(
        std::make_shared<const AddressRule>(*own.addresses, key + ".addresses"));
  if (api_.shaping.maintenance.on) shape.maintenance = &api_.shaping.maintenance;
  if (route.respond) shape.respond = &*route.respond;
  if (route.redirect) shape.redirect = &*route.redirect;
  shape.path.base = api_.base_path.size();
  shape.path.strip = api_.shaping.strip_prefix;
  for (const config::Rewrite& rewrite : api_.shaping.rewrites)
    if (config::may_match(rewrite.from, route.path)) shape.path.rewrites.push_back(&rewrite);
  if (!api_.shaping.request_headers.empty()) shape.request = &api_.shaping.request_headers;
  shape.response = response_;
  return shape;
}

const CorsRule* find_cors(const std::vector<CorsPlace>& places, std::string_view host,
                          std::string_view path) {
  const CorsPlace* best = nullptr;
  std::tuple<int, std::size_t> best_rank{-1, 0};
  for (const CorsPlace& place : places) {
    const std::tuple<int, std::size_t> rank{rank_of(place.hosts, host), place.base_path.size()};
    if (std::get<0>(rank) < 0 || !is_below(place.base_path, path)) continue;
    if (best != nullptr && rank <= best_rank) continue;
    best = &place;
    best_rank = rank;
  }
  return best != nullptr ? best->cors.get() : nullptr;
}

std::string hsts_value(const config::Hsts& hsts) {
  return "max-age=" + std::to_string(hsts.max_age.count()) +
         (hsts.subdomains ? "; includeSubDomains" : "") + (hsts.preload ? "; preload" : "");
}

}  // namespace portcullis::gateway
