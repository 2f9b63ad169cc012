#include "http/path.h"

#include "base/encoding.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace portcullis::http {
namespace {

enum : std::uint8_t {
  kPlain = 1,  // pchar without `;` and `%` (RFC 3986 3.3)
  kQuery = 2,  // may stand in a query
};

constexpr std::array<std::uint8_t, 256> kClass = [] {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&](std::string_view set, unsigned as) {
    for (const char c : set) {
      auto& entry = table[static_cast<unsigned char>(c)];
      entry = static_cast<std::uint8_t>(entry | as);
    }
  };
  mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", kPlain | kQuery);
  mark("!$&'()*+,=:@", kPlain | kQuery);
  mark(";/?[]{}|\\^`", kQuery);
  return table;
}();

constexpr bool is(char c, unsigned what) {
  return (kClass[static_cast<unsigned char>(c)] & what) != 0;
}

auto malformed(const char* why) { return refuse(ErrorCode::kMalformedPath, why); }

// RFC 3629, octet by octet: refuses overlong forms, surrogates and what lies beyond U+10FFFF.
class Utf8Check {
 public:
  bool feed(unsigned char c) {
    if (missing_ > 0) {
      if (c < low_ || c > high_) return false;
      low_ = 0x80;
      high_ = 0xbf;
      --missing_;
      return true;
    }
    if (c < 0x80) return true;
    if (c < 0xc2 || c > 0xf4) return false;
    missing_ = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    if (c == 0xe0) low_ = 0xa0;
    if (c == 0xed) high_ = 0x9f;
    if (c == 0xf0) low_ = 0x90;
    if (c == 0xf4) high_ = 0x8f;
    return true;
  }
  [[nodiscard]] bool complete() const { return missing_ == 0; }

 private:
  int missing_ = 0;
  unsigned char low_ = 0x80;
  unsigned char high_ = 0xbf;
};

bool is_canonical(std::string_view raw) {
  char before = 0;
  for (const char c : raw) {
    if (c == '/') {
      if (before == '/') return false;
    } else if (!is(c, kPlain) || (c == '.' && before == '/')) {
      return false;
    }
    before = c;
  }
  return true;
}

// What may not stand between the separators that an upstream could see: `.` and `..`, bare or with
// parameters.
bool is_dots(std::string_view part) {
  const std::size_t cut = std::min(part.find(';'), part.find("%3B"));
  part = part.substr(0, cut);
  return part == "." || part == "..";
}

bool hides_dots(std::string_view segment) {
  if (segment == "." || segment == "..") return false;  // in plain sight: they are resolved
  for (;;) {
    const std::size_t cut = std::min(segment.find("%2F"), segment.find("%5C"));
    if (is_dots(segment.substr(0, cut))) return true;
    if (cut == std::string_view::npos) return false;
    segment.remove_prefix(cut + 3);
  }
}

class Canonicaliser {
 public:
  Canonicaliser(const PathRules& rules, char* out) : rules_(rules), out_(out) {}

  Result<std::string_view> run(std::string_view raw) {
    raw.remove_prefix(1);
    for (;;) {
      const std::size_t slash = raw.find('/');
      const bool last = slash == std::string_view::npos;
      PC_CHECK_OK(segment(raw.substr(0, slash), last));
      if (last) break;
      raw.remove_prefix(slash + 1);
    }
    if (size_ == 0) put('/');
    return std::string_view(out_, size_);
  }

 private:
  void put(char c) { out_[size_++] = c; }

  void put_escape(unsigned char value) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    put('%');
    put(kDigits[value >> 4]);
    put(kDigits[value & 15]);
  }

  Result<void> octet(unsigned char value) {
    if (value < 0x20 || value == 0x7f) return malformed("control character in the path");
    if (value == '/' || value == '\\') {
      if (rules_.encoded_slash == OnEncodedSlash::kRefuse)
        return malformed("encoded slash in the path");
      put_escape(value);
      return {};
    }
    if (value == ';') {
      if (rules_.path_parameters == OnPathParameters::kRefuse) return malformed("path parameter");
      put_escape(value);
      return {};
    }
    if (is(static_cast<char>(value), kPlain)) {
      put(static_cast<char>(value));
    } else {
      put_escape(value);
    }
    return {};
  }

  Result<void> segment(std::string_view raw, bool last) {
    const std::size_t begin = size_;
    if (raw.empty() && !last) {
      if (rules_.duplicate_slashes == OnDuplicateSlash::kRefuse)
        return malformed("duplicate slash in the path");
      return {};
    }
    put('/');
    Utf8Check utf8;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const char c = raw[i];
      if (c == '%') {
        const int escaped = percent_octet(raw, i);
        if (escaped < 0) return malformed("`%` without two hexadecimal digits");
        const auto value = static_cast<unsigned char>(escaped);
        if (!utf8.feed(value)) return malformed("path is not UTF-8");
        PC_CHECK_OK(octet(value));
        i += 2;
        continue;
      }
      if (!utf8.feed(static_cast<unsigned char>(c))) return malformed("path is not UTF-8");
      if (c == ';') {
        if (rules_.path_parameters == OnPathParameters::kRefuse) return malformed("path parameter");
      } else if (!is(c, kPlain)) {
        return malformed("character that may not stand in a path");
      }
      put(c);
    }
    if (!utf8.complete()) return malformed("path is not UTF-8");
    return resolve_dots(begin, last);
  }

  // RFC 3986 5.2.4, but a path may not climb above its root.
  Result<void> resolve_dots(std::size_t begin, bool last) {
    const std::string_view text(out_ + begin + 1, size_ - begin - 1);
    if (hides_dots(text))
      return malformed("dot segment with parameters or behind an encoded slash");
    if (text != "." && text != "..") return {};
    size_ = begin;
    if (text.size() == 2) {
      if (size_ == 0) return malformed("path climbs above its root");
      while (out_[--size_] != '/') {
      }
    }
    if (last) put('/');
    return {};
  }

  const PathRules& rules_;
  char* out_;
  std::size_t size_ = 0;
};

}  // namespace

Result<std::string_view> canonical_path(std::string_view raw, const PathRules& rules,
                                        Arena& arena) {
  if (raw.empty() || raw.front() != '/') return malformed("path does not begin with a slash");
  if (is_canonical(raw)) return raw;
  // Nothing grows: an octet that is written as an escape came as one. One more for the slash of an
  // empty result.
  return Canonicaliser(rules, arena.array<char>(raw.size() + 1)).run(raw);
}

Result<void> check_query(std::string_view query, std::uint32_t most_arguments) {
  std::uint32_t arguments = query.empty() ? 0 : 1;
  for (std::size_t i = 0; i < query.size(); ++i) {
    if (query[i] == '%') {
      if (percent_octet(query, i) < 0) {
        return malformed("`%` without two hexadecimal digits in the query");
      }
      i += 2;
    } else if (!is(query[i], kQuery)) {
      return malformed("character that may not stand in a query");
    } else if (query[i] == '&') {
      ++arguments;
    }
  }
  if (arguments > most_arguments)
    return refuse(ErrorCode::kUriTooLong, "more arguments in the query than `query_arguments`");
  return {};
}

}  // namespace portcullis::http
