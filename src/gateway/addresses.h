// From where one may call: lists of networks, compiled for look-ups whose cost is the logarithm of
// their number.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "config/shaping.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace portcullis::gateway {

// A set of networks. An IPv4 network holds no IPv6 address and the other way round; an IPv4-mapped
// IPv6 address is the IPv4 address that it maps (RFC 4291 2.5.5.2).
class AddressSet {
 public:
  AddressSet() = default;
  explicit AddressSet(std::span<const Cidr> networks);
  [[nodiscard]] bool contains(const IpAddress& address) const;

 private:
  using Bytes = std::array<std::uint8_t, 16>;
  template <typename Address>
  struct Range {
    Address first;
    Address last;
  };
  // Sorted, and apart from each other.
  std::vector<Range<std::uint32_t>> four_;
  std::vector<Range<Bytes>> six_;
};

class AddressRule {
 public:
  // `key` is where the lists stand, for the log: `apis.shop.addresses`.
  AddressRule(const config::AddressLists& lists, std::string key);

  // `deny` wins over `allow`; with `allow`, everybody else is refused. Errors: kAddressNotAllowed.
  [[nodiscard]] Result<void> check(const IpAddress& client) const;

 private:
  std::string key_;
  std::optional<AddressSet> allow_;
  AddressSet deny_;
};

}  // namespace portcullis::gateway
