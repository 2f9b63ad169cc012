#include "authn/key_places.h"

#include "config/contains.h"
#include "http/cookies.h"
#include "http/query.h"

#include <algorithm>
#include <utility>

namespace portcullis::authn {
namespace {

using Kind = KeyPlace::Kind;

std::unexpected<Error> ambiguous() {
  return refuse(ErrorCode::kAmbiguousCredentials, "more than one API key");
}

// A default port is not written in an origin (RFC 6454 6.2), but may be in Host.
std::string_view without_default_port(std::string_view authority, http::Scheme scheme) {
  const std::string_view port = scheme == http::Scheme::kHttps ? ":443" : ":80";
  if (authority.ends_with(port)) authority.remove_suffix(port.size());
  return authority;
}

}  // namespace

void KeyPlaces::add(KeyPlace place) {
  if (config::contains(all_, place)) return;
  in_cookies_ = in_cookies_ || place.kind == Kind::kCookie;
  in_query_ = in_query_ || place.kind == Kind::kParameter;
  all_.push_back(std::move(place));
}

bool KeyPlaces::has(Kind kind) const { return config::contains(all_, kind, &KeyPlace::kind); }

const KeyPlace* KeyPlaces::place_of(Kind kind, std::string_view name) const {
  for (const KeyPlace& place : all_)
    if (place.kind == kind && place.name == name) return &place;
  return nullptr;
}

Result<std::optional<PresentedKey>> KeyPlaces::find(const http::Request& request) const {
  std::optional<PresentedKey> found;
  if (all_.empty()) return found;
  for (const http::Field& field : request.fields) {
    if (field.id == http::FieldId::kOther) {
      const KeyPlace* const place = place_of(Kind::kField, field.name);
      if (place == nullptr) continue;
      if (found) return ambiguous();
      found = PresentedKey{place, field.value, {}};
    } else if (field.id == http::FieldId::kCookie && in_cookies_) {
      PC_CHECK_OK(find_in_cookies(field.value, found));
    }
  }
  if (in_query_ && request.has_query) PC_CHECK_OK(find_in_query(request.query, found));
  return found;
}

Result<void> KeyPlaces::find_in_cookies(std::string_view field,
                                        std::optional<PresentedKey>& found) const {
  http::CookieReader cookies(field);
  while (const std::optional<http::Cookie> cookie = cookies.next()) {
    const KeyPlace* const place = place_of(Kind::kCookie, cookie->name);
    if (place == nullptr) continue;
    if (found) return ambiguous();
    found = PresentedKey{place, cookie->value, {}};
  }
  if (cookies.well_formed()) return {};
  return refuse(ErrorCode::kMalformedRequest, "the Cookie field is not as RFC 6265 4.2.1 wants it");
}

Result<void> KeyPlaces::find_in_query(std::string_view query,
                                      std::optional<PresentedKey>& found) const {
  http::ParameterReader parameters(query);
  while (const std::optional<http::Parameter> parameter = parameters.next()) {
    const auto place = std::ranges::find_if(all_, [&](const KeyPlace& each) {
      return each.kind == Kind::kParameter && http::is_named(*parameter, each.name);
    });
    if (place == all_.end()) continue;
    if (found) return ambiguous();
    found = PresentedKey{&*place, parameter->value, {}};
    if (parameter->value.contains('%')) found->decoded = http::decode_percent(parameter->value);
  }
  return {};
}

Result<void> check_same_origin(const http::Request& request, http::Scheme scheme) {
  const auto refused = [](const char* why) { return refuse(ErrorCode::kForbidden, why); };
  constexpr std::string_view kSite = "sec-fetch-site";
  constexpr std::string_view kOrigin = "origin";
  if (request.fields.count(kSite) > 1 || request.fields.count(kOrigin) > 1)
    return refused("Sec-Fetch-Site or Origin is repeated");
  if (const http::Field* site = request.fields.find(kSite)) {
    // `none` is the user's own doing: an address typed, a page loaded again.
    if (site->value == "same-origin" || site->value == "none") return {};
    return refused("the key is in a cookie, and Sec-Fetch-Site says that another site asks");
  }
  const http::Field* const origin = request.fields.find(kOrigin);
  if (origin == nullptr)
    return refused("the key is in a cookie, and neither Sec-Fetch-Site nor Origin says who asks");
  std::string own(scheme == http::Scheme::kHttps ? "https://" : "http://");
  own += without_default_port(request.authority, scheme);
  if (origin->value == own) return {};
  return refused("the key is in a cookie, and Origin says that another site asks");
}

std::string_view without_parameters(std::string_view query, const std::vector<std::string>& names,
                                    Arena& arena) {
  const auto is_out = [&](const http::Parameter& parameter) {
    return std::ranges::any_of(
        names, [&](const std::string& name) { return http::is_named(parameter, name); });
  };
  bool any = false;
  for (http::ParameterReader reader(query); const auto parameter = reader.next();)
    any = any || is_out(*parameter);
  if (!any) return query;
  std::string kept;
  for (http::ParameterReader reader(query); const auto parameter = reader.next();) {
    if (is_out(*parameter)) continue;
    if (!kept.empty()) kept.push_back('&');
    kept += parameter->text;
  }
  return arena.copy(kept);
}

}  // namespace portcullis::authn
