#include "config/origins.h"

#include "base/ascii.h"
#include "config/nearest.h"
#include "config/scalars.h"

#include <algorithm>
#include <optional>

namespace portcullis::config {
namespace {

ReadOrigin wrong(std::string problem) { return {{}, std::move(problem)}; }

bool is_scheme(std::string_view text) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && text.size() <= 32 && letter(text[0]) &&
         std::ranges::all_of(text, [&](char c) {
           return letter(c) || (c >= '0' && c <= '9') || std::string_view("+-.").contains(c);
         });
}

// The host as it is compared, or nothing.
std::optional<std::string> read_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    const auto address = IpAddress::parse(host.substr(1, host.size() - 2));
    if (!address || address->is_v4()) return std::nullopt;
    return "[" + address->to_string() + "]";
  }
  if (!host.starts_with("*.")) return parse_host(host);
  const auto domain = parse_host(host.substr(2));
  // `https://*.com` would be everybody's.
  if (!domain || (!domain->contains('.') && *domain != "localhost")) return std::nullopt;
  return "*." + *domain;
}

}  // namespace

ReadOrigin read_origin(std::string_view text) {
  if (text == "*" || text == "null") return {std::string(text), {}};
  const std::size_t colon = text.find("://");
  const std::string scheme = in_lower_case(text.substr(0, colon));
  if (colon == std::string_view::npos || !is_scheme(scheme))
    return wrong("expected an origin such as `https://app.example.com`; found " + quote(text));
  std::string_view authority = text.substr(colon + 3);
  if (const std::size_t end = authority.find_first_of("/?#"); end != std::string_view::npos)
    return wrong("an origin ends with its host or port: write " +
                 quote(text.substr(0, colon + 3 + end)));
  if (authority.contains('@')) return wrong("an origin names no user");
  if (std::ranges::any_of(authority, [](char c) { return static_cast<unsigned char>(c) > 0x7e; }))
    return wrong("write the host as browsers send it, in ASCII (`xn--…`)");
  std::string port;
  const std::size_t bracket = authority.rfind(']');
  if (const std::size_t mark = authority.rfind(':');
      mark != std::string_view::npos && (bracket == std::string_view::npos || mark > bracket)) {
    const auto number = parse_number(authority.substr(mark + 1));
    if (!number || *number == 0 || *number > 65535)
      return wrong("a port is a number from 1 to 65535");
    const bool usual = (scheme == "https" && *number == 443) || (scheme == "http" && *number == 80);
    if (!usual) port = ":" + std::to_string(*number);
    authority = authority.substr(0, mark);
  }
  const auto host = read_host(authority);
  if (!host)
    return wrong(
        "expected a host such as `app.example.com`, or `*.example.com` for any host below "
        "it; found " +
        quote(authority));
  return {scheme + "://" + *host + port, {}};
}

}  // namespace portcullis::config
