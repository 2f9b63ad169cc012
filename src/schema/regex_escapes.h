// The escapes of ECMA-262 patterns that stand for characters, in brackets and outside.
#pragma once

#include "base/result.h"
#include "schema/code_points.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace portcullis::schema {

// Where the parser is in the text of a pattern, which it borrows.
struct RegexCursor {
  std::string_view text;
  std::size_t at = 0;

  [[nodiscard]] bool done() const { return at == text.size(); }
  [[nodiscard]] char peek() const { return done() ? '\0' : text[at]; }
  bool take(char c) {
    if (done() || text[at] != c) return false;
    ++at;
    return true;
  }
  bool take(std::string_view what) {
    if (!text.substr(at).starts_with(what)) return false;
    at += what.size();
    return true;
  }
  [[nodiscard]] static std::unexpected<Error> fail_at(std::size_t offset, std::string_view what);
  [[nodiscard]] std::unexpected<Error> fail_here(std::string_view what) const {
    return fail_at(at, what);
  }
};

enum class RegexPlace : std::uint8_t { kOutside, kInClass };

// One code point, or any of a set.
struct RegexEscape {
  char32_t literal = 0;
  std::optional<CodePointSet> set;
};

// The escape whose `\` is at the cursor, which is moved behind it. Those that stand for no
// character
// (`\b` outside, back-references) are the parser's own.
[[nodiscard]] Result<RegexEscape> read_regex_escape(RegexCursor& in, RegexPlace place,
                                                    bool lenient);

// What `.` matches without the `s` flag: all but the LineTerminators.
[[nodiscard]] CodePointSet regex_dot();

}  // namespace portcullis::schema
