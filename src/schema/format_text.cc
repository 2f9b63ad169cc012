#include "base/encoding.h"
#include "schema/format_rules.h"

#include <algorithm>

namespace portcullis::schema {

bool is_json_pointer(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != '/') return false;
  for (std::size_t tilde = text.find('~'); tilde != std::string_view::npos;
       tilde = text.find('~', tilde + 1)) {
    if (tilde + 1 == text.size() || (text[tilde + 1] != '0' && text[tilde + 1] != '1'))
      return false;
  }
  return true;
}

// A number of levels, an index moved by some (`0+1`), and `#` or a pointer.
bool is_relative_json_pointer(std::string_view text) {
  const auto take_integer = [&text] {
    const bool zero = text.starts_with('0');
    const std::size_t count = take_digits(text);
    return count == 1 || (count > 1 && !zero);
  };
  if (!take_integer()) return false;
  if (text.starts_with('+') || text.starts_with('-')) {
    text.remove_prefix(1);
    if (text.starts_with('0') || !take_integer()) return false;
  }
  return text == "#" || is_json_pointer(text);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : hex_digit(text[i]) < 0) return false;
  }
  return true;
}

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return std::ranges::all_of(
      text, [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '/'; });
}

}  // namespace portcullis::schema
