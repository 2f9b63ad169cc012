#include "cedar/lexer.h"

#include "cedar/escape.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::cedar {
namespace {

std::string kinds_of(std::string_view text, Comments comments = Comments::kSkip) {
  Lexer lexer(text, comments);
  std::string all;
  for (;;) {
    const Parsed<Token> token = lexer.next();
    if (!token) return all + "error: " + token.error().message;
    if (token->is(TokenKind::kEnd)) return all;
    all += std::string(token->text) + "|";
  }
}

TEST(Lexer, SplitsByTheLongestToken) {
  struct Case {
    std::string_view why;
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {
      {"nothing", "", ""},
      {"blanks only", " \t\r\n\v\f", ""},
      {"blanks of Unicode", "a\u00a0b\u2003c\u3000", "a|b|c|"},
      {"words and numbers", "permit _x9 12ab", "permit|_x9|12|ab|"},
      {"two signs are one operator", "a::b:c==d=e<=f<g", "a|::|b|:|c|==|d|=|e|<=|f|<|g|"},
      {"a slot, and an optional attribute", "?principal a?: ?1", "?principal|a|?|:|?|1|"},
      {"a comment ends with its line", "a // b \" c\nd//", "a|d|"},
      {"escaped quotes", R"("a\"b" "\\")", R"("a\"b"|"\\"|)"},
      {"a string over lines", "\"a\nb\"", "\"a\nb\"|"},
      {"a string that does not end", "\"abc", "error: this string has no end"},
      {"nor after a backslash", "\"abc\\", "error: this string has no end"},
      {"a line that ends in a backslash", "\"a\\\nb\"",
       "error: a line may not end with a backslash within a string"},
      {"single quotes", "'a'", "error: a string is written in double quotes"},
      {"half an operator", "a & b", "a|error: `&` is no operator"},
      {"NUL", std::string_view("\0", 1), "error: a control character stands here"},
      {"a character without a place", "a \u00e9", "a|error: unexpected character `\u00e9`"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(kinds_of(c.text), c.want);
  }
  EXPECT_EQ(kinds_of("a // b\n//c", Comments::kKeep), "a|// b|//c|");
}

TEST(Utf8, RefusesWhatIsNoText) {
  const std::string_view bad[] = {"\x80",         "\xc0\xaf",         "\xe0\x80\x80",
                                  "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8",
                                  "a\xc3",        "\xe2\x82"};
  for (const std::string_view text : bad) EXPECT_FALSE(check_utf8(text)) << text;
  EXPECT_TRUE(check_utf8("a\u00e9\u20ac\U0001f600"));
}

TEST(Unescape, ReadsWhatCedarReads) {
  struct Case {
    std::string_view text;
    std::string want;
  };
  const Case good[] = {
      {R"("")", ""},
      {R"("a\n\r\t\\\'\"b")", "a\n\r\t\\'\"b"},
      {R"("\0")", std::string("\0", 1)},
      {R"("\x41\x7f")", "A\x7f"},
      {R"("\u{1f600}\u{0}\u{00e9}")", std::string("\U0001f600\0\u00e9", 7)},
      {R"("\u{1_0}")", "\x10"},
      {"\"a\nb*\"", "a\nb*"},
  };
  for (const Case& c : good) {
    SCOPED_TRACE(c.text);
    const auto got = unescape(c.text, {});
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(*got, c.want);
  }
  const std::string_view bad[] = {
      R"("\q")",          R"("\x4")",  R"("\x80")",   R"("\xg0")",     R"("\u0041")",
      R"("\u{")",         R"("\u{}")", R"("\u{_1}")", R"("\u{d800}")", R"("\u{110000}")",
      R"("\u{1234567}")", R"("\*")",   "\"\r\"",      "\"\r\n\"",      R"("\u{1g}")"};
  for (const std::string_view text : bad) EXPECT_FALSE(unescape(text, {})) << text;
}

TEST(Unescape, TellsAWildcardFromAStar) {
  const auto pattern = unescape_pattern(R"("a*\*b")", {});
  ASSERT_TRUE(pattern);
  EXPECT_EQ(*pattern, "a\xff*b");
  std::string written;
  append_escaped_pattern(written, *pattern);
  EXPECT_EQ(written, R"("a*\*b")");
}

TEST(Escape, ShowsWhatCannotBeSeen) {
  EXPECT_EQ(escaped("a\"\\\n\t\u202e\u00e9"), R"("a\"\\\n\t\u{202e})"
                                              "\u00e9\"");
}

TEST(Source, QuotesTheLineWithACaret) {
  const Source source("p.cedar", "permit(\n  principal, \u00e9\u00e9 bad,\n);");
  const std::uint32_t at = static_cast<std::uint32_t>(source.text().find("bad"));
  EXPECT_EQ(source.locate(at), (Position{2, 17}));
  EXPECT_EQ(source.describe({{at, at + 3}, "not good", "write `good`"}),
            "p.cedar:2:17: error: not good\n"
            "    principal, \u00e9\u00e9 bad,\n"
            "                  ^^^\n"
            "  help: write `good`\n");
  EXPECT_EQ(source.locate(9999), (Position{3, 3}));
}

}  // namespace
}  // namespace portcullis::cedar
