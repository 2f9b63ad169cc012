#include "base/json_text.h"

#include <gtest/gtest.h>

namespace portcullis {
namespace {

std::string as_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(AppendJsonString, EscapesWhatMustNotStandInALine) {
  struct Case {
    std::string_view why;
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {
      {"empty", "", R"("")"},
      {"plain", "GET /orders/42", R"("GET /orders/42")"},
      {"quote and backslash", R"(a"b\c)", R"("a\"b\\c")"},
      {"line break of a forged log line", "x\n{\"status\":200}", R"("x\n{\"status\":200}")"},
      {"carriage return, tab, backspace, form feed", "\r\t\b\f", R"("\r\t\b\f")"},
      {"nul", std::string_view("a\0b", 3), R"("a\u0000b")"},
      {"escape of a terminal", "\x1b[31m", R"("\u001b[31m")"},
      {"unit separator, the last control", "\x1f ", R"("\u001f ")"},
      {"delete", "\x7f", R"("\u007f")"},
      {"C1 control, the other escape of terminals", "\xC2\x9B", R"("\u009b")"},
      {"the first that is no C1 control", "\xC2\xA0", "\"\xC2\xA0\""},
      {"two bytes", "\xC3\xA9", "\"\xC3\xA9\""},
      {"three bytes", "\xE2\x82\xAC", "\"\xE2\x82\xAC\""},
      {"four bytes", "\xF0\x9F\x98\x80", "\"\xF0\x9F\x98\x80\""},
      {"greatest character", "\xF4\x8F\xBF\xBF", "\"\xF4\x8F\xBF\xBF\""},
      {"beyond it", "\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"lone continuation", "a\x80z", "\"a\xEF\xBF\xBDz\""},
      {"cut sequence keeps what follows", "\xE2\x82|", "\"\xEF\xBF\xBD\xEF\xBF\xBD|\""},
      {"cut at the end", "\xF0\x9F", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"overlong slash", "\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"overlong of three", "\xE0\x80\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"surrogate", "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"no byte of UTF-8", "\xFF", "\"\xEF\xBF\xBD\""},
      {"a quote may not be eaten by a cut sequence", "\xE2\"", "\"\xEF\xBF\xBD\\\"\""},
  };
  for (const Case& c : cases) EXPECT_EQ(as_json(c.text), c.want) << c.why;
}

// The fast path looks at eight bytes at once: every byte at every place must come out as alone.
TEST(AppendJsonString, TreatsEveryByteAtEveryOffsetAlike) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    const std::string alone = as_json(one);
    for (std::size_t at = 0; at < 20; ++at) {
      std::string text(20, 'x');
      text.replace(at, 1, one);
      const std::string want = "\"" + std::string(at, 'x') + alone.substr(1, alone.size() - 2) +
                               std::string(19 - at, 'x') + "\"";
      ASSERT_EQ(as_json(text), want) << byte << " at " << at;
    }
  }
}

}  // namespace
}  // namespace portcullis
