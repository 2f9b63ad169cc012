#include "schema/pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace portcullis::schema {
namespace {

using Engine = Pattern::Engine;

TEST(Pattern, MatchesAsEcmaSays) {
  struct Case {
    std::string_view why;
    std::string_view pattern;
    std::string_view text;
    bool want;
    Engine engine;
  };
  const Case cases[] = {
      {"a class with counts", "^[A-Z]{3}-[0-9]{4}$", "ABC-1234", true, Engine::kRuns},
      {"one too many", "^[A-Z]{3}-[0-9]{4}$", "ABC-12345", false, Engine::kRuns},
      {"one too few", "^[A-Z]{3}-[0-9]{4}$", "ABC-123", false, Engine::kRuns},
      {"a prefix", "^sk_", "sk_x", true, Engine::kRuns},
      {"not a prefix", "^sk_", "xsk_", false, Engine::kRuns},
      {"$ is the very end", "^abc$", "abc\n", false, Engine::kRuns},
      {"counts characters, not bytes", "^.{2}$", "é🐲", true, Engine::kRuns},
      {"a count beyond RE2's", "^.{0,5000}$", "x", true, Engine::kRuns},
      {"what may be left out is not asked for", "^ab*[0-9]?", "a", true, Engine::kRuns},
      {"`.` is no line terminator", "^.$", "\u2028", false, Engine::kRuns},
      {"a lone surrogate is in no text", "^[\\uD800-\\uDFFF]$", "\xef\xbf\xbd", false,
       Engine::kRuns},
      {"runs that overlap need more", "^[a-z]+[a-z0-9]$", "abc", true, Engine::kDfa},
      {"anywhere", "b+c", "aabbc", true, Engine::kDfa},
      {"an alternative with its own end", "a$|^b", "xa", true, Engine::kDfa},
      {"and its own start", "a$|^b", "xb", false, Engine::kDfa},
      {"an empty pattern", "", "x", true, Engine::kDfa},
      {"an empty class", "[]", "x", false, Engine::kDfa},
      {"nothing can stand before the start", "a^", "a", false, Engine::kDfa},
      {"start behind the end, in no text", "$^", "", true, Engine::kDfa},
      {"start behind the end", "$^", "a", false, Engine::kDfa},
      {"a surrogate pair", "^\\uD83D\\uDC32$", "🐲", true, Engine::kRuns},
      {"word boundaries", "\\bfoo\\b", "a foo b", true, Engine::kRe2},
      {"nested counts beyond RE2's", "^(?:[a-z]{1,63}\\.){1,127}$", "a.bc.", true, Engine::kRe2},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const Result<Pattern> pattern = Pattern::compile(c.pattern);
    ASSERT_TRUE(pattern) << pattern.error().detail;
    EXPECT_EQ(pattern->matches(c.text), c.want);
    EXPECT_EQ(pattern->engine(), c.engine);
  }
}

TEST(Pattern, SaysWhatIsWrongAndWhere) {
  struct Case {
    std::string_view pattern;
    std::string_view want;
  };
  const Case cases[] = {
      {"ab(?=c)", "a lookahead '(?=', which cannot be matched in linear time, at offset 2"},
      {"a(?!c)", "a negative lookahead '(?!', which cannot be matched in linear time, at offset 1"},
      {"(?<=c)", "a lookbehind '(?<=', which cannot be matched in linear time, at offset 0"},
      {"é(?<!c)",
       "a negative lookbehind '(?<!', which cannot be matched in linear time, at offset 2"},
      {"(a)\\1", "a back-reference, which cannot be matched in linear time, at offset 3"},
      {"(?<n>a)\\k<n>", "a back-reference, which cannot be matched in linear time, at offset 7"},
      {"a(b", "a '(' without its ')', at offset 1"},
      {"ab)", "a ')' without its '(', at offset 2"},
      {"[a", "a '[' without its ']', at offset 0"},
      {"x*+", "nothing to repeat before '+', at offset 2"},
      {"^*", "nothing to repeat: '^' matches no character, at offset 1"},
      {"a{3,2}", "a count whose numbers are out of order, at offset 1"},
      {"a{2", "a count without its '}', at offset 1"},
      {"a{,2}", "'{' without a number: a count is {2}, {2,} or {2,5}, at offset 1"},
      {"\\q", "'\\q' is no escape of ECMA-262, at offset 0"},
      {"\\é", "'\\é' is no escape of ECMA-262, at offset 0"},
      {"a\\", "a '\\' with nothing behind it, at offset 1"},
      {"[z-a]", "the range 'z-a' is out of order, at offset 1"},
      {"\\p{Nope}", "no Unicode property 'Nope' is known, at offset 0"},
      {"\\1", "'\\1' without a group of that number, at offset 0"},
      {"\\k<a>", "'\\k<a>' without a group of that name, at offset 0"},
      {"(?<a>)(?<a>)", "a second group named 'a', at offset 6"},
      {"(?i)a", "'(?' begins no group that ECMA-262 knows, at offset 0"},
      {"\\012", "an octal escape: write '\\x00', at offset 0"},
      {"\\u{110000}", "'\\u{' beyond 10FFFF, at offset 0"},
      {"(?:(?:a|bb){1000}){1000}\\b", "its program is larger than 60000 instructions"},
      {"(?:(?:(?:a|bb){1000}){1000}){1000}",
       "its counts, written out, need more than 1048576 bytes"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.pattern);
    const Result<Pattern> pattern = Pattern::compile(c.pattern);
    ASSERT_FALSE(pattern);
    EXPECT_EQ(pattern.error().detail, c.want);
    EXPECT_EQ(pattern.error().code, ErrorCode::kBadConfig);
  }
}

TEST(Pattern, IsBoundedInTextAndDepth) {
  EXPECT_FALSE(Pattern::compile(std::string(kMaxRegexBytes + 1, 'a')));
  EXPECT_TRUE(Pattern::compile("^" + std::string(kMaxRegexBytes - 1, 'a')));
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "a" + std::string(depth, ')');
  };
  EXPECT_TRUE(Pattern::compile(nested(kMaxRegexDepth)));
  EXPECT_FALSE(Pattern::compile(nested(kMaxRegexDepth + 1)));
}

// What authors write for engines without the `u` flag, where it can mean but one thing.
TEST(Pattern, LenientTakesWhatHasOneMeaning) {
  struct Case {
    std::string_view pattern;
    std::string_view matches;
    std::string_view differs;
  };
  const Case cases[] = {
      {"^\\_\\\"\\@$", "_\"@", "\\_\\\"\\@"},
      {"^{[a-f]+}$", "{abc}", "abc"},
      {"^a]$", "a]", "a"},
      {"^[\\w-.]+$", "a-.", "a+"},
      {"^[+-\\d]$", "-", ","},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.pattern);
    EXPECT_FALSE(Pattern::compile(c.pattern, RegexGrammar::kUnicode));
    const Result<Pattern> pattern = Pattern::compile(c.pattern);
    ASSERT_TRUE(pattern) << pattern.error().detail;
    EXPECT_TRUE(pattern->matches(c.matches));
    EXPECT_FALSE(pattern->matches(c.differs));
  }
}

}  // namespace
}  // namespace portcullis::schema
