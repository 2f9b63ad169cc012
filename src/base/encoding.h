// Base64url without padding (RFC 4648 5) and hexadecimal, strict, since both carry credentials;
// percent-encoding and UTF-8, a character at a time.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace portcullis {

// Decodes unpadded base64url. Refuses padding, other alphabets, whitespace, impossible lengths and
// non-zero trailing bits, so that one value has one spelling. Errors: kMalformedRequest.
[[nodiscard]] Result<std::string> decode_base64url(std::string_view text);
[[nodiscard]] std::string encode_base64url(std::string_view bytes);

// Lower-case hexadecimal; decoding takes both cases.
[[nodiscard]] std::string encode_hex(std::string_view bytes);
[[nodiscard]] Result<std::string> decode_hex(std::string_view text);

// The value of one hexadecimal digit, or -1.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The octet that `%` and two hexadecimal digits at `at` stand for (RFC 3986 2.1); -1 when anything
// else is there.
[[nodiscard]] constexpr int percent_octet(std::string_view text, std::size_t at) noexcept {
  if (at + 2 >= text.size() || text[at] != '%') return -1;
  const int high = hex_digit(text[at + 1]);
  const int low = hex_digit(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// The bytes of a scalar value in UTF-8 (RFC 3629), into the beginning of `bytes`; how many.
inline std::size_t encode_utf8(char32_t code, std::span<char, 4> bytes) {
  const auto tail = [code](unsigned shift) {
    return static_cast<char>(0x80 | (code >> shift & 0x3f));
  };
  if (code < 0x80) {
    bytes[0] = static_cast<char>(code);
    return 1;
  }
  if (code < 0x800) {
    bytes[0] = static_cast<char>(0xc0 | code >> 6U);
    bytes[1] = tail(0);
    return 2;
  }
  if (code < 0x10000) {
    bytes[0] = static_cast<char>(0xe0 | code >> 12U);
    bytes[1] = tail(6);
    bytes[2] = tail(0);
    return 3;
  }
  bytes[0] = static_cast<char>(0xf0 | code >> 18U);
  bytes[1] = tail(12);
  bytes[2] = tail(6);
  bytes[3] = tail(0);
  return 4;
}

inline void append_utf8(std::string& out, char32_t code) {
  char bytes[4];
  out.append(bytes, encode_utf8(code, bytes));
}

}  // namespace portcullis
