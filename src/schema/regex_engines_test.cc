// The engines against one another: whatever more than one can do, they do alike.

#include "schema/pattern.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::schema {
namespace {

using Engine = Pattern::Engine;

// Patterns and texts over a small alphabet, so that matches are common.
class Maker {
 public:
  explicit Maker(std::uint32_t seed) : random_(seed) {}

  std::string pattern(int depth) {
    std::string made;
    for (std::size_t left = 1 + below(4); left > 0; --left) made += term(depth);
    if (below(5) == 0) made += "|" + term(depth);
    return made;
  }

  // From `^` on, classes with counts: what the direct matcher is for.
  std::string runs() {
    std::string made = "^";
    for (std::size_t left = 1 + below(4); left > 0; --left) made += pick(kAtoms) + pick(kCounts);
    return made + pick({"", "$"});
  }

  std::string text() {
    std::string made;
    for (std::size_t left = below(9); left > 0; --left)
      made += pick({"a", "b", "c", "1", "-", "\n", "é", " ", "🐲", "中"});
    return made;
  }

 private:
  inline static const std::vector<std::string> kAtoms = {
      "a", "b",  "c",      ".",       "[ab]",   "[^a]",           "\\w", "\\d", "\\s", "[a-c1]",
      "é", "🐲", "[é-中]", "\\p{Zs}", "[^b🐲]", "[^\\x00-\\x7f]", "1",   "-",   "[]",  "[^]"};
  inline static const std::vector<std::string> kCounts = {
      "", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "{0}"};

  std::size_t below(std::size_t limit) { return random_() % limit; }
  std::string pick(const std::vector<std::string>& list) { return list[below(list.size())]; }
  std::string term(int depth) {
    const std::size_t roll = below(10);
    if (roll == 0) return "^";
    if (roll == 1) return "$";
    if (roll < 5 && depth > 0) return "(?:" + pattern(depth - 1) + ")" + pick(kCounts);
    return pick(kAtoms) + pick(kCounts);
  }

  std::mt19937 random_;
};

TEST(Engines, AgreeOnWhatTheyShare) {
  Maker maker(20261124);
  std::size_t by_dfa = 0;
  std::size_t by_runs = 0;
  std::size_t matched = 0;
  for (int round = 0; round < 1000; ++round) {
    const std::string text = round % 2 == 0 ? maker.pattern(2) : maker.runs();
    SCOPED_TRACE(text);
    const auto re2 = Pattern::compile(text, RegexGrammar::kUnicode, Engine::kRe2);
    ASSERT_TRUE(re2) << re2.error().detail;
    const auto dfa = Pattern::compile(text, RegexGrammar::kUnicode, Engine::kDfa);
    const auto runs = Pattern::compile(text, RegexGrammar::kUnicode, Engine::kRuns);
    by_dfa += dfa ? 1 : 0;
    by_runs += runs ? 1 : 0;
    for (int i = 0; i < 20; ++i) {
      const std::string subject = maker.text();
      const bool want = re2->matches(subject);
      matched += want ? 1 : 0;
      if (dfa) {
        ASSERT_EQ(dfa->matches(subject), want) << subject;
      }
      if (runs) {
        ASSERT_EQ(runs->matches(subject), want) << subject;
      }
    }
  }
  // The test is about something.
  EXPECT_GT(by_dfa, 900U);
  EXPECT_GT(by_runs, 100U);
  EXPECT_GT(matched, 3'000U);
}

// Counts beyond RE2's thousand, and products of nested ones, written out for it.
TEST(Engines, Re2CountsAsFarAsAsked) {
  struct Case {
    std::string_view pattern;
    std::size_t least;
    std::size_t most;
  };
  const Case cases[] = {{"^a{1001}$", 1001, 1001},
                        {"^a{2,2500}$", 2, 2500},
                        {"^a{1500,}$", 1500, 5000},
                        {"^(?:a{2}){600}$", 1200, 1200},
                        {"^(?:(?:a{0,3}){20}){30}$", 0, 1800}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.pattern);
    const auto re2 = Pattern::compile(c.pattern, RegexGrammar::kUnicode, Engine::kRe2);
    ASSERT_TRUE(re2) << re2.error().detail;
    EXPECT_TRUE(re2->matches(std::string(c.least, 'a')));
    EXPECT_TRUE(re2->matches(std::string(c.most, 'a')));
    if (c.least > 0) {
      EXPECT_FALSE(re2->matches(std::string(c.least - 1, 'a')));
    }
    if (c.most < 5000) {
      EXPECT_FALSE(re2->matches(std::string(c.most + 1, 'a')));
    }
  }
}

}  // namespace
}  // namespace portcullis::schema
