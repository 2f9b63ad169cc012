#include "gateway/client_address.h"

#include "base/ascii.h"
#include "http/head.h"

#include <algorithm>
#include <optional>

namespace portcullis::gateway {
namespace {

// An address with or without port; IPv6 in brackets when it has one.
std::optional<IpAddress> parse_node(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) return address;
  if (const auto endpoint = parse_endpoint(text)) return endpoint->address;
  if (text.size() > 2 && text.front() == '[' && text.back() == ']')
    return IpAddress::parse(text.substr(1, text.size() - 2));
  return std::nullopt;
}

// The `for` parameter of one element (RFC 7239 4 and 6).
std::optional<IpAddress> parse_forwarded_element(std::string_view element) {
  while (!element.empty()) {
    const std::size_t end = element.find(';');
    const std::string_view pair = trim(element.substr(0, end));
    element.remove_prefix(end == std::string_view::npos ? element.size() : end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos ||
        !http::equals_ignoring_case(pair.substr(0, equals), "for"))
      continue;
    std::string_view value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return parse_node(value);
  }
  return std::nullopt;
}

// From the right, over trusted hops, to the first that is not.
IpAddress walk(const IpAddress& peer, std::span<const Cidr> trusted, const http::Fields& fields,
               http::FieldId wanted) {
  IpAddress address = peer;
  const auto all = fields.all();
  for (std::size_t i = all.size(); i-- > 0;) {
    if (all[i].id != wanted) continue;
    std::string_view list = all[i].value;
    while (!list.empty()) {
      const std::size_t comma = list.rfind(',');
      const std::string_view element =
          trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
      list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
      const auto node = wanted == http::FieldId::kForwarded ? parse_forwarded_element(element)
                                                            : parse_node(element);
      if (!node) return address;
      address = *node;
      if (!is_trusted(address, trusted)) return address;
    }
  }
  return address;
}

}  // namespace

bool is_trusted(const IpAddress& address, std::span<const Cidr> trusted) {
  return std::ranges::any_of(trusted, [&](const Cidr& range) { return range.contains(address); });
}

IpAddress client_address(const IpAddress& peer, std::span<const Cidr> trusted,
                         const http::Fields& fields) {
  if (trusted.empty() || !is_trusted(peer, trusted)) return peer;
  const bool has_forwarded = fields.find(http::FieldId::kForwarded) != nullptr;
  const bool has_list = fields.find(http::FieldId::kXForwardedFor) != nullptr;
  if (!has_forwarded) return walk(peer, trusted, fields, http::FieldId::kXForwardedFor);
  const IpAddress address = walk(peer, trusted, fields, http::FieldId::kForwarded);
  if (!has_list) return address;
  return walk(peer, trusted, fields, http::FieldId::kXForwardedFor) == address ? address : peer;
}

http::Scheme client_scheme(const IpAddress& peer, std::span<const Cidr> trusted,
                           const http::Request& request) {
  const http::Field* const said = request.fields.find(http::FieldId::kXForwardedProto);
  if (said == nullptr || !is_trusted(peer, trusted)) return request.scheme;
  return said->value == "https" ? http::Scheme::kHttps : http::Scheme::kHttp;
}

}  // namespace portcullis::gateway
