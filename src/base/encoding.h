// Base64url without padding (RFC 4648 5) and hexadecimal: strict, since both carry credentials.
#pragma once

#include "base/result.h"

#include <cstdint>
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

}  // namespace portcullis
