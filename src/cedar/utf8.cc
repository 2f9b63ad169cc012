#include "cedar/utf8.h"

namespace portcullis::cedar {

Utf8Character read_utf8(std::string_view text) {
  if (text.empty()) return {};
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {first, 1};
  std::uint8_t size = 0;
  char32_t code = 0;
  char32_t least = 0;
  if (first >= 0xc2 && first <= 0xdf) {
    size = 2, code = first & 0x1fU, least = 0x80;
  } else if (first >= 0xe0 && first <= 0xef) {
    size = 3, code = first & 0x0fU, least = 0x800;
  } else if (first >= 0xf0 && first <= 0xf4) {
    size = 4, code = first & 0x07U, least = 0x10000;
  }
  if (size == 0 || text.size() < size) return {};
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0U) != 0x80) return {};
    code = code << 6U | (byte & 0x3fU);
  }
  if (code < least || !is_scalar_value(code)) return {};
  return {code, size};
}

}  // namespace portcullis::cedar
