// The official JSON Schema test suite, and Nicolas Seriot's JSON parsing suite: every case of them,
// none listed away.

#include "schema/node.h"
#include "schema/remotes.h"
#include "schema/schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace portcullis::schema {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

struct Tally {
  int cases = 0;
  int wrong = 0;
};

class Suite {
 public:
  explicit Suite(const fs::path& corpora) : root_(corpora / "json-schema-test-suite") {
    EXPECT_TRUE(remotes_.add("http://localhost:1234/=" + (root_ / "remotes").string()));
  }

  void run_folder(const fs::path& folder, const Options& options, Tally& tally) {
    for (const fs::path& file : files_in(root_ / "tests" / folder)) run_file(file, options, tally);
  }

  void run_file(const fs::path& file, Options options, Tally& tally) {
    options.load = remotes_.loader();
    const std::string text = slurp(file);
    Text tokens;
    ASSERT_TRUE(tokens.read(text, {.depth = 256})) << file;
    Node(tokens, Text::root()).for_elements([&](Node group) {
      run_group(file, group, options, tally);
    });
  }

  [[nodiscard]] fs::path tests(std::string_view path) const { return root_ / "tests" / path; }

 private:
  void run_group(const fs::path& file, Node group, const Options& options, Tally& tally) {
    const Node source = *group.find("schema");
    const auto schema = Schema::compile(source.text().raw(source.at()), options);
    const std::string name =
        file.string() + ": " + std::string(group.find("description")->string());
    group.find("tests")->for_elements([&](Node test) {
      ++tally.cases;
      const std::string whole = name + ": " + std::string(test.find("description")->string());
      if (!schema) {
        ++tally.wrong;
        ADD_FAILURE() << whole << ": " << describe(schema.error()[0], "schema");
        return;
      }
      const Node data = *test.find("data");
      Text instance;
      ASSERT_TRUE(instance.read(data.text().raw(data.at()))) << whole;
      const bool wanted = test.find("valid")->is_true();
      const bool valid = checker_.check(schema->program(), instance);
      const auto violations = checker_.explain(schema->program(), instance, 100);
      if (valid != wanted || violations.empty() != valid) ++tally.wrong;
      EXPECT_EQ(valid, wanted) << whole;
      EXPECT_EQ(violations.empty(), valid) << whole << ": the two ways differ";
      for (const Violation& one : violations) EXPECT_FALSE(one.message.empty()) << whole;
    });
  }

  fs::path root_;
  Remotes remotes_;
  Checker checker_;
};

#define PC_CORPORA(name)                                      \
  const char* const name = std::getenv("PORTCULLIS_CORPORA"); \
  if (name == nullptr) GTEST_SKIP() << "PORTCULLIS_CORPORA is not set"

struct SuiteOfDialect {
  std::string_view folder;
  Dialect dialect;
  int required;  // how many cases the suite has: none may get lost
  int optional;
  int format;
};
constexpr SuiteOfDialect kSuites[] = {
    {"draft4", kDraft4, 509, 26, 143},
    {"draft6", kDraft6, 615, 97, 219},
    {"draft7", kDraft7, 693, 44, 458},
    {"draft2019-09", kDraft2019, 933, 145, 588},
    {"draft2020-12", kDraft2020, 1034, 157, 618},
};

TEST(JsonSchemaTestSuite, PassesEveryRequiredCase) {
  PC_CORPORA(corpora);
  Suite suite(corpora);
  for (const SuiteOfDialect& one : kSuites) {
    Tally tally;
    suite.run_folder(one.folder, {.dialect = one.dialect}, tally);
    EXPECT_EQ(tally.cases, one.required) << one.folder;
    std::printf("%s: required %d, wrong %d\n", one.folder.data(), tally.cases, tally.wrong);
  }
}

TEST(JsonSchemaTestSuite, PassesEveryOptionalCase) {
  PC_CORPORA(corpora);
  Suite suite(corpora);
  for (const SuiteOfDialect& one : kSuites) {
    Tally tally;
    const Options options{.dialect = one.dialect, .assert_content = true};
    suite.run_folder(fs::path(one.folder) / "optional", options, tally);
    EXPECT_EQ(tally.cases, one.optional) << one.folder;
    std::printf("%s: optional %d, wrong %d\n", one.folder.data(), tally.cases, tally.wrong);
  }
}

TEST(JsonSchemaTestSuite, PassesEveryCaseOfFormats) {
  PC_CORPORA(corpora);
  Suite suite(corpora);
  for (const SuiteOfDialect& one : kSuites) {
    Tally tally;
    const Options options{.dialect = one.dialect, .assert_formats = true};
    suite.run_folder(fs::path(one.folder) / "optional" / "format", options, tally);
    EXPECT_EQ(tally.cases, one.format) << one.folder;
    std::printf("%s: format %d, wrong %d\n", one.folder.data(), tally.cases, tally.wrong);
  }
}

TEST(JsonParsingSuite, AcceptsWhatItMustAndRefusesWhatItMust) {
  PC_CORPORA(corpora);
  int accepted = 0;
  int refused = 0;
  Text tokens;
  for (const fs::path& file : files_in(fs::path(corpora) / "json-parsing-suite/test_parsing")) {
    const std::string name = file.filename().string();
    const std::string text = slurp(file);
    const bool fine = tokens.read(text).has_value();
    if (name.starts_with("y_")) {
      // RFC 8259 4 lets names repeat; two readers that take different ones are a hole.
      const bool duplicate = name.contains("duplicated_key");
      EXPECT_EQ(fine, !duplicate) << name;
      ++accepted;
    } else if (name.starts_with("n_")) {
      EXPECT_FALSE(fine) << name;
      ++refused;
    }
  }
  EXPECT_EQ(accepted, 71);
  EXPECT_EQ(refused, 141);
}

}  // namespace
}  // namespace portcullis::schema
