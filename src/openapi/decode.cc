#include "openapi/decode.h"

#include "base/encoding.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace portcullis::openapi {

namespace {

// The length of the well-formed sequence at `at` (Unicode 3.9, table 3-7), or 0.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  const std::uint8_t lead = byte(at);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const auto size = static_cast<std::size_t>(std::countl_one(lead));
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (lead == 0xe0) low = 0xa0;   // shorter forms exist
  if (lead == 0xed) high = 0x9f;  // surrogates
  if (lead == 0xf0) low = 0x90;
  if (lead == 0xf4) high = 0x8f;  // beyond U+10FFFF
  if (byte(at + 1) < low || byte(at + 1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  return size;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

Result<void> check_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = utf8_length(text, at);
    if (size == 0) return refuse(ErrorCode::kMalformedRequest, "not UTF-8");
    if (text[at] == '\0') return refuse(ErrorCode::kMalformedRequest, "holds NUL");
    at += size;
  }
  return {};
}

Result<std::string_view> decode_text(std::string_view raw, Plus plus, Arena& arena) {
  const bool plain = std::ranges::none_of(
      raw, [plus](char c) { return c == '%' || (c == '+' && plus == Plus::kSpace); });
  std::string_view text = raw;
  if (!plain) {
    char* const out = arena.array<char>(raw.size());
    std::size_t size = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      char c = raw[i];
      if (c == '+' && plus == Plus::kSpace) c = ' ';
      if (c == '%') {
        const int octet = percent_octet(raw, i);
        if (octet < 0)
          return refuse(ErrorCode::kMalformedRequest, "a '%' without two hexadecimal digits");
        c = static_cast<char>(octet);
        i += 2;
      }
      out[size++] = c;
    }
    text = {out, size};
  }
  PC_CHECK_OK(check_text(text));
  return text;
}

void append_encoded(std::string& out, std::string_view text, Keep keep) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  // Without `#`, `&` and `+`, which end a query, divide it and stand for a space in it; without
  // `,` `;` and `=`, which divide the pieces of a parameter; without brackets, which names have.
  constexpr std::string_view kReserved = ":/?@!$'()*";
  for (const char c : text) {
    if (is_unreserved(c) || (keep == Keep::kReserved && kReserved.contains(c))) {
      out += c;
      continue;
    }
    const auto octet = static_cast<std::uint8_t>(c);
    out += '%';
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
}

}  // namespace portcullis::openapi
