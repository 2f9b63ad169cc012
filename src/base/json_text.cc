#include "base/json_text.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace portcullis {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101U;
constexpr std::uint64_t kHighs = 0x8080808080808080U;

// Eight bytes at once: true when one of them is a control character, DEL, a quote, a backslash or
// not ASCII. Exact for "is there any", which is all that is asked.
bool any_special(std::uint64_t word) {
  const auto equals = [word](std::uint64_t c) {
    const std::uint64_t x = word ^ (kOnes * c);
    return (x - kOnes) & ~x;
  };
  const std::uint64_t controls = (word - kOnes * 0x20) & ~word;
  return ((word | controls | equals('"') | equals('\\') | equals(0x7f)) & kHighs) != 0;
}

bool special(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\';
}

// Bytes at the start of `text` that can be copied as they are.
std::size_t plain_prefix(std::string_view text) {
  std::size_t at = 0;
  for (; text.size() - at >= 8; at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if (any_special(word)) break;
  }
  while (at < text.size() && !special(text[at])) ++at;
  return at;
}

// The length of the UTF-8 sequence that `text` begins with (RFC 3629 4), or 0. Not ASCII.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto tail = [byte](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (first == 0xe0 && second < 0xa0) return 0;  // overlong
    if (first == 0xed && second > 0x9f) return 0;  // surrogates
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (first == 0xf0 && second < 0x90) return 0;  // overlong
    if (first == 0xf4 && second > 0x8f) return 0;  // beyond U+10FFFF
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

void append_unicode_escape(std::string& out, unsigned char byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  out.append("\\u00");
  out.push_back(kDigits[byte >> 4]);
  out.push_back(kDigits[byte & 15]);
}

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out.append("\\\"");
      return;
    case '\\':
      out.append("\\\\");
      return;
    case '\b':
      out.append("\\b");
      return;
    case '\f':
      out.append("\\f");
      return;
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    default:
      append_unicode_escape(out, static_cast<unsigned char>(c));
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  while (true) {
    const std::size_t plain = plain_prefix(text);
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    std::size_t used = 1;
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      append_escape(out, text[0]);
    } else if (const std::size_t length = utf8_length(text); length == 0) {
      out.append("\xEF\xBF\xBD");
    } else {
      used = length;
      const bool c1 =
          length == 2 && text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0;
      if (c1) {
        append_unicode_escape(out, static_cast<unsigned char>(text[1]));
      } else {
        out.append(text.substr(0, length));
      }
    }
    text.remove_prefix(used);
  }
  out.push_back('"');
}

}  // namespace portcullis
