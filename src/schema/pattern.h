// The keyword `pattern`: ECMA-262 regular expressions with the semantics of the `u` flag, matched
// in time linear in the text.
#pragma once

#include "base/result.h"
#include "schema/regex_dfa.h"
#include "schema/regex_re2.h"
#include "schema/regex_runs.h"
#include "schema/regex_syntax.h"

#include <cstdint>
#include <string_view>
#include <variant>

namespace portcullis::schema {

// Immutable; any number of threads match with one at once.
class Pattern {
 public:
  // kAny takes the fastest that can do it; tests name one, and compile() fails when that one
  // cannot.
  enum class Engine : std::uint8_t { kAny, kRuns, kDfa, kRe2 };

  // Errors: kBadConfig, "what is wrong, at offset N" (in bytes): breaks the grammar, is a
  // lookaround or a back-reference, which no matcher in linear time has, or is too large.
  [[nodiscard]] static Result<Pattern> compile(std::string_view ecma,
                                               RegexGrammar grammar = RegexGrammar::kLenient,
                                               Engine engine = Engine::kAny);

  // Whether the pattern matches anywhere in `text`, which is valid UTF-8. Allocates nothing unless
  // the engine is RE2.
  [[nodiscard]] bool matches(std::string_view text) const {
    if (const auto* runs = std::get_if<RunMatcher>(&matcher_)) return runs->matches(text);
    if (const auto* dfa = std::get_if<DfaMatcher>(&matcher_)) return dfa->matches(text);
    return std::get<Re2Matcher>(matcher_).matches(text);
  }

  [[nodiscard]] Engine engine() const;

 private:
  using Matcher = std::variant<RunMatcher, DfaMatcher, Re2Matcher>;
  explicit Pattern(Matcher matcher) : matcher_(std::move(matcher)) {}
  Matcher matcher_;
};

}  // namespace portcullis::schema
