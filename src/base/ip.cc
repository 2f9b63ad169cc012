#include "base/ip.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace portcullis {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN + 1] = {};
  if (text.empty() || text.size() >= sizeof buffer || text.contains('\0')) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  IpAddress address;
  in_addr four{};
  if (inet_pton(AF_INET, buffer, &four) == 1) return v4(ntohl(four.s_addr));
  if (inet_pton(AF_INET6, buffer, address.bytes.data()) == 1) return address;
  return std::nullopt;
}

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  std::memcpy(address.bytes.data(), kMapped.data(), kMapped.size());
  for (unsigned i = 0; i < 4; ++i) {
    address.bytes[12 + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  }
  return address;
}

bool IpAddress::is_v4() const {
  return std::memcmp(bytes.data(), kMapped.data(), kMapped.size()) == 0;
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes[12] == 127;
  IpAddress one;
  one.bytes[15] = 1;
  return *this == one;
}

IpAddress IpAddress::prefix(unsigned bits) const {
  if (is_v4()) bits += 96;
  IpAddress result;
  for (unsigned i = 0; i < 16 && bits > 0; ++i) {
    const unsigned here = bits >= 8 ? 8 : bits;
    result.bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00U >> here));
    bits -= here;
  }
  return result;
}

// By hand for IPv4: it is in each log line and forwarding field, and inet_ntop() goes through
// printf.
std::string IpAddress::to_string() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (!is_v4()) {
    inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
    return buffer;
  }
  char* at = buffer;
  for (std::size_t i = 12; i < 16; ++i) {
    if (i > 12) *at++ = '.';
    at = std::to_chars(at, buffer + sizeof buffer, bytes[i]).ptr;
  }
  return {buffer, at};
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned most = address->is_v4() ? 32 : 128;
  unsigned bits = most;
  if (slash != std::string_view::npos) {
    const auto parsed = parse_number<unsigned>(text.substr(slash + 1));
    if (!parsed || *parsed > most) return std::nullopt;
    bits = *parsed;
  }
  if (address->prefix(bits) != *address) return std::nullopt;
  return Cidr{*address, bits};
}

bool Cidr::contains(const IpAddress& other) const {
  return address.is_v4() == other.is_v4() && other.prefix(bits) == address;
}

std::string IpEndpoint::to_string() const {
  const std::string host = address.to_string();
  return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::optional<IpEndpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!address || !port || address->is_v4() == brackets) return std::nullopt;
  return IpEndpoint{*address, *port};
}

}  // namespace portcullis
