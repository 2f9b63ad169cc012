#include "http/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace portcullis::http {
namespace {

constexpr std::string_view kV1Start = "PROXY ";
constexpr std::size_t kV1Longest = 107;  // CRLF included (2.1)
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV2Head = 16;
constexpr std::size_t kV4Addresses = 12;
constexpr std::size_t kV6Addresses = 36;
constexpr std::uint8_t kTypeCrc32c = 0x03;
constexpr std::size_t kTlvHead = 3;

auto malformed(const char* why) {
  return refuse(ErrorCode::kMalformedRequest, std::string("PROXY header: ") + why);
}

std::uint8_t octet(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t word(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(octet(bytes, at) << 8U | octet(bytes, at + 1));
}

// ---- version 1: one line of text

// 1*5DIGIT without leading zeros, up to 65535.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0'))
    return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > 65535)
    return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

// The next of the parts that single spaces divide.
std::string_view take_part(std::string_view& line) {
  const std::size_t space = line.find(' ');
  const std::string_view part = line.substr(0, space);
  line = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
  return part;
}

Result<std::optional<ProxyHeader>> parse_v1(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, kV1Longest).find('\n');
  if (end == std::string_view::npos) {
    if (bytes.size() >= kV1Longest) return malformed("the line has no end within 107 bytes");
    return std::nullopt;
  }
  if (bytes[end - 1] != '\r') return malformed("the line does not end in CRLF");
  ProxyHeader header{.size = end + 1, .ends = {}};
  std::string_view line = bytes.substr(kV1Start.size(), end - 1 - kV1Start.size());
  // What follows UNKNOWN is to be ignored (2.1).
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return header;
  const std::string_view family = take_part(line);
  if (family != "TCP4" && family != "TCP6") return malformed("neither TCP4, TCP6 nor UNKNOWN");
  const std::string_view source = take_part(line);
  const std::string_view destination = take_part(line);
  const auto source_port = parse_port(take_part(line));
  // A space behind it would leave a part that is empty, and no port.
  const auto destination_port = parse_port(line);
  const bool dotted = family == "TCP4";
  const auto is_of_family = [&](std::string_view text) { return text.contains(':') != dotted; };
  const auto from = IpAddress::parse(source);
  const auto to = IpAddress::parse(destination);
  if (!from || !to || !is_of_family(source) || !is_of_family(destination))
    return malformed("not two addresses of its family");
  if (!source_port || !destination_port) return malformed("not two ports");
  header.ends = {{*from, *source_port}, {*to, *destination_port}};
  return header;
}

// ---- version 2: binary

consteval std::array<std::uint32_t, 256> make_crc32c_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1U) != 0 ? value >> 1U ^ 0x82f63b78U : value >> 1U;
    table[i] = value;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kCrc32cTable = make_crc32c_table();

// RFC 9260 appendix A, over all of `bytes` with the four at `hole` taken for zero.
std::uint32_t crc32c(std::string_view bytes, std::size_t hole) {
  std::uint32_t crc = 0xffffffffU;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint8_t here = i >= hole && i < hole + 4 ? 0 : octet(bytes, i);
    crc = crc >> 8U ^ kCrc32cTable[(crc ^ here) & 0xffU];
  }
  return ~crc;
}

// The fields behind the addresses: each within what is there, and the checksum right (2.2.3).
Result<void> check_fields(std::string_view header, std::size_t at) {
  bool checked = false;
  while (at < header.size()) {
    if (header.size() - at < kTlvHead) return malformed("bytes behind the last field");
    const std::size_t size = word(header, at + 1);
    const std::size_t value = at + kTlvHead;
    if (size > header.size() - value) return malformed("a field is longer than the header");
    if (octet(header, at) == kTypeCrc32c) {
      if (size != 4 || checked) return malformed("not one checksum of four bytes");
      checked = true;
      const std::uint32_t said = static_cast<std::uint32_t>(word(header, value)) << 16U |
                                 static_cast<std::uint32_t>(word(header, value + 2));
      if (said != crc32c(header, value)) return malformed("the checksum is wrong");
    }
    at = value + size;
  }
  return {};
}

IpAddress address_of(std::string_view bytes) {
  if (bytes.size() == 4) {
    return IpAddress::v4(static_cast<std::uint32_t>(word(bytes, 0)) << 16U |
                         static_cast<std::uint32_t>(word(bytes, 2)));
  }
  IpAddress address;
  std::memcpy(address.bytes.data(), bytes.data(), address.bytes.size());
  return address;
}

Result<std::optional<ProxyHeader>> parse_v2(std::string_view bytes) {
  if (bytes.size() < kV2Head) return std::nullopt;
  const std::uint8_t version_and_command = octet(bytes, 12);
  const std::uint8_t family = octet(bytes, 13);
  const std::size_t size = kV2Head + word(bytes, 14);
  if (version_and_command >> 4U != 2) return malformed("not version 2");
  const unsigned command = version_and_command & 0xfU;
  if (command > 1) return malformed("neither LOCAL nor PROXY");
  if (size > kMaximumProxyHeader) return malformed("longer than 4096 bytes");
  if (bytes.size() < size) return std::nullopt;
  const std::string_view header = bytes.substr(0, size);
  ProxyHeader parsed{.size = size, .ends = {}};
  // LOCAL: what stands there is to be discarded, its family too (2.2).
  if (command == 0) return parsed;
  std::size_t fields_at = kV2Head;
  switch (family) {
    case 0x00:  // AF_UNSPEC: the addresses are to be ignored, and nobody says how long they are
      return parsed;
    case 0x11:
    case 0x21: {
      const std::size_t all = family == 0x11 ? kV4Addresses : kV6Addresses;
      const std::size_t one = family == 0x11 ? 4 : 16;
      if (size - kV2Head < all) return malformed("shorter than its addresses");
      parsed.ends = {
          {address_of(header.substr(kV2Head, one)), word(header, kV2Head + 2 * one)},
          {address_of(header.substr(kV2Head + one, one)), word(header, kV2Head + 2 * one + 2)}};
      fields_at += all;
      break;
    }
    default:  // datagrams, or the name of a socket in a file system: no client of ours
      return malformed("not TCP over IPv4 or IPv6");
  }
  PC_CHECK_OK(check_fields(header, fields_at));
  return parsed;
}

// ---- writing

std::string v1_line(const std::optional<ProxyHeader::Ends>& ends) {
  if (!ends) return "PROXY UNKNOWN\r\n";
  const bool four = ends->source.address.is_v4() && ends->destination.address.is_v4();
  const auto text = [&](const IpAddress& address) {
    return (!four && address.is_v4() ? "::ffff:" : "") + address.to_string();
  };
  return std::string(four ? "PROXY TCP4 " : "PROXY TCP6 ") + text(ends->source.address) + " " +
         text(ends->destination.address) + " " + std::to_string(ends->source.port) + " " +
         std::to_string(ends->destination.port) + "\r\n";
}

std::string v2_header(const std::optional<ProxyHeader::Ends>& ends) {
  std::string out(kSignature);
  const auto put_word = [&](std::size_t value) {
    out += static_cast<char>(value >> 8U);
    out += static_cast<char>(value & 0xffU);
  };
  out += ends ? '\x21' : '\x20';
  if (!ends) {
    out += '\0';
    put_word(0);
    return out;
  }
  const bool four = ends->source.address.is_v4() && ends->destination.address.is_v4();
  out += four ? '\x11' : '\x21';
  put_word(four ? kV4Addresses : kV6Addresses);
  const std::size_t skipped = four ? 12 : 0;
  out += ends->source.address.view().substr(skipped);
  out += ends->destination.address.view().substr(skipped);
  put_word(ends->source.port);
  put_word(ends->destination.port);
  return out;
}

}  // namespace

Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes) {
  const std::string_view v1 = bytes.substr(0, kV1Start.size());
  if (kV1Start.starts_with(v1)) {
    if (v1.size() < kV1Start.size()) return std::nullopt;
    return parse_v1(bytes);
  }
  const std::string_view v2 = bytes.substr(0, kSignature.size());
  if (kSignature.starts_with(v2)) {
    if (v2.size() < kSignature.size()) return std::nullopt;
    return parse_v2(bytes);
  }
  return malformed("there is none");
}

std::string write_proxy_header(ProxyVersion version, const std::optional<ProxyHeader::Ends>& ends) {
  return version == ProxyVersion::kV1 ? v1_line(ends) : v2_header(ends);
}

}  // namespace portcullis::http
