#include "http/cookies.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::http {
namespace {

std::string read(std::string_view field) {
  CookieReader reader(field);
  std::string out;
  while (const auto cookie = reader.next())
    out.append("[").append(cookie->name).append("][").append(cookie->value).append("]");
  return reader.well_formed() ? out : out + " broken";
}

TEST(CookieReader, ReadsWhatTheGrammarAllowsAndNothingElse) {
  struct Case {
    std::string_view why;
    std::string_view field;
    std::string_view want;
  };
  const Case cases[] = {
      {"one", "a=b", "[a][b]"},
      {"several", "a=b; c=d; e=f", "[a][b][c][d][e][f]"},
      {"an empty value", "a=", "[a][]"},
      {"quotes belong to the value", "a=\"b\"", "[a][\"b\"]"},
      {"an equals sign in a value", "a=b=c", "[a][b=c]"},
      {"odd characters of a name", "__Host-a!#=b", "[__Host-a!#][b]"},
      {"the same name twice is the reader's to judge", "a=1; a=2", "[a][1][a][2]"},
      {"nothing", "", " broken"},
      {"no name", "=b", " broken"},
      {"no equals sign", "a", " broken"},
      {"no space behind the semicolon", "a=b;c=d", "[a][b] broken"},
      {"two spaces", "a=b;  c=d", "[a][b] broken"},
      {"a tab", "a=b;\tc=d", "[a][b] broken"},
      {"a semicolon at the end", "a=b;", "[a][b] broken"},
      {"a semicolon and a space at the end", "a=b; ", "[a][b] broken"},
      {"a space before the equals sign", "a =b", " broken"},
      {"a space in a value", "a=b c", " broken"},
      {"a comma, which some take for a divider", "a=b,c=d", " broken"},
      {"a quote that is not closed", "a=\"b; key=c", " broken"},
      {"a quote that spans a semicolon", "a=\"b; key=c\"", " broken"},
      {"a quote inside", "a=b\"c", " broken"},
      {"a lone quote", "a=\"", " broken"},
      {"a backslash", "a=b\\c", " broken"},
      {"a control character", "a=b\x01", " broken"},
      {"beyond ASCII", "a=\xc3\xa9", " broken"},
      {"a bracket in a name", "a[]=b", " broken"},
  };
  for (const Case& c : cases) EXPECT_EQ(read(c.field), c.want) << c.why;
}

std::string pieces(std::string_view field) {
  CookiePieces reader(field);
  std::string out;
  while (const auto piece = reader.next())
    out.append("[").append(piece->name).append("|").append(piece->text).append("]");
  return out;
}

TEST(CookiePieces, SeeEveryPieceOfAnything) {
  EXPECT_EQ(pieces("a=b; c=d"), "[a|a=b][c|c=d]");
  EXPECT_EQ(pieces("a=\"b; key=c\"; d"), "[a|a=\"b][key|key=c\"][d|d]");
  EXPECT_EQ(pieces(" a = b ;c=d;"), "[a|a = b][c|c=d][|]");
  EXPECT_EQ(pieces(""), "[|]");
}

}  // namespace
}  // namespace portcullis::http
