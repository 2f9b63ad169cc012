#include "base/ascii.h"
#include "base/ip.h"
#include "schema/code_points.h"
#include "schema/format_rules.h"

#include <algorithm>
#include <cstdint>
#include <idn2.h>
#include <string>

namespace portcullis::schema {

namespace {

constexpr std::size_t kMaxLabel = 63;  // octets, in the form that DNS sees (RFC 1035 2.3.4)
constexpr std::size_t kMaxName = 253;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_xn(std::string_view label) {
  return label.size() >= 4 && equals_ignoring_case(label.substr(0, 4), "xn--");
}

// RFC 1123 2.1: letters, digits and hyphens, no hyphen at either end.
bool is_ldh(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

// Code points of the blocks that Unicode sets aside for scripts written from right to left.
bool is_right_to_left(char32_t one) {
  return (one >= 0x590 && one <= 0x8ff) || (one >= 0xfb1d && one <= 0xfdff) ||
         (one >= 0xfe70 && one <= 0xfeff) || (one >= 0x10800 && one <= 0x10fff) ||
         (one >= 0x1e800 && one <= 0x1efff);
}

// One label by the rules for registration (RFC 5891 4): characters, contextual rules (RFC 5892),
// the Bidi rule within the label (RFC 5893), and that both forms say the same.
struct Label {
  bool valid = false;
  std::size_t size = 0;  // octets of the A-label
  bool right_to_left = false;
};

Label read_idna(std::string_view text, bool normalise) {
  Label label;
  const bool a_label = is_ascii(text);
  // No label of 63 octets comes from more text than this.
  if (text.empty() || text.size() > 4 * kMaxLabel || text.contains('\0')) return label;
  const std::string given = a_label ? in_lower_case(text) : std::string(text);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(given.c_str());
  std::uint8_t* a_form = nullptr;
  label.valid = idn2_register_u8(a_label ? nullptr : bytes, a_label ? bytes : nullptr, &a_form,
                                 normalise ? IDN2_NFC_INPUT : 0) == IDN2_OK &&
                a_form != nullptr;
  std::string unicode = given;
  if (label.valid) {
    const std::string_view made(reinterpret_cast<const char*>(a_form));
    label.size = made.size();
    // An A-label of ASCII alone, or a U-label without anything to encode, is neither.
    label.valid = is_xn(made) && made.size() <= kMaxLabel;
    char* decoded = nullptr;
    if (label.valid && a_label && idn2_to_unicode_8z8z(given.c_str(), &decoded, 0) == IDN2_OK) {
      unicode = decoded;
      idn2_free(decoded);
    }
  }
  idn2_free(a_form);
  bool european = false;
  bool arabic = false;
  for (std::size_t at = 0; at < unicode.size();) {
    const char32_t one = next_code_point(unicode, at);
    label.right_to_left |= is_right_to_left(one);
    european |= (one >= '0' && one <= '9') || (one >= 0x6f0 && one <= 0x6f9);
    arabic |= one >= 0x660 && one <= 0x669;
  }
  // RFC 5893 2, rule 4, which libidn2 2.3.3 does not check.
  label.valid = label.valid && !(label.right_to_left && european && arabic);
  return label;
}

// The dots of RFC 3490 3.1, which users type: U+002E and three that look like it.
std::size_t dot_at(std::string_view text, Script script) {
  if (text.front() == '.') return 1;
  if (script == Script::kAscii) return 0;
  for (const std::string_view dot : {"\u3002", "\uff0e", "\uff61"}) {
    if (text.starts_with(dot)) return dot.size();
  }
  return 0;
}

// The labels of a name, one after another.
class NameReader {
 public:
  NameReader(std::string_view text, Script script, bool normalise)
      : rest_(text), script_(script), normalise_(normalise) {}

  bool valid() {
    do {
      if (!read_label()) return false;
    } while (more_);
    // RFC 5893 2, rule 1, for every label once one of them is written from right to left.
    return size_ <= kMaxName && !(right_to_left_ && digit_first_);
  }

 private:
  bool read_label() {
    std::size_t end = 0;
    std::size_t dot = 0;
    while (end < rest_.size() && (dot = dot_at(rest_.substr(end), script_)) == 0) ++end;
    const std::string_view label = rest_.substr(0, end);
    more_ = end < rest_.size();
    rest_.remove_prefix(end + dot);
    digit_first_ |= !label.empty() && is_digit(label.front());
    size_ += more_ ? 1 : 0;
    if (is_ascii(label) && !is_xn(label)) {
      size_ += label.size();
      // `--` in the third and fourth place is kept for forms such as `xn--` (RFC 5891 4.2.3.1).
      const bool reserved = label.size() > 3 && label.substr(2, 2) == "--";
      return is_ldh(label) && !(script_ == Script::kInternational && reserved);
    }
    if (script_ == Script::kAscii && !is_ldh(label)) return false;
    const Label read = read_idna(label, normalise_);
    size_ += read.size;
    right_to_left_ |= read.right_to_left;
    return read.valid;
  }

  std::string_view rest_;
  Script script_;
  bool normalise_;
  bool more_ = false;
  bool right_to_left_ = false;
  bool digit_first_ = false;
  std::size_t size_ = 0;
};

bool is_atext(char c, Script script) {
  if (static_cast<unsigned char>(c) >= 0x80) return script == Script::kInternational;
  return is_letter(c) || is_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

bool is_dot_string(std::string_view text, Script script) {
  char before = '.';
  for (const char c : text) {
    if (c == '.' ? before == '.' : !is_atext(c, script)) return false;
    before = c;
  }
  return before != '.';
}

// Behind the opening quote: the length up to and with the closing one, or 0.
std::size_t quoted_string(std::string_view text, Script script) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"') return i + 1;
    if (c == '\\') {
      ++i;
      if (i == text.size() || text[i] < 0x20 || text[i] > 0x7e) return 0;
    } else if (c < 0x20 || c == 0x7f || (c >= 0x80 && script == Script::kAscii)) {
      return 0;
    }
  }
  return 0;
}

// What stands between `[` and `]`: RFC 5321 4.1.3.
bool is_address_literal(std::string_view text) {
  if (text.size() > 5 && equals_ignoring_case(text.substr(0, 5), "ipv6:"))
    return is_ipv6(text.substr(5));
  return is_ipv4(text);
}

}  // namespace

bool is_ipv4(std::string_view text) {
  return !text.contains(':') && IpAddress::parse(text).has_value();
}

bool is_ipv6(std::string_view text) {
  return text.contains(':') && IpAddress::parse(text).has_value();
}

bool is_hostname(std::string_view text, Script script) {
  return text.size() <= 4 * kMaxName && NameReader(text, script, false).valid();
}

bool is_email(std::string_view text, Script script) {
  constexpr std::size_t kMaxLocal = 64;
  std::size_t at = 0;
  if (text.starts_with('"')) {
    const std::size_t quoted = quoted_string(text.substr(1), script);
    if (quoted == 0) return false;
    at = quoted + 1;
  } else {
    at = std::min(text.find('@'), text.size());
    if (!is_dot_string(text.substr(0, at), script)) return false;
  }
  if (at > kMaxLocal || at == text.size() || text[at] != '@') return false;
  const std::string_view domain = text.substr(at + 1);
  if (domain.starts_with('[') && domain.ends_with(']'))
    return is_address_literal(domain.substr(1, domain.size() - 2));
  return domain.size() <= 4 * kMaxName && NameReader(domain, script, true).valid();
}

}  // namespace portcullis::schema
