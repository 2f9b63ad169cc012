// The grammars behind format.h, one predicate each. `text` is valid UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portcullis::schema {

// format_time.cc: RFC 3339 5.6 and appendix A.
[[nodiscard]] bool is_date(std::string_view text);
[[nodiscard]] bool is_time(std::string_view text);
[[nodiscard]] bool is_date_time(std::string_view text);
[[nodiscard]] bool is_duration(std::string_view text);

// format_host.cc: RFC 1123 2.1, RFC 5890 to 5893, RFC 5321 4.1.2, RFC 6531 3.3.
enum class Script : std::uint8_t { kAscii, kInternational };
[[nodiscard]] bool is_hostname(std::string_view text, Script script);
[[nodiscard]] bool is_email(std::string_view text, Script script);
[[nodiscard]] bool is_ipv4(std::string_view text);
[[nodiscard]] bool is_ipv6(std::string_view text);

// format_uri.cc: RFC 3986, RFC 3987, RFC 6570.
enum class Reference : std::uint8_t { kAbsolute, kAny };
[[nodiscard]] bool is_uri(std::string_view text, Script script, Reference reference);
[[nodiscard]] bool is_uri_template(std::string_view text);

// format_text.cc: RFC 6901, draft-bhutton-relative-json-pointer, RFC 9562 4, RFC 4648 4.
[[nodiscard]] bool is_json_pointer(std::string_view text);
[[nodiscard]] bool is_relative_json_pointer(std::string_view text);
[[nodiscard]] bool is_uuid(std::string_view text);
[[nodiscard]] bool is_base64(std::string_view text);

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Takes the digits at the beginning of `text` away and says how many there were.
inline std::size_t take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  text.remove_prefix(count);
  return count;
}

inline bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace portcullis::schema
