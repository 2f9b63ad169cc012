#include "authn/bearer.h"

#include <gtest/gtest.h>

namespace portcullis::authn {
namespace {

TEST(BearerToken, TakesTheTokenOfTheSchemeAlone) {
  struct Case {
    std::string_view why;
    std::string_view value;
    std::optional<std::string_view> want;
  };
  const Case cases[] = {
      {"as everybody writes it", "Bearer abc", "abc"},
      {"lower case", "bearer abc", "abc"},
      {"capitals", "BEARER abc", "abc"},
      {"two spaces", "Bearer  abc", "abc"},
      {"another scheme", "Basic abc", std::nullopt},
      {"a longer scheme", "BearerX abc", std::nullopt},
      {"a shorter scheme", "Beare abc", std::nullopt},
      {"tab for a space", "Bearer\tabc", std::nullopt},
      {"comma", "Bearer,abc", std::nullopt},
      {"control characters that differ by the bit of capitals", "\x42\x45\x01\x52\x45\x52 abc",
       std::nullopt},
      {"no token", "Bearer", ""},
      {"spaces alone", "Bearer  ", ""},
      {"empty", "", std::nullopt},
      {"two tokens stay together, to be refused", "Bearer a b", "a b"},
  };
  for (const Case& c : cases) EXPECT_EQ(bearer_token(c.value), c.want) << c.why;
}

TEST(IsToken68, KnowsItsAlphabet) {
  EXPECT_TRUE(is_token68("aZ09-._~+/"));
  EXPECT_TRUE(is_token68("a=="));
  for (const std::string_view text :
       {"", "=", "==", "a=b", "a b", "a,b", "a\"", "a\t", "\xC3\xA9", "a%20", "a;b", "a:b"}) {
    EXPECT_FALSE(is_token68(text)) << text;
  }
}

}  // namespace
}  // namespace portcullis::authn
