// Other people's cases: what Node's RegExp with the `u` flag says (testing/make-pattern-cases.mjs),
// and the regular expressions of the JSON Schema test suite.

#include "json/value.h"
#include "schema/pattern.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace portcullis::schema {
namespace {

namespace fs = std::filesystem;

json::Document read_json(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto document = json::Document::parse(text, {.size = 64 * 1024 * 1024, .depth = 32});
  EXPECT_TRUE(document) << path << ": " << document.error().detail;
  return *std::move(document);
}

std::string_view string_of(const json::Value& object, std::string_view name) {
  return object.find(name)->as_string().value();
}

// Beyond what Node takes we refuse a little more, and say so.
bool is_refused_on_purpose(const std::string& detail) {
  return detail.contains("linear time") || detail.contains("no Unicode property");
}

TEST(PatternCorpus, NodeSaysTheSame) {
  const char* named = std::getenv("PORTCULLIS_PATTERN_CASES");
  const fs::path path =
      named != nullptr ? fs::path(named) : fs::path(PC_SCHEMA_TESTING) / "pattern_cases.json";
  const json::Document document = read_json(path);
  const json::Value shared = *document.root().find("texts");
  std::size_t checked = 0;
  for (const json::Value one : document.root().find("cases")->elements()) {
    const std::string_view text = string_of(one, "pattern");
    SCOPED_TRACE(text);
    const auto pattern = Pattern::compile(text, RegexGrammar::kUnicode);
    if (!one.find("matches")) {
      EXPECT_FALSE(pattern) << "Node refuses it";
      continue;
    }
    if (!pattern && is_refused_on_purpose(pattern.error().detail)) continue;
    ASSERT_TRUE(pattern) << pattern.error().detail;
    const std::string_view matches = string_of(one, "matches");
    std::size_t i = 0;
    for (const json::Value subject : one.find("texts").value_or(shared).elements()) {
      EXPECT_EQ(pattern->matches(*subject.as_string()), matches[i] == 'y') << *subject.as_string();
      ++i;
      ++checked;
    }
  }
  EXPECT_GT(checked, 5000U);
}

// The schemas of these files are a pattern alone, or one name in patternProperties.
TEST(PatternCorpus, JsonSchemaTestSuite) {
  const char* corpora = std::getenv("PORTCULLIS_CORPORA");
  if (corpora == nullptr) GTEST_SKIP() << "PORTCULLIS_CORPORA is not set";
  const fs::path tests = fs::path(corpora) / "json-schema-test-suite/tests";
  std::size_t checked = 0;
  for (const std::string draft : {"draft4", "draft6", "draft7", "draft2019-09", "draft2020-12"}) {
    for (const std::string name :
         {"optional/ecmascript-regex.json", "optional/non-bmp-regex.json", "pattern.json"}) {
      if (!fs::exists(tests / draft / name)) continue;
      const json::Document document = read_json(tests / draft / name);
      for (const json::Value group : document.root().elements()) {
        const auto text = group.find("schema")->find("pattern");
        if (!text) continue;
        SCOPED_TRACE(string_of(group, "description"));
        const auto pattern = Pattern::compile(*text->as_string());
        ASSERT_TRUE(pattern) << pattern.error().detail;
        for (const json::Value test : group.find("tests")->elements()) {
          const auto data = test.find("data")->as_string();
          if (!data) continue;
          EXPECT_EQ(pattern->matches(*data), *test.find("valid")->as_bool()) << *data;
          ++checked;
        }
      }
    }
  }
  EXPECT_GT(checked, 150U);
}

}  // namespace
}  // namespace portcullis::schema
