// Internet addresses and prefixes, IPv4 held as IPv4-mapped IPv6 so that both are sixteen bytes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  // Dotted IPv4 or RFC 4291 IPv6 text, without brackets, zone or port. Refuses IPv4 with leading
  // zeros.
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::uint32_t host_order);

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] bool is_loopback() const;
  // The address with all but its first `bits` bits zero; `bits` counts from the sixteen-byte form
  // for IPv6 and from the four-byte form for IPv4.
  [[nodiscard]] IpAddress prefix(unsigned bits) const;
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

struct Cidr {
  IpAddress address;
  unsigned bits = 0;  // of 32 for IPv4, of 128 for IPv6

  // `10.0.0.0/8`, `2001:db8::/32`, or an address alone. Refuses host bits that are set.
  static std::optional<Cidr> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const;
};

struct IpEndpoint {
  IpAddress address;
  std::uint16_t port = 0;
  [[nodiscard]] std::string to_string() const;  // `1.2.3.4:80`, `[::1]:80`
};

// `127.0.0.1:80`, `[::1]:80`, `0.0.0.0:0`. Names are refused.
[[nodiscard]] std::optional<IpEndpoint> parse_endpoint(std::string_view text);

}  // namespace portcullis
