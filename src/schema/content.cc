#include "schema/content.h"

#include "schema/text.h"

#include <cstdint>
#include <string>

namespace portcullis::schema {
namespace {

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

bool decode_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  const std::size_t padding =
      text.ends_with("==") ? 2 : static_cast<std::size_t>(text.ends_with('='));
  text.remove_suffix(padding);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return true;
}

}  // namespace

bool matches_content(std::string_view text, bool is_base64, bool is_json) {
  std::string decoded;
  if (is_base64) {
    if (!decode_base64(text, decoded)) return false;
    text = decoded;
  }
  if (!is_json) return true;
  Text tokens;
  return tokens.read(text).has_value();
}

}  // namespace portcullis::schema
