#include "gateway/cors.h"

#include "gateway/list_fields.h"
#include "http/head.h"

#include <algorithm>

namespace portcullis::gateway {
namespace {

constexpr std::string_view kAllowOrigin = "access-control-allow-origin";
constexpr std::string_view kRequestMethod = "access-control-request-method";
constexpr std::size_t kMostShown = 120;  // of an origin, in the log

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

// The request's one origin, or nothing.
std::string_view origin_of(const http::Fields& fields) {
  const http::Field* origin = fields.find(http::FieldId::kOrigin);
  return origin != nullptr && fields.count(http::FieldId::kOrigin) == 1 ? origin->value
                                                                        : std::string_view{};
}

// One label or more of a host, as a browser writes them: what `*` in a pattern stands for.
bool is_labels(std::string_view text) {
  char before = '.';
  for (const char c : text) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                      (c == '.' && before != '.');
    if (!good) return false;
    before = c;
  }
  return before != '.';
}

}  // namespace

CorsRule::CorsRule(const config::Cors& cors, std::string key)
    : key_(std::move(key)),
      credentials_(cors.credentials),
      headers_(joined(cors.headers)),
      expose_(joined(cors.expose)),
      max_age_(cors.max_age ? std::to_string(cors.max_age->count()) : "") {
  for (const std::string& origin : cors.origins) {
    const std::size_t star = origin.find('*');
    if (origin == "*")
      any_ = true;
    else if (star != std::string::npos)
      patterns_.push_back({origin.substr(0, star), origin.substr(star + 1)});
    else
      origins_.push_back(origin);
  }
  std::ranges::sort(origins_);
}

bool CorsRule::allows(std::string_view origin) const {
  if (any_) return true;
  if (origin.empty()) return false;
  if (std::ranges::binary_search(origins_, origin)) return true;
  return std::ranges::any_of(patterns_, [&](const Pattern& pattern) {
    if (origin.size() <= pattern.before.size() + pattern.after.size()) return false;
    if (!origin.starts_with(pattern.before) || !origin.ends_with(pattern.after)) return false;
    const std::size_t length = origin.size() - pattern.before.size() - pattern.after.size();
    return is_labels(origin.substr(pattern.before.size(), length));
  });
}

void CorsRule::add_to(const http::Fields& request, http::Fields& to) const {
  const std::string_view origin = any_ ? "*" : origin_of(request);
  // Also where no origin is sent: a shared cache must not give that answer to a page.
  if (!any_) add_vary("origin", to);
  if (!allows(origin)) return;
  to.add(kAllowOrigin, origin);
  if (credentials_) to.add("access-control-allow-credentials", "true");
  if (!expose_.empty()) to.add("access-control-expose-headers", expose_);
}

Result<void> CorsRule::add_preflight_to(const http::Fields& request, std::string_view methods,
                                        http::Fields& to) const {
  const std::string_view origin = origin_of(request);
  if (!allows(origin))
    return refuse(
        ErrorCode::kOriginNotAllowed,
        "the origin " + std::string(origin.substr(0, kMostShown)) + " is not among those allowed",
        key_);
  if (!any_) add_vary("origin", to);
  add_vary("access-control-request-method", to);
  to.add(kAllowOrigin, any_ ? "*" : origin);
  if (credentials_) to.add("access-control-allow-credentials", "true");
  to.add("access-control-allow-methods", methods);
  if (!headers_.empty()) to.add("access-control-allow-headers", headers_);
  if (!max_age_.empty()) to.add("access-control-max-age", max_age_);
  return {};
}

std::string_view preflight_method(const http::Request& request) {
  if (request.method != http::Method::kOptions) return {};
  if (request.fields.count(http::FieldId::kOrigin) != 1) return {};
  const http::Field* asked = request.fields.find(kRequestMethod);
  return asked != nullptr && request.fields.count(kRequestMethod) == 1 ? asked->value
                                                                       : std::string_view{};
}

}  // namespace portcullis::gateway
