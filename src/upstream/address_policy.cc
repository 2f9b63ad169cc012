#include "upstream/address_policy.h"

#include "base/check.h"
#include "http/head.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace portcullis::upstream {
namespace {

struct Special {
  Cidr range;
  std::string_view what;
  bool never = false;  // no server is there, whatever a list says
};

const std::vector<Special>& special_ranges() {
  const auto range = [](std::string_view text) {
    const auto parsed = Cidr::parse(text);
    PC_CHECK(parsed.has_value());
    return *parsed;
  };
  // IANA's registries of special-purpose addresses (RFC 6890), as far as they matter here; and
  // where clouds keep their metadata outside of link-local.
  static const std::vector<Special> kRanges = {
      {range("0.0.0.0/8"), "an unspecified address", true},
      {range("::/128"), "an unspecified address", true},
      {range("224.0.0.0/4"), "a multicast address", true},
      {range("ff00::/8"), "a multicast address", true},
      {range("240.0.0.0/4"), "a reserved or broadcast address", true},
      {range("127.0.0.0/8"), "a loopback address"},
      {range("::1/128"), "a loopback address"},
      {range("169.254.0.0/16"), "a link-local address"},
      {range("fe80::/10"), "a link-local address"},
      {range("fd00:ec2::254/128"), "an address of cloud metadata"},
      {range("100.100.100.200/32"), "an address of cloud metadata"},
      {range("192.0.0.192/32"), "an address of cloud metadata"},
  };
  return kRanges;
}

// The IPv4 address inside one that translators take for it (RFC 6052 2.1), or the address itself.
IpAddress translated(const IpAddress& address) {
  static const auto kTranslated = Cidr::parse("64:ff9b::/96");
  if (!kTranslated || !kTranslated->contains(address)) return address;
  IpAddress four = IpAddress::v4(0);
  std::memcpy(four.bytes.data() + 12, address.bytes.data() + 12, 4);
  return four;
}

bool lies_within(const Cidr& inner, const Cidr& outer) {
  return inner.bits >= outer.bits && outer.contains(inner.address);
}

}  // namespace

AddressPolicy::AddressPolicy(std::string_view name, std::vector<Cidr> allowed)
    : allowed_(std::move(allowed)) {
  constexpr std::string_view kLocalhost = "localhost";
  if (name.ends_with('.')) name.remove_suffix(1);
  // RFC 6761 6.3.
  const std::string_view end = name.substr(name.size() - std::min(name.size(), kLocalhost.size()));
  is_localhost_ = http::equals_ignoring_case(end, kLocalhost) &&
                  (name.size() == end.size() || name[name.size() - end.size() - 1] == '.');
}

std::string_view AddressPolicy::objection(const IpAddress& given) const {
  const IpAddress address = translated(given);
  for (const Special& special : special_ranges()) {
    if (!special.range.contains(address)) continue;
    if (special.never) return special.what;
    const bool meant = std::ranges::any_of(allowed_, [&](const Cidr& entry) {
      return entry.contains(address) && lies_within(entry, special.range);
    });
    if (meant || (is_localhost_ && allowed_.empty() && address.is_loopback())) return {};
    return special.what;
  }
  if (allowed_.empty() || std::ranges::any_of(allowed_, [&](const Cidr& entry) {
        return entry.contains(given) || entry.contains(address);
      })) {
    return {};
  }
  return "an address outside of `allow_addresses`";
}

}  // namespace portcullis::upstream
