#include "openapi/decode.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace portcullis::openapi {
namespace {

using namespace std::string_view_literals;

TEST(DecodeText, DecodesOnce) {
  struct Case {
    std::string_view why;
    std::string_view raw;
    std::string_view want;
    Plus plus = Plus::kItself;
  };
  const Case cases[] = {
      {"nothing to do", "abc", "abc"},
      {"nothing at all", "", ""},
      {"both cases of digits", "%c3%A9", "é"},
      {"once, not twice", "%2541", "%41"},
      {"four bytes", "%F0%9F%90%B2", "🐲"},
      {"as it came", "é", "é"},
      {"a plus", "a+b", "a+b"},
      {"a plus of a form", "a+b%2B", "a b+", Plus::kSpace},
      {"other control characters are the schema's business", "%09%0A", "\t\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    Arena arena;
    const auto decoded = decode_text(c.raw, c.plus, arena);
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(*decoded, c.want);
  }
}

TEST(DecodeText, RefusesWhatHasNoOneMeaning) {
  struct Case {
    std::string_view why;
    std::string_view raw;
  };
  const Case cases[] = {
      {"a % at the end", "a%"},
      {"one digit", "a%4"},
      {"no digits", "%zz"},
      {"IIS's form of Unicode", "%u0041"},
      {"NUL", "a%00"},
      {"NUL as it is", "a\0"sv},
      {"a slash in two bytes", "%C0%AF"},
      {"NUL in two bytes", "%C0%80"},
      {"a form too long in three", "%E0%80%AF"},
      {"a form too long in four", "%F0%80%80%AF"},
      {"a surrogate", "%ED%A0%80"},
      {"beyond Unicode", "%F4%90%80%80"},
      {"a lead of five bytes", "%F8%88%80%80%80"},
      {"a sequence cut off", "%E2%82"},
      {"a sequence cut off by text", "%C3a"},
      {"a continuation alone", "%80"},
      {"Latin-1", "\xe9"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    Arena arena;
    const auto decoded = decode_text(c.raw, Plus::kItself, arena);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, ErrorCode::kMalformedRequest);
    EXPECT_EQ(decoded.error().source, ErrorSource::kClient);
  }
}

TEST(AppendEncoded, KeepsWhatItIsTold) {
  std::string out;
  append_encoded(out, "aZ9-._~ é/?&=+,%", Keep::kUnreserved);
  EXPECT_EQ(out, "aZ9-._~%20%C3%A9%2F%3F%26%3D%2B%2C%25");
  out.clear();
  append_encoded(out, ":/?@!$'()*&=+,;#[]%", Keep::kReserved);
  EXPECT_EQ(out, ":/?@!$'()*%26%3D%2B%2C%3B%23%5B%5D%25");
}

}  // namespace
}  // namespace portcullis::openapi
