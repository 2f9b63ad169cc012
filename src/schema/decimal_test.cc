#include "schema/decimal.h"

#include <gtest/gtest.h>

#include <string>

namespace portcullis::schema {
namespace {

TEST(Number, ComparesWhatNumbersAreWorth) {
  // In order; those on one line are the same number.
  const std::vector<std::vector<std::string_view>> lines = {
      {"-1e400"},
      {"-18446744073709551616", "-1.8446744073709551616e19"},
      {"-18446744073709551615"},
      {"-10", "-1e1", "-10.0", "-0.1e2"},
      {"-9.999999999999999999999"},
      {"-1e-400"},
      {"0", "-0", "0.0", "0e10", "-0.000e-7"},
      {"1e-400"},
      {"0.1", "1e-1", "0.10"},
      {"0.1000000000000000055511151231257827"},
      {"0.3", "3e-1"},
      {"1", "1.0", "10e-1", "0.001e3"},
      {"9007199254740992", "9007199254740992.0"},
      {"9007199254740993"},
      {"999999999999999999"},
      {"1000000000000000000", "1e18"},
      {"1e308"},
      {"100000000000000000000e289", "1e309"},
      {"1.000000000000000000000000001e309"},
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::size_t k = 0; k < lines.size(); ++k) {
      for (const std::string_view a : lines[i]) {
        for (const std::string_view b : lines[k]) {
          const int wanted = i < k ? -1 : static_cast<int>(i > k);
          EXPECT_EQ(compare(Number(a), Number(b)), wanted) << a << " " << b;
        }
      }
    }
  }
}

TEST(Number, KnowsWhatIsWhole) {
  const struct {
    std::string_view text;
    bool whole;
  } cases[] = {{"0", true},        {"-0.0", true},
               {"1.0", true},      {"1.5", false},
               {"150e-1", true},   {"155e-1", false},
               {"1e400", true},    {"1e-400", false},
               {"0.1e1", true},    {"0.12e1", false},
               {"1.00001", false}, {"12345678910111213141516171819202122232425262728293031", true}};
  for (const auto& one : cases) EXPECT_EQ(Number(one.text).is_integer(), one.whole) << one.text;
}

TEST(Number, GivesItsWholePart) {
  const struct {
    std::string_view text;
    std::optional<std::int64_t> whole;
  } cases[] = {{"1.9", 1},
               {"-1.9", -1},
               {"0.9", 0},
               {"1e3", 1000},
               {"123456789012345678.9", 123456789012345678},
               {"1234567890123456789.9", std::nullopt},
               {"1e-9", 0}};
  for (const auto& one : cases) EXPECT_EQ(Number(one.text).whole_part(), one.whole) << one.text;
}

TEST(Divisor, DividesExactly) {
  const struct {
    std::string_view number;
    std::string_view divisor;
    bool divides;
  } cases[] = {{"19.99", "0.01", true},
               {"19.999", "0.01", false},
               {"0.3", "0.1", true},
               {"0.0075", "0.0001", true},
               {"0.00751", "0.0001", false},
               {"0", "7", true},
               {"-14", "7", true},
               {"-15", "7", false},
               {"4.5", "1.5", true},
               {"35", "1.5", false},
               {"1e308", "0.5", true},
               {"1e308", "3", false},
               {"3e308", "3", true},
               {"1e-308", "1", false},
               {"12345678910111213141516171819202122232425262728293031", "10", false},
               {"12345678910111213141516171819202122232425262728293030", "10", true},
               {"1e1000000", "999999999999999999", false},
               {"100", "1e2", true},
               {"150", "1e2", false}};
  for (const auto& one : cases) {
    Divisor divisor;
    ASSERT_TRUE(divisor.set(Number(one.divisor))) << one.divisor;
    EXPECT_EQ(divisor.divides(Number(one.number)), one.divides)
        << one.number << " by " << one.divisor;
  }
}

TEST(Divisor, RefusesWhatNothingIsAMultipleOf) {
  for (const std::string_view text : {"0", "0.0", "-1", "-0.5", "1234567890123456789"}) {
    Divisor divisor;
    EXPECT_FALSE(divisor.set(Number(text))) << text;
  }
}

}  // namespace
}  // namespace portcullis::schema
