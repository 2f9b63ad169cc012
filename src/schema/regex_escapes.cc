#include "schema/regex_escapes.h"

#include "base/encoding.h"
#include "schema/unicode_properties.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace portcullis::schema {

namespace {

constexpr CodePointRange kDigits[] = {{'0', '9'}};
constexpr CodePointRange kWord[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
// WhiteSpace and LineTerminator, 12.2 and 12.3.
constexpr CodePointRange kSpace[] = {
    {'\t', '\r'},     {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
constexpr CodePointRange kLineTerminators[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

CodePointSet class_of(std::span<const CodePointRange> ranges, bool negated) {
  CodePointSet set(ranges);
  if (negated) set.complement();
  return set;
}

// Exactly `count` digits at the cursor.
std::optional<char32_t> take_hex(RegexCursor& in, std::size_t count) {
  if (in.text.size() - in.at < count) return std::nullopt;
  char32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int digit = hex_digit(in.text[in.at + i]);
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<char32_t>(digit);
  }
  in.at += count;
  return value;
}

// Behind `\u{`.
Result<char32_t> braced_code_point(RegexCursor& in, std::size_t start) {
  char32_t value = 0;
  const std::size_t first = in.at;
  for (int digit = hex_digit(in.peek()); digit >= 0; digit = hex_digit(in.peek())) {
    value = value * 16 + static_cast<char32_t>(digit);
    if (value > kLastCodePoint) return in.fail_at(start, "'\\u{' beyond 10FFFF");
    ++in.at;
  }
  if (in.at == first || !in.take('}'))
    return in.fail_at(start, "'\\u{' without hexadecimal digits and a '}'");
  return value;
}

// Behind `\u`: two escapes of a surrogate pair are one code point (22.2.1,
// RegExpUnicodeEscapeSequence).
Result<char32_t> unicode_escape(RegexCursor& in, std::size_t start) {
  if (in.take('{')) return braced_code_point(in, start);
  const std::optional<char32_t> lead = take_hex(in, 4);
  if (!lead) return in.fail_at(start, "'\\u' without four hexadecimal digits");
  if (*lead < 0xd800 || *lead > 0xdbff) return *lead;
  RegexCursor ahead = in;
  if (!ahead.take("\\u")) return *lead;
  const std::optional<char32_t> trail = take_hex(ahead, 4);
  if (!trail || *trail < 0xdc00 || *trail > 0xdfff) return *lead;
  in = ahead;
  return 0x10000 + ((*lead - 0xd800) << 10) + (*trail - 0xdc00);
}

// Behind `\p` or `\P`.
Result<CodePointSet> property(RegexCursor& in, std::size_t start, bool negated) {
  if (!in.take('{')) return in.fail_at(start, "'\\p' without a '{name}'");
  const std::size_t end = in.text.find('}', in.at);
  if (end == std::string_view::npos) return in.fail_at(start, "'\\p{' without its '}'");
  const std::string_view whole = in.text.substr(in.at, end - in.at);
  const std::size_t equals = whole.find('=');
  const bool has_value = equals != std::string_view::npos;
  const std::string_view value = has_value ? whole.substr(equals + 1) : std::string_view();
  std::optional<CodePointSet> set;
  if (!has_value || !value.empty()) set = find_unicode_property(whole.substr(0, equals), value);
  if (!set) return in.fail_at(start, fmt::format("no Unicode property '{}' is known", whole));
  in.at = end + 1;
  if (negated) set->complement();
  return *std::move(set);
}

std::optional<char32_t> control_escape(char c) {
  switch (c) {
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    default:
      return std::nullopt;
  }
}

std::optional<CodePointSet> class_escape(char c) {
  switch (c) {
    case 'd':
    case 'D':
      return class_of(kDigits, c == 'D');
    case 's':
    case 'S':
      return class_of(kSpace, c == 'S');
    case 'w':
    case 'W':
      return class_of(kWord, c == 'W');
    default:
      return std::nullopt;
  }
}

bool is_identity_escape(char c, RegexPlace place, bool lenient) {
  if (std::string_view("^$\\.*+?()[]{}|/").contains(c)) return true;
  if (place == RegexPlace::kInClass && c == '-') return true;
  return lenient && c >= 0x20 && c < 0x7f && !is_ascii_letter(c) && !is_ascii_digit(c);
}

}  // namespace

std::unexpected<Error> RegexCursor::fail_at(std::size_t offset, std::string_view what) {
  return fail(ErrorCode::kBadConfig, fmt::format("{}, at offset {}", what, offset));
}

Result<RegexEscape> read_regex_escape(RegexCursor& in, RegexPlace place, bool lenient) {
  const std::size_t start = in.at++;
  if (in.done()) return in.fail_at(start, "a '\\' with nothing behind it");
  const char c = in.text[in.at++];
  if (const std::optional<char32_t> control = control_escape(c))
    return RegexEscape{*control, std::nullopt};
  if (std::optional<CodePointSet> set = class_escape(c)) return RegexEscape{0, std::move(set)};
  switch (c) {
    case 'p':
    case 'P': {
      PC_TRY(CodePointSet set, property(in, start, c == 'P'));
      return RegexEscape{0, std::move(set)};
    }
    case 'u': {
      PC_TRY(const char32_t one, unicode_escape(in, start));
      return RegexEscape{one, std::nullopt};
    }
    case 'x': {
      const std::optional<char32_t> one = take_hex(in, 2);
      if (!one) return in.fail_at(start, "'\\x' without two hexadecimal digits");
      return RegexEscape{*one, std::nullopt};
    }
    case 'c': {
      const char letter = in.peek();
      if (!is_ascii_letter(letter)) return in.fail_at(start, "'\\c' without a letter");
      ++in.at;
      return RegexEscape{static_cast<char32_t>(letter) % 32, std::nullopt};
    }
    case '0':
      if (is_ascii_digit(in.peek())) return in.fail_at(start, "an octal escape: write '\\x00'");
      return RegexEscape{0, std::nullopt};
    case 'b':
      if (place == RegexPlace::kInClass) return RegexEscape{'\b', std::nullopt};
      break;
    default:
      if (is_identity_escape(c, place, lenient))
        return RegexEscape{static_cast<char32_t>(c), std::nullopt};
  }
  // The whole character, where it is not ASCII.
  in.at = start + 1;
  (void)next_code_point(in.text, in.at);
  return in.fail_at(
      start, fmt::format("'{}' is no escape of ECMA-262", in.text.substr(start, in.at - start)));
}

CodePointSet regex_dot() { return class_of(kLineTerminators, true); }

}  // namespace portcullis::schema
