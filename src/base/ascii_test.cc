#include "base/ascii.h"

#include <gtest/gtest.h>

#include <string>

namespace portcullis {
namespace {

TEST(Ascii, LowersCapitalsAndNothingElse) {
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool capital = i >= 'A' && i <= 'Z';
    EXPECT_EQ(to_lower(c), capital ? static_cast<char>(i - 'A' + 'a') : c) << i;
  }
  EXPECT_EQ(in_lower_case("Content-TYPE[\xC4]"), "content-type[\xC4]");
  EXPECT_EQ(in_lower_case(""), "");
}

TEST(Ascii, ComparesIgnoringCase) {
  struct Case {
    std::string_view why;
    std::string_view text;
    std::string_view lower_case;
    bool want;
  };
  constexpr Case cases[] = {
      {"the same", "chunked", "chunked", true},
      {"capitals", "CHUNKED", "chunked", true},
      {"nothing", "", "", true},
      {"less", "chunke", "chunked", false},
      {"more", "chunked ", "chunked", false},
      {"nothing of something", "", "a", false},
      {"@ is not a capital", "@", "`", false},
      {"[ is not a capital", "[", "{", false},
      {"nor is CR a letter M", "\r", "m", false},
      {"KELVIN SIGN is no K", "\xE2\x84\xAA", "k", false},
      {"a capital in what is compared with", "a", "A", false},
  };
  for (const Case& c : cases)
    EXPECT_EQ(equals_ignoring_case(c.text, c.lower_case), c.want) << c.why;
}

TEST(Ascii, TrimsSpacesAndTabs) {
  struct Case {
    std::string_view text;
    std::string_view want;
  };
  constexpr Case cases[] = {
      {"a", "a"},         {" \ta b\t ", "a b"}, {"", ""},           {" \t ", ""},
      {"\ra\n", "\ra\n"}, {"\va", "\va"},       {"a\xA0", "a\xA0"},
  };
  for (const Case& c : cases) EXPECT_EQ(trim(c.text), c.want) << c.text;
}

// Also in the places that are looked at sixteen bytes at a time, and behind them.
TEST(Ascii, FindsTheFirstControlCharacterAnywhere) {
  for (int i = 0; i < 256; ++i) {
    const bool control = (i < 0x20 && i != '\t') || i == 0x7f;
    for (std::size_t at = 0; at < 40; ++at) {
      std::string text(40, 'a');
      text[at] = static_cast<char>(i);
      const char* const end = text.data() + text.size();
      EXPECT_EQ(find_control(text.data(), end), control ? text.data() + at : end) << i << ' ' << at;
      EXPECT_EQ(is_field_value(text), !control) << i << ' ' << at;
    }
  }
  EXPECT_TRUE(is_field_value({}));
}

}  // namespace
}  // namespace portcullis
