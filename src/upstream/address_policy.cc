#include "upstream/address_policy.h"

#include "base/ascii.h"
#include "base/check.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace portcullis::upstream {
namespace {

Cidr range(std::string_view text) {
  const auto parsed = Cidr::parse(text);
  PC_CHECK(parsed.has_value());
  return *parsed;
}

struct Special {
  Cidr range;
  std::string_view what;
  bool never = false;  // no server is there, whatever a list says
};

const std::vector<Special>& special_ranges() {
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

// Addresses of IPv6 that lead to one of IPv4, which stands in them: through a translator, or out of
// a tunnel.
struct Embedding {
  Cidr range;
  std::array<std::uint8_t, 4> octets;  // where those of the IPv4 address are
  std::uint8_t turned = 0;             // the bits that are turned in them
};

const std::vector<Embedding>& embeddings() {
  static const std::vector<Embedding> kEmbeddings = {
      {range("64:ff9b::/96"), {12, 13, 14, 15}},  // RFC 6052 2.1
      // RFC 8215: each network cuts a prefix of its own out of it, of any length of RFC 6052 2.2.
      {range("64:ff9b:1::/48"), {6, 7, 9, 10}},
      {range("64:ff9b:1::/48"), {7, 9, 10, 11}},
      {range("64:ff9b:1::/48"), {9, 10, 11, 12}},
      {range("64:ff9b:1::/48"), {12, 13, 14, 15}},
      {range("2002::/16"), {2, 3, 4, 5}},            // 6to4, RFC 3056 2
      {range("2001::/32"), {12, 13, 14, 15}, 0xff},  // Teredo, RFC 4380 4
  };
  return kEmbeddings;
}

const Special* find_special(const IpAddress& address) {
  const auto found = std::ranges::find_if(
      special_ranges(), [&](const Special& special) { return special.range.contains(address); });
  return found != special_ranges().end() ? &*found : nullptr;
}

// Where a connection to the address may lead: to the IPv4 addresses that it can be read as, or to
// itself. A reading where no server can be counts only when it is the only kind there is.
std::vector<IpAddress> readings(const IpAddress& address) {
  std::vector<IpAddress> possible;
  std::optional<IpAddress> impossible;
  for (const Embedding& embedding : embeddings()) {
    if (!embedding.range.contains(address)) continue;
    IpAddress four = IpAddress::v4(0);
    for (std::size_t i = 0; i < embedding.octets.size(); ++i)
      four.bytes.at(12 + i) = address.bytes.at(embedding.octets.at(i)) ^ embedding.turned;
    const Special* special = find_special(four);
    if (special != nullptr && special->never)
      impossible = four;
    else
      possible.push_back(four);
  }
  if (possible.empty()) possible.push_back(impossible.value_or(address));
  return possible;
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
  is_localhost_ = equals_ignoring_case(end, kLocalhost) &&
                  (name.size() == end.size() || name[name.size() - end.size() - 1] == '.');
}

std::string_view AddressPolicy::objection(const IpAddress& given) const {
  for (const IpAddress& address : readings(given)) {
    if (const std::string_view objection = objection_to(address, given); !objection.empty())
      return objection;
  }
  return {};
}

std::string_view AddressPolicy::objection_to(const IpAddress& address,
                                             const IpAddress& given) const {
  if (const Special* special = find_special(address); special != nullptr) {
    if (special->never) return special->what;
    const bool meant = std::ranges::any_of(allowed_, [&](const Cidr& entry) {
      return entry.contains(address) && lies_within(entry, special->range);
    });
    if (meant || (is_localhost_ && allowed_.empty() && address.is_loopback())) return {};
    return special->what;
  }
  if (allowed_.empty() || std::ranges::any_of(allowed_, [&](const Cidr& entry) {
        return entry.contains(given) || entry.contains(address);
      })) {
    return {};
  }
  return "an address outside of `allow_addresses`";
}

}  // namespace portcullis::upstream
