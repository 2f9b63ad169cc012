#include "cedar/escape.h"

#include "base/encoding.h"
#include "cedar/utf8.h"

#include <fmt/format.h>

#include <iterator>

namespace portcullis::cedar {
namespace {

enum class Stars : std::uint8_t { kPlain, kWildcards };

class Unescaper {
 public:
  Unescaper(std::string_view text, Span at, Stars stars)
      : text_(text.substr(1, text.size() - 2)), begin_(at.begin + 1), stars_(stars) {}

  Parsed<std::string> run() {
    std::string out;
    out.reserve(text_.size());
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\') {
        PC_CHECK_OK(take_escape(out));
        continue;
      }
      ++at_;
      // It cannot be seen: not even the ends of lines may hold one.
      if (c == '\r') return wrong(at_ - 1, "a carriage return in a string", "write `\\r`");
      out.push_back(c == '*' && stars_ == Stars::kWildcards ? kWildcard : c);
    }
    return out;
  }

 private:
  [[nodiscard]] std::unexpected<Finding> wrong(std::size_t from, std::string message,
                                               std::string help = {}) const {
    const auto end = static_cast<std::uint32_t>(std::min(at_, text_.size()));
    return fault({begin_ + static_cast<std::uint32_t>(from), begin_ + end}, std::move(message),
                 std::move(help));
  }

  Parsed<> take_escape(std::string& out) {
    const std::size_t from = at_;
    const char c = text_[at_ + 1];  // the lexer saw to it that something follows
    at_ += 2;
    switch (c) {
      case 'n':
        out.push_back('\n');
        return {};
      case 'r':
        out.push_back('\r');
        return {};
      case 't':
        out.push_back('\t');
        return {};
      case '0':
        out.push_back('\0');
        return {};
      case '\\':
      case '\'':
      case '"':
        out.push_back(c);
        return {};
      case 'x':
        return take_hexadecimal(out, from);
      case 'u':
        return take_unicode(out, from);
      case '*':
        if (stars_ == Stars::kPlain)
          return wrong(from, "`\\*` stands only in the pattern of `like`", "write `*`");
        out.push_back('*');
        return {};
      default:
        return wrong(from, "unknown escape in a string",
                     "known are \\n, \\r, \\t, \\0, \\\\, \\', \\\", \\x7F and \\u{10FFFF}");
    }
  }

  Parsed<> take_hexadecimal(std::string& out, std::size_t from) {
    int value = 0;
    for (int i = 0; i < 2; ++i) {
      const int digit = at_ < text_.size() ? hex_digit(text_[at_]) : -1;
      if (digit < 0) return wrong(from, "`\\x` needs two hexadecimal digits");
      value = value * 16 + digit;
      ++at_;
    }
    if (value > 0x7f)
      return wrong(from, "`\\x` reaches to 7F only", "write `\\u{...}` for what is above");
    out.push_back(static_cast<char>(value));
    return {};
  }

  // As Rust reads it: underscores may stand between the digits, not before them.
  Parsed<> take_unicode(std::string& out, std::size_t from) {
    if (at_ >= text_.size() || text_[at_] != '{') return wrong(from, "`\\u` needs a `{`");
    ++at_;
    char32_t value = 0;
    int digits = 0;
    for (;; ++at_) {
      if (at_ >= text_.size()) return wrong(from, "`\\u{` has no `}`");
      const char c = text_[at_];
      if (c == '}') break;
      if (c == '_' && digits > 0) continue;
      const int digit = hex_digit(c);
      if (digit < 0) return wrong(from, "`\\u{...}` holds hexadecimal digits only");
      if (++digits > 6) return wrong(from, "`\\u{...}` holds at most six digits");
      value = value * 16 + static_cast<char32_t>(digit);
    }
    ++at_;
    if (digits == 0) return wrong(from, "`\\u{}` holds no digit");
    if (!is_scalar_value(value)) return wrong(from, "`\\u{...}` is no character of Unicode");
    append_utf8(out, value);
    return {};
  }

  std::string_view text_;
  std::uint32_t begin_;
  Stars stars_;
  std::size_t at_ = 0;
};

// Formats that turn text around or hide it: what a reader of a policy must see.
bool is_invisible(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad || (c >= 0x2000 && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x3000 ||
         c == 0xfeff || (c >= 0xe000 && c <= 0xf8ff) || c >= 0xe0000;
}

void append_character(std::string& out, std::string_view bytes, char32_t code) {
  switch (code) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\0':
      out += "\\0";
      return;
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    default:
      break;
  }
  if (is_invisible(code)) {
    fmt::format_to(std::back_inserter(out), "\\u{{{:x}}}", static_cast<std::uint32_t>(code));
  } else {
    out += bytes;
  }
}

void append_text(std::string& out, std::string_view text, Stars stars) {
  out.push_back('"');
  while (!text.empty()) {
    if (stars == Stars::kWildcards && (text.front() == kWildcard || text.front() == '*')) {
      out += text.front() == '*' ? "\\*" : "*";
      text.remove_prefix(1);
      continue;
    }
    const Utf8Character character = read_utf8(text);
    if (character.size == 0) {  // no text of ours; shown rather than lost
      out += "\\u{fffd}";
      text.remove_prefix(1);
      continue;
    }
    append_character(out, text.substr(0, character.size), character.code);
    text.remove_prefix(character.size);
  }
  out.push_back('"');
}

}  // namespace

Parsed<std::string> unescape(std::string_view text, Span at) {
  return Unescaper(text, at, Stars::kPlain).run();
}

Parsed<std::string> unescape_pattern(std::string_view text, Span at) {
  return Unescaper(text, at, Stars::kWildcards).run();
}

void append_escaped(std::string& out, std::string_view text) {
  append_text(out, text, Stars::kPlain);
}

void append_escaped_pattern(std::string& out, std::string_view pattern) {
  append_text(out, pattern, Stars::kWildcards);
}

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

}  // namespace portcullis::cedar
