#include "base/encoding.h"
#include "schema/code_points.h"
#include "schema/format_rules.h"

#include <algorithm>
#include <cstdint>

namespace portcullis::schema {

namespace {

// RFC 3987 2.2, ucschar: the noncharacters at the end of each plane are no part of it.
bool is_ucschar(char32_t one) {
  if (one < 0x10000) {
    return (one >= 0xa0 && one <= 0xd7ff) || (one >= 0xf900 && one <= 0xfdcf) ||
           (one >= 0xfdf0 && one <= 0xffef);
  }
  return one <= 0xefffd && (one & 0xffff) <= 0xfffd && (one < 0xe0000 || one >= 0xe1000);
}

bool is_iprivate(char32_t one) {
  return (one >= 0xe000 && one <= 0xf8ff) || (one >= 0xf0000 && one <= 0xffffd) ||
         (one >= 0x100000 && one <= 0x10fffd);
}

bool is_unreserved(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

bool is_sub_delim(char c) { return std::string_view("!$&'()*+,;=").contains(c); }

// A `%` at `at` with two hexadecimal digits; `at` is moved behind them.
bool take_escape(std::string_view text, std::size_t& at) {
  if (percent_octet(text, at) < 0) return false;
  at += 3;
  return true;
}

enum class Private : std::uint8_t { kNo, kYes };

// Unreserved characters, sub-delims, escapes and what `more` lists; of an IRI also what is beyond
// ASCII.
bool is_made_of(std::string_view text, std::string_view more, Script script,
                Private iprivate = Private::kNo) {
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '%') {
      if (!take_escape(text, at)) return false;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      if (script == Script::kAscii) return false;
      const char32_t one = next_code_point(text, at);
      if (!is_ucschar(one) && !(iprivate == Private::kYes && is_iprivate(one))) return false;
    } else {
      if (!is_unreserved(c) && !is_sub_delim(c) && !more.contains(c)) return false;
      ++at;
    }
  }
  return true;
}

bool is_scheme(std::string_view text) {
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

// What stands between `[` and `]`.
bool is_ip_literal(std::string_view text) {
  if (!text.starts_with('v') && !text.starts_with('V')) return is_ipv6(text);
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot < 2 || dot + 1 == text.size()) return false;
  const auto is_hex = [](char c) { return hex_digit(c) >= 0; };
  const std::string_view address = text.substr(dot + 1);
  return std::ranges::all_of(text.substr(1, dot - 1), is_hex) && !address.contains('%') &&
         is_made_of(address, ":", Script::kAscii);
}

bool is_port(std::string_view text) { return std::ranges::all_of(text, is_digit); }

bool is_authority(std::string_view text, Script script) {
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    if (!is_made_of(text.substr(0, at), ":", script)) return false;
    text.remove_prefix(at + 1);
  }
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || !is_ip_literal(text.substr(1, end - 1))) return false;
    text.remove_prefix(end + 1);
    return text.empty() || (text.front() == ':' && is_port(text.substr(1)));
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  return is_made_of(text.substr(0, colon), "", script) &&
         (colon == text.size() || is_port(text.substr(colon + 1)));
}

// Cuts off what stands behind the first `mark`, which goes with it.
std::string_view cut_behind(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view behind = text.substr(at + 1);
  text = text.substr(0, at);
  return behind;
}

bool is_varname(std::string_view text) {
  bool may_end = false;  // not at the beginning and not behind a dot
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '.') {
      if (!may_end) return false;
      may_end = false;
      ++at;
      continue;
    }
    if (c == '%') {
      if (!take_escape(text, at)) return false;
    } else if (is_letter(c) || is_digit(c) || c == '_') {
      ++at;
    } else {
      return false;
    }
    may_end = true;
  }
  return may_end;
}

bool is_varspec(std::string_view text) {
  if (text.ends_with('*')) return is_varname(text.substr(0, text.size() - 1));
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return is_varname(text);
  const std::string_view length = text.substr(colon + 1);
  return is_varname(text.substr(0, colon)) && !length.empty() && length.size() <= 4 &&
         length.front() != '0' && std::ranges::all_of(length, is_digit);
}

// What stands between `{` and `}`: RFC 6570 2.2, the operators kept for later among them.
bool is_expression(std::string_view text) {
  if (!text.empty() && std::string_view("+#./;?&=,!@|").contains(text.front()))
    text.remove_prefix(1);
  while (true) {
    const std::size_t comma = text.find(',');
    if (!is_varspec(text.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

bool is_uri(std::string_view text, Script script, Reference reference) {
  if (!is_made_of(cut_behind(text, '#'), ":@/?", script)) return false;
  if (!is_made_of(cut_behind(text, '?'), ":@/?", script, Private::kYes)) return false;
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && colon < text.find('/')) {
    // A relative reference has no colon in its first segment (4.2), so this is a scheme or nothing.
    if (!is_scheme(text.substr(0, colon))) return false;
    text.remove_prefix(colon + 1);
  } else if (reference == Reference::kAbsolute) {
    return false;
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    const std::size_t slash = std::min(text.find('/'), text.size());
    if (!is_authority(text.substr(0, slash), script)) return false;
    text.remove_prefix(slash);
  }
  return is_made_of(text, ":@/", script);
}

bool is_uri_template(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '{') {
      const std::size_t end = text.find('}', at);
      if (end == std::string_view::npos || !is_expression(text.substr(at + 1, end - at - 1)))
        return false;
      at = end + 1;
    } else if (c == '%') {
      if (!take_escape(text, at)) return false;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      const char32_t one = next_code_point(text, at);
      if (!is_ucschar(one) && !is_iprivate(one)) return false;
    } else {
      // DEVIATION: the apostrophe, which RFC 6570 2.1 leaves out and its erratum 6937 puts back.
      if (c <= ' ' || c == 0x7f || std::string_view("\"<>\\^`|}").contains(c)) return false;
      ++at;
    }
  }
  return true;
}

}  // namespace portcullis::schema
