// Text of protocols: ASCII, whatever the locale says.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace portcullis {

[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

[[nodiscard]] inline std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), to_lower);
  return lower;
}

// `lower_case` holds no capitals.
[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view text,
                                                  std::string_view lower_case) noexcept {
  return std::ranges::equal(text, lower_case, {}, to_lower);
}

// SP and HTAB: OWS of RFC 9110 5.6.3.
[[nodiscard]] constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// Without the blanks around it.
[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// The first control character other than HTAB (DEL is one too), or `end`.
[[nodiscard]] const char* find_control(const char* at, const char* end) noexcept;

// What may stand in a field's value (RFC 9110 5.5): no control character but HTAB.
[[nodiscard]] inline bool is_field_value(std::string_view text) noexcept {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  return text.empty() || find_control(begin, end) == end;
}

}  // namespace portcullis
