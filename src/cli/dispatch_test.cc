#include "cli/dispatch.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace portcullis::cli {
namespace {

constexpr std::array kOptions = {kConfigOption, kJsonOption};

int say(std::string_view what, Console& console) {
  console.out += what;
  return kNo;
}

const std::array kCommands = {
    Command{.name = "check",
            .summary = "say what is wrong",
            .about = "About check.\n",
            .example = "  portcullis check -c a.yaml\n",
            .options = kOptions,
            .run =
                [](const Arguments& arguments, Console& console) {
                  return say(arguments.value_or("--config", "default"), console);
                }},
    Command{.name = "hash key",
            .summary = "make a key",
            .about = "About keys.\n",
            .example = "  portcullis hash key\n",
            .options = {},
            .run = [](const Arguments&, Console& console) { return say("key", console); }},
    Command{.name = "version",
            .summary = "say which",
            .about = "About.\n",
            .example = "  portcullis version\n",
            .options = {},
            .run = [](const Arguments&, Console& console) { return say("1.2.3", console); }},
};

struct Answer {
  int code;
  Console console;
};
Answer ask(const std::vector<std::string_view>& words) {
  Answer answer{};
  answer.code = dispatch(words, kCommands, answer.console);
  return answer;
}

TEST(Dispatch, FindsTheCommandAndItsOptions) {
  const struct {
    std::vector<std::string_view> words;
    std::string_view out;
  } cases[] = {{{"check"}, "default"},
               {{"check", "-c", "a.yaml"}, "a.yaml"},
               {{"hash", "key"}, "key"},
               {{"version"}, "1.2.3"},
               {{"--version"}, "1.2.3"}};
  for (const auto& one : cases) {
    const Answer answer = ask(one.words);
    EXPECT_EQ(answer.code, kNo) << "what the command returned";
    EXPECT_EQ(answer.console.out, one.out);
    EXPECT_EQ(answer.console.err, "");
  }
}

TEST(Dispatch, GivesHelpWhereverItIsAskedFor) {
  const struct {
    std::vector<std::string_view> words;
    std::string_view holds;
  } cases[] = {{{"--help"}, "make a key"},
               {{"-h"}, "make a key"},
               {{"help"}, "make a key"},
               {{"help", "check"}, "-c, --config FILE"},
               {{"help", "hash", "key"}, "About keys."},
               {{"check", "--help"}, "About check."},
               {{"check", "-c", "a.yaml", "-h"}, "About check."},
               {{"check", "--nonsense", "--help"}, "About check."},
               {{"hash", "--help"}, "hash key"},
               {{"help", "hash"}, "hash key"},
               {{"hash", "key", "--help"}, "About keys."}};
  for (const auto& one : cases) {
    const Answer answer = ask(one.words);
    EXPECT_EQ(answer.code, kFine);
    EXPECT_EQ(answer.console.err, "");
    EXPECT_NE(answer.console.out.find(one.holds), std::string::npos) << answer.console.out;
    EXPECT_NE(answer.console.out.find("Example:\n  portcullis "), std::string::npos)
        << answer.console.out;
  }
}

TEST(Dispatch, SaysWhatIsWrongAndWhereHelpIs) {
  const struct {
    std::vector<std::string_view> words;
    std::vector<std::string_view> says;
    std::string_view why;
  } cases[] = {
      {{}, {"a command is needed", "portcullis --help"}, "nothing was asked"},
      {{"chekc"}, {"unknown command `chekc`", "did you mean `check`"}, "neighbours swapped"},
      {{"hlep"}, {"did you mean `help`"}, "help is a command too"},
      {{"zzz"}, {"unknown command `zzz`"}, "nothing is near"},
      {{"--check"}, {"unknown command `--check`"}, "an option where a command is wanted"},
      {{""}, {"unknown command"}, "an empty word"},
      {{"hash"}, {"`hash` needs a command", "portcullis hash --help"}, "half a command"},
      {{"hash", "kye"}, {"unknown command `hash kye`", "did you mean `key`"}, "the other half"},
      {{"hash key"}, {"unknown command"}, "two words, quoted into one"},
      {{"key"}, {"unknown command `key`"}, "a second word alone"},
      {{"check", "key"}, {"check: ", "portcullis check --help"}, "a word too many"},
      {{"check", "--jsn"}, {"did you mean `--json`", "portcullis check --help"}, "an option"},
      {{"hash", "key", "--json"}, {"hash key: unknown option"}, "an option of another command"},
      {{"version", "--x"}, {"version: unknown option"}, "a command without options"},
      {{"help", "chekc"}, {"did you mean `check`"}, "help for what is not there"},
  };
  for (const auto& one : cases) {
    const Answer answer = ask(one.words);
    EXPECT_EQ(answer.code, kUsage) << one.why;
    EXPECT_EQ(answer.console.out, "") << one.why;
    for (const std::string_view says : one.says) {
      EXPECT_NE(answer.console.err.find(says), std::string::npos)
          << one.why << ": " << answer.console.err;
    }
  }
}

}  // namespace
}  // namespace portcullis::cli
