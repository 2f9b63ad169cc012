// One character of UTF-8 (RFC 3629) at a time.
#pragma once

#include <cstdint>
#include <string_view>

namespace portcullis::cedar {

struct Utf8Character {
  char32_t code = 0;
  std::uint8_t size = 0;  // bytes; 0 when the text does not begin with a character
};

// Refuses overlong forms, surrogates and what is above U+10FFFF.
[[nodiscard]] Utf8Character read_utf8(std::string_view text);

[[nodiscard]] constexpr bool is_scalar_value(char32_t code) {
  return code < 0xd800 || (code > 0xdfff && code < 0x110000);
}

}  // namespace portcullis::cedar
