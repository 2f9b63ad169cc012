#include "cli/arguments.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace portcullis::cli {
namespace {

constexpr std::array kOptions = {Option{"--config", 'c', "FILE", ""}, Option{"--json", 0, "", ""}};

Result<Arguments> parse(const std::vector<std::string_view>& words) {
  return parse_arguments(words, kOptions);
}

TEST(Arguments, TakesEachSpelling) {
  for (const std::vector<std::string_view>& words :
       std::vector<std::vector<std::string_view>>{{"-c", "a.yaml"},
                                                  {"--config", "a.yaml"},
                                                  {"--config=a.yaml"},
                                                  {"--json", "-c", "a.yaml"},
                                                  {"-c", "a.yaml", "--json"}}) {
    const Result<Arguments> arguments = parse(words);
    ASSERT_TRUE(arguments) << arguments.error().detail;
    EXPECT_EQ(arguments->value("--config"), "a.yaml");
    EXPECT_EQ(arguments->has("--json"), words.size() == 3);
  }
}

TEST(Arguments, GivesWhatWasNotSaid) {
  const Result<Arguments> arguments = parse({});
  ASSERT_TRUE(arguments);
  EXPECT_FALSE(arguments->has("--config"));
  EXPECT_EQ(arguments->value_or("--config", "portcullis.yaml"), "portcullis.yaml");
}

TEST(Arguments, TakesAValueThatLooksLikeAnOption) {
  const Result<Arguments> arguments = parse({"-c", "--json"});
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->value("--config"), "--json");
  EXPECT_FALSE(arguments->has("--json"));
}

struct Bad {
  std::vector<std::string_view> words;
  std::string_view says;
  std::string_view why;
};

TEST(Arguments, RefusesWhatMeansNothing) {
  const std::vector<Bad> cases = {
      {{"--confg", "a"}, "did you mean `--config`", "a misspelt option"},
      {{"--jsn"}, "did you mean `--json`", "a misspelt switch"},
      {{"--nonsense"}, "expected `--config` or `--json`", "nothing is near"},
      {{"-x"}, "unknown option `-x`", "a letter that is none"},
      {{"-j"}, "unknown option `-j`", "an option without a letter has no short form"},
      {{"-ca.yaml"}, "unknown option", "a letter and its value are two words"},
      {{"-c"}, "`--config` needs a FILE", "the value is missing"},
      {{"--config="}, "`--config` needs a FILE", "the value is empty"},
      {{"-c", ""}, "`--config` needs a FILE", "the value is empty: a variable of a shell was"},
      {{"--json=yes"}, "`--json` takes no value", "a switch with a value"},
      {{"-c", "a", "-c", "b"}, "`--config` is given twice", "which of them?"},
      {{"-c", "a", "--config=b"}, "`--config` is given twice", "the same by another spelling"},
      {{"--json", "--json"}, "`--json` is given twice", "a switch, twice"},
      {{"a.yaml"}, "only options", "a word that is no option"},
      {{"-c", "a", "b"}, "only options", "a word behind an option's value"},
      {{"-"}, "only options", "a dash alone"},
      {{""}, "only options", "an empty word"},
      {{"--"}, "unknown option", "there are no words that could follow"},
  };
  for (const Bad& bad : cases) {
    const Result<Arguments> arguments = parse(bad.words);
    ASSERT_FALSE(arguments) << bad.why;
    EXPECT_NE(arguments.error().detail.find(bad.says), std::string::npos)
        << bad.why << ": " << arguments.error().detail;
  }
}

constexpr std::array kMany = {Option{"--header", 'H', "FIELD", "", true},
                              Option{"--json", 0, "", ""}};
constexpr std::array<std::string_view, 2> kWanted = {"METHOD", "URL"};

TEST(Arguments, TakesWordsAndOptionsThatRepeat) {
  const std::vector<std::string_view> words = {"-H",     "a: 1", "GET",
                                               "--json", "/x",   "--header=b: 2"};
  const Result<Arguments> arguments = parse_arguments(words, kMany, kWanted);
  ASSERT_TRUE(arguments) << arguments.error().detail;
  EXPECT_EQ(arguments->values("--header"), (std::vector<std::string_view>{"a: 1", "b: 2"}));
  EXPECT_TRUE(arguments->has("--json"));
  ASSERT_EQ(arguments->words().size(), 2U);
  EXPECT_EQ(arguments->words()[0], "GET");
  EXPECT_EQ(arguments->words()[1], "/x");
}

TEST(Arguments, TakesExactlyTheWordsThatAreWanted) {
  const std::vector<Bad> cases = {
      {{}, "`METHOD` is missing: it takes `METHOD URL`", "none"},
      {{"GET"}, "`URL` is missing", "one of two"},
      {{"GET", "/", "pc_nightly_secret"}, "a word more than `METHOD URL`", "one too many"},
      {{"GET", "/", "--json", "--json"}, "given twice", "a switch does not repeat"},
  };
  for (const Bad& bad : cases) {
    const Result<Arguments> arguments = parse_arguments(bad.words, kMany, kWanted);
    ASSERT_FALSE(arguments) << bad.why;
    EXPECT_NE(arguments.error().detail.find(bad.says), std::string::npos)
        << bad.why << ": " << arguments.error().detail;
    EXPECT_EQ(arguments.error().detail.find("secret"), std::string::npos);
  }
}

TEST(Arguments, DoesNotRepeatWhatMayBeASecret) {
  for (const std::vector<std::string_view>& words : std::vector<std::vector<std::string_view>>{
           {"pc_nightly_secret"}, {"--key=pc_nightly_secret"}, {"--json=pc_nightly_secret"}}) {
    const Result<Arguments> arguments = parse(words);
    ASSERT_FALSE(arguments);
    EXPECT_EQ(arguments.error().detail.find("secret"), std::string::npos)
        << arguments.error().detail;
  }
}

}  // namespace
}  // namespace portcullis::cli
