// ECMA-262 patterns (ECMA-262 22.2.1 with the `u` flag) read into a tree. No engine in here: what a
// matcher can do with the tree is the matcher's business.
#pragma once

#include "base/result.h"
#include "schema/code_points.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace portcullis::schema {

// How strict to be about what the `u` flag forbids.
enum class RegexGrammar : std::uint8_t {
  kUnicode,  // exactly the grammar of the `u` flag: for the format `regex`
  // Also what authors write for engines without the flag and what can mean but one thing: any
  // punctuation escaped (`\_`, `\"`), `]` and `}` alone, `{` that begins no count, and a class such
  // as `\w` beside `-` in brackets.
  kLenient,
};

struct RegexNode {
  enum class Kind : std::uint8_t {
    kEmpty,
    kLiteral,   // one code point
    kSet,       // one code point of sets[index]
    kSequence,  // children, one after another
    kChoice,    // one of the children
    kRepeat,    // the child, min to max times
    kStart,     // ^
    kEnd,       // $
    kWordBoundary,
    kNotWordBoundary,
    kLookaround,     // the child
    kBackReference,  // to a group
  };
  Kind kind = Kind::kEmpty;
  char32_t literal = 0;
  std::uint32_t index = 0;
  std::uint32_t min = 0;
  std::uint32_t max = 0;  // kNoLimit
  std::vector<RegexNode> children;
};

struct Regex {
  static constexpr std::uint32_t kNoLimit = ~std::uint32_t{0};

  RegexNode root;
  std::vector<CodePointSet> sets;
  // The first construct that no linear-time matcher knows, where it begins (in bytes) and what it
  // is called; null when there is none.
  const char* irregular = nullptr;
  std::size_t irregular_at = 0;
};

// Bounds on a pattern: bytes of its text, groups within groups, and the greatest number that a
// count may ask for.
inline constexpr std::size_t kMaxRegexBytes = 65536;
inline constexpr std::uint32_t kMaxRegexDepth = 200;
inline constexpr std::uint32_t kMaxRegexCount = 1U << 30;

// Errors: kBadConfig; the detail is "what is wrong, at offset N" with the offset in bytes.
[[nodiscard]] Result<Regex> parse_regex(std::string_view pattern, RegexGrammar grammar);

}  // namespace portcullis::schema
