#include "cedar/format.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace portcullis::cedar {
namespace {

std::string formatted(std::string text, const FormatOptions& options = {}) {
  const auto result = format_policies(Source("p", std::move(text)), options);
  return result ? *result : "error: " + result.error()[0].message;
}

struct Case {
  std::string_view why;
  std::string_view text;
  std::string_view want;
};

TEST(Format, LaysOut) {
  const Case cases[] = {
      {"nothing", "", "\n"},
      {"only a comment", " // a\n//b", "\n// a\n//b\n"},
      {"a bare head on one line", "permit(principal,action,resource);",
       "permit (principal, action, resource);\n"},
      {"any other head on lines", "forbid(principal is User in Group::\"a\",action,resource);",
       "forbid (\n  principal is User in Group::\"a\",\n  action,\n  resource\n);\n"},
      {"a short condition on one line", "permit(principal,action,resource)when{1<2};",
       "permit (principal, action, resource)\nwhen { 1 < 2 };\n"},
      {"annotations", "@id(\"a\")@b permit(principal,action,resource);",
       "@id(\"a\")\n@b\npermit (principal, action, resource);\n"},
      {"policies apart", "permit(principal,action,resource);permit(principal,action,resource);",
       "permit (principal, action, resource);\n\npermit (principal, action, resource);\n"},
      {"comments of each kind",
       "// before\npermit // effect\n(principal, // p\naction,resource); // after\n// end",
       "// before\npermit // effect\n(principal, // p\n  action, resource); // after\n// end\n"},
      {"empty lines within a string stay",
       "permit(principal,action,resource)when{\"a\n\nb\"==\"\"};",
       "permit (principal, action, resource)\nwhen { \"a\n\nb\" == \"\" };\n"},
      {"zeros in front", "permit(principal,action,resource)when{007==0};",
       "permit (principal, action, resource)\nwhen { 7 == 0 };\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(formatted(std::string(c.text)), c.want);
  }
}

TEST(Format, BreaksWhatIsTooLong) {
  const std::string text =
      "permit(principal,action,resource)when{principal.a==resource.b&&context.c.contains(1)};";
  EXPECT_EQ(formatted(text, {.width = 30}),
            "permit\n(principal, action, resource)\nwhen\n{\n  principal.a == resource.b &&\n"
            "  context.c.contains(1)\n};\n");
  EXPECT_TRUE(formatted(text, {.width = 40, .indent = 4}).contains("\n    principal.a == "));
}

TEST(Format, RefusesWhatDoesNotParse) {
  EXPECT_TRUE(formatted("permit(principal);").starts_with("error: "));
  EXPECT_TRUE(formatted("\xff").starts_with("error: "));
  EXPECT_TRUE(formatted("permit(principal,action,resource) when { " + std::string(100'000, '(') +
                        "1" + std::string(100'000, ')') + " };")
                  .starts_with("error: "));
}

// The cases of Cedar's own formatter, with its snapshots.
TEST(Format, AgreesWithTheCorpus) {
  namespace fs = std::filesystem;
  const char* const corpora = std::getenv("PORTCULLIS_CORPORA");
  if (corpora == nullptr) GTEST_SKIP() << "PORTCULLIS_CORPORA is not set";
  const fs::path folder = fs::path(corpora) / "cedar-repo-data/cedar-policy-formatter/tests";
  const auto read = [](const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".cedar") continue;
    SCOPED_TRACE(entry.path().filename());
    std::string want = read(folder / "snapshots" /
                            ("cedar_policy_formatter__pprint__fmt__tests__format_files@" +
                             entry.path().filename().string() + ".snap"));
    want.erase(0, want.find("\n---\n") + 5);  // what the snapshot says of itself
    // A snapshot has lost the line feeds at its ends.
    std::string got = formatted(read(entry.path()));
    const auto trim = [](std::string& text) {
      text.erase(0, text.find_first_not_of('\n'));
      text.erase(text.find_last_not_of('\n') + 1);
    };
    trim(want);
    trim(got);
    EXPECT_EQ(got, want);
    EXPECT_EQ(formatted(formatted(read(entry.path()))), formatted(read(entry.path())));
    ++count;
  }
  EXPECT_EQ(count, 21);
}

}  // namespace
}  // namespace portcullis::cedar
