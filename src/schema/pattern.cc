#include "schema/pattern.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace portcullis::schema {

Result<Pattern> Pattern::compile(std::string_view ecma, RegexGrammar grammar, Engine engine) {
  PC_TRY(const Regex regex, parse_regex(ecma, grammar));
  if (regex.irregular != nullptr) {
    return fail(ErrorCode::kBadConfig,
                fmt::format("a {}, which cannot be matched in linear time, at offset {}",
                            regex.irregular, regex.irregular_at));
  }
  if (engine == Engine::kAny || engine == Engine::kRuns) {
    if (std::optional<RunMatcher> runs = RunMatcher::compile(regex))
      return Pattern(*std::move(runs));
  }
  if (engine == Engine::kAny || engine == Engine::kDfa) {
    if (std::optional<DfaMatcher> dfa = DfaMatcher::compile(regex)) return Pattern(*std::move(dfa));
  }
  if (engine == Engine::kRuns || engine == Engine::kDfa)
    return fail(ErrorCode::kBadConfig, "not of the shape that this engine takes");
  PC_TRY(Re2Matcher re2, Re2Matcher::compile(regex));
  return Pattern(std::move(re2));
}

Pattern::Engine Pattern::engine() const {
  if (std::holds_alternative<RunMatcher>(matcher_)) return Engine::kRuns;
  return std::holds_alternative<DfaMatcher>(matcher_) ? Engine::kDfa : Engine::kRe2;
}

}  // namespace portcullis::schema
