#include "http/query.h"

#include <gtest/gtest.h>

namespace portcullis::http {
namespace {

std::string read(std::string_view query) {
  ParameterReader reader(query);
  std::string out;
  while (const auto parameter = reader.next())
    out.append("[").append(parameter->name).append("|").append(parameter->value).append("]");
  return out;
}

TEST(ParameterReader, DividesAtAmpersandsAlone) {
  EXPECT_EQ(read("a=b&c=d"), "[a|b][c|d]");
  EXPECT_EQ(read("a"), "[a|]");
  EXPECT_EQ(read("a=b=c"), "[a|b=c]");
  EXPECT_EQ(read("a;b=c"), "[a;b|c]");
  EXPECT_EQ(read("a&&b&"), "[a|][|][b|][|]");
  EXPECT_EQ(read(""), "[|]");
}

TEST(DecodePercent, TakesPairsOfDigitsAndLeavesTheRest) {
  EXPECT_EQ(decode_percent("a%20b"), "a b");
  EXPECT_EQ(decode_percent("%61%4b"), "aK");
  EXPECT_EQ(decode_percent("a+b"), "a+b");
  EXPECT_EQ(decode_percent("%"), "%");
  EXPECT_EQ(decode_percent("%4"), "%4");
  EXPECT_EQ(decode_percent("%zz%2"), "%zz%2");
  EXPECT_EQ(decode_percent("%2541"), "%41") << "once";
}

TEST(IsNamed, SeesThroughTheSpelling) {
  const auto named = [](std::string_view text, std::string_view name) {
    return is_named(*ParameterReader(text).next(), name);
  };
  EXPECT_TRUE(named("api_key=x", "api_key"));
  EXPECT_TRUE(named("%61pi%5Fkey=x", "api_key"));
  EXPECT_FALSE(named("API_KEY=x", "api_key"));
  EXPECT_FALSE(named("api_key%20=x", "api_key"));
  EXPECT_FALSE(named("%2561pi_key=x", "api_key"));
}

}  // namespace
}  // namespace portcullis::http
