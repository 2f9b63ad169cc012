#include "config/yaml.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace portcullis::config {
namespace {

TEST(Yaml, ReadsValuesWithTheirPlaces) {
  Diagnostics diagnostics;
  const std::uint32_t file = diagnostics.add_file("a.yaml");
  const auto root = parse_yaml(
      "# a comment\n"
      "name: plain # and another\n"
      "list: [a, \"b\", ~]\n"
      "nested:\n"
      "  'quoted': \"true\"\n"
      "  empty:\n",
      file, diagnostics);
  ASSERT_TRUE(root) << diagnostics.to_string();
  EXPECT_TRUE(diagnostics.all().empty());
  ASSERT_EQ(root->members.size(), 3U);

  const Member& name = root->members[0];
  EXPECT_EQ(name.key, "name");
  EXPECT_EQ(name.at.line, 2U);
  EXPECT_EQ(name.at.column, 1U);
  EXPECT_EQ(name.value.text, "plain");
  EXPECT_FALSE(name.value.quoted);
  EXPECT_EQ(name.value.at.column, 7U);

  const Value& list = root->members[1].value;
  ASSERT_EQ(list.items.size(), 3U);
  EXPECT_FALSE(list.items[0].quoted);
  EXPECT_TRUE(list.items[1].quoted);
  EXPECT_EQ(list.items[1].at.line, 3U);
  EXPECT_EQ(list.items[1].at.column, 11U);
  EXPECT_EQ(list.items[2].kind, ValueKind::kNull);

  const Value& nested = root->members[2].value;
  ASSERT_EQ(nested.members.size(), 2U);
  EXPECT_EQ(nested.members[0].key, "quoted");
  EXPECT_EQ(nested.members[0].at.line, 5U);
  EXPECT_EQ(nested.members[0].at.column, 3U);
  EXPECT_TRUE(nested.members[0].value.quoted);
  EXPECT_EQ(nested.members[1].value.kind, ValueKind::kNull);
}

struct Refused {
  std::string_view why;
  std::string text;
  std::uint32_t line;
  std::string_view message;  // a part of it
};

TEST(Yaml, RefusesOncePlainlyAndInPlace) {
  const std::string deep(40, '[');
  const Refused cases[] = {
      {"duplicate key", "a: 1\nb: 2\na: 3\n", 3, "duplicate key `a`; it is already at line 1"},
      {"duplicate key in another spelling", "a: 1\n\"a\": 2\n", 2, "duplicate key"},
      {"duplicate key inside", "x: { b: 1, b: 2 }\n", 1, "duplicate key"},
      {"anchor", "a: &x 1\n", 1, "anchors are refused"},
      {"anchor on a mapping", "a: &x\n  b: 1\n", 1, "anchors are refused"},
      {"tag", "a: !!str 1\n", 1, "tags"},
      {"local tag", "a: !thing 1\n", 1, "tags"},
      {"the tag `!` itself", "a:\n  ! 1\n", 2, "tags"},
      {"tag on a list", "a: !!set [1]\n", 1, "tags"},
      {"second document", "a: 1\n---\nb: 2\n", 2, "second document"},
      {"second document, empty", "a: 1\n---\n", 2, "second document"},
      {"merge key", "a: 1\n<<: { b: 2 }\n", 2, "merge keys"},
      {"key is a list", "? [a, b]\n: 1\n", 1, "key must be text"},
      {"key is a mapping", "{ { a: 1 }: 2 }\n", 1, "key must be text"},
      {"key is null", "~: 1\n", 1, "key must be text"},
      {"depth", deep + std::string(40, ']'), 1, "deeper than 32"},
      {"depth in blocks", "a:\n - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - x",
       2, "deeper than 32"},
      {"syntax: a bracket left open", "a: [1\n", 2, "not valid YAML"},
      {"syntax: a tab as indentation", "a:\n\tb: 1\n", 2, "tabs cannot indent: use spaces"},
      {"syntax: a tab after spaces", "a:\n  b: 1\n \tc: 2\n", 3, "tabs cannot indent: use spaces"},
      {"syntax: a tab elsewhere", "a: [1\t\n", 2, "not valid YAML: end of"},
      {"syntax: a quote left open", "a: \"b\nc: d\n", 1, "the quote is never closed"},
      {"syntax: a quote left open at the end", "a: \"b", 1, "not valid YAML"},
      {"syntax: an escaped quote closes nothing", "a: 1\nb: \"c\\\"\n", 2, "never closed"},
      {"syntax: a doubled quote closes nothing", "a: 'b''\n", 1, "never closed"},
      {"a mapping after a list", "- a\nb: 1\n", 2, "a second document begins here"},
      {"syntax: a mapping in a value", "a: b: c\n", 1, "not valid YAML"},
      {"syntax: keys at two depths", "a: 1\n b: 2\n", 2, "not valid YAML"},
      {"empty", "", 1, "empty"},
      {"nothing but a comment", "# a\n", 1, "empty"},
      {"latin-1", "a: \xe9\n", 1, "not UTF-8"},
      {"overlong", "a: 1\nb: \xc0\xaf\n", 2, "not UTF-8"},
      {"surrogate", "a: \xed\xa0\x80\n", 1, "not UTF-8"},
      {"utf-16", std::string("\xff\xfe\x61\x00", 4), 1, "not UTF-8"},
      {"NUL", std::string("a: 1\n\0b: 2\n", 11), 2, "control character 0x00"},
      {"the byte that yaml-cpp takes for the end", "a: 1\n\x04\nb: [", 2, "control character 0x04"},
      {"escape", "a: \x1b[0m\n", 1, "control character 0x1b"},
  };
  for (const Refused& c : cases) {
    SCOPED_TRACE(c.why);
    Diagnostics diagnostics;
    (void)parse_yaml(c.text, diagnostics.add_file("a.yaml"), diagnostics);
    ASSERT_EQ(diagnostics.all().size(), 1U) << diagnostics.to_string();
    EXPECT_EQ(diagnostics.all()[0].at.line, c.line) << diagnostics.to_string();
    EXPECT_NE(diagnostics.all()[0].message.find(c.message), std::string::npos)
        << diagnostics.to_string();
  }
}

TEST(Yaml, ReportsAliasesBesideTheirAnchor) {
  Diagnostics diagnostics;
  const auto root = parse_yaml("a: &x 1\nb: *x\n", diagnostics.add_file("a.yaml"), diagnostics);
  ASSERT_TRUE(root);
  EXPECT_EQ(diagnostics.errors(), 2U);
  EXPECT_EQ(root->members[1].value.kind, ValueKind::kRefused);
}

TEST(Yaml, GoesOnAfterWhatItRefuses) {
  Diagnostics diagnostics;
  const auto root = parse_yaml("a: 1\na: 2\n? [x]\n: { deep: [1] }\n<<: { c: 1 }\nb: !t 3\n",
                               diagnostics.add_file("a.yaml"), diagnostics);
  ASSERT_TRUE(root);
  EXPECT_EQ(diagnostics.errors(), 4U) << diagnostics.to_string();
  ASSERT_EQ(root->members.size(), 2U);
  EXPECT_EQ(root->members[0].value.text, "1");
  EXPECT_EQ(root->members[1].value.text, "3");
}

TEST(Yaml, IsBoundedInNodesAndBytes) {
  std::string many = "a: [";
  for (std::size_t i = 0; i < kMaxNodes; ++i) many += "1,";
  many += "]";
  Diagnostics nodes;
  EXPECT_FALSE(parse_yaml(many, nodes.add_file("a.yaml"), nodes));
  ASSERT_EQ(nodes.errors(), 1U);
  EXPECT_NE(nodes.to_string().find("more than 100000"), std::string::npos);

  Diagnostics bytes;
  EXPECT_FALSE(parse_yaml(std::string(kMaxFileSize + 1, ' '), bytes.add_file("a.yaml"), bytes));
  EXPECT_NE(bytes.to_string().find("larger than 4 MiB"), std::string::npos);
}

TEST(Yaml, PassesOverAByteOrderMark) {
  Diagnostics diagnostics;
  const auto root = parse_yaml(
      "\xef\xbb\xbf"
      "a: 1\n",
      diagnostics.add_file("a.yaml"), diagnostics);
  ASSERT_TRUE(root) << diagnostics.to_string();
  EXPECT_EQ(root->members[0].key, "a");
  EXPECT_EQ(root->members[0].at.column, 1U);
}

// Not a test of conformance: we read a subset. Whatever the text, the reader ends, and says
// something when it returns nothing.
TEST(Yaml, EndsOnEveryFileOfTheYamlTestSuite) {
  const char* corpora = std::getenv("PORTCULLIS_CORPORA");
  if (corpora == nullptr)
    GTEST_SKIP() << "PORTCULLIS_CORPORA is not set: the YAML test suite is skipped";
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           std::filesystem::path(corpora) / "yaml-test-suite")) {
    if (entry.path().extension() != ".yaml") continue;
    std::ifstream stream(entry.path());
    std::ostringstream text;
    text << stream.rdbuf();
    Diagnostics diagnostics;
    const auto root =
        parse_yaml(text.str(), diagnostics.add_file(entry.path().string()), diagnostics);
    EXPECT_TRUE(root || !diagnostics.ok()) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 200U);
}

TEST(Diagnostics, ArePrintedInOrderOfPlace) {
  Diagnostics diagnostics;
  const auto a = diagnostics.add_file("a.yaml");
  const auto b = diagnostics.add_file("b.yaml");
  diagnostics.error({b, 1, 2}, "x", "third");
  diagnostics.warning({a, 9, 1}, "", "second");
  diagnostics.note({a, 2, 7}, "y.z", "first");
  diagnostics.error({b, 0, 0}, "", "whole file");
  EXPECT_EQ(diagnostics.to_string(),
            "a.yaml:2:7: note: y.z: first\n"
            "a.yaml:9:1: warning: second\n"
            "b.yaml: error: whole file\n"
            "b.yaml:1:2: error: x: third\n");
  EXPECT_EQ(diagnostics.errors(), 2U);
  EXPECT_FALSE(diagnostics.ok());
}

}  // namespace
}  // namespace portcullis::config
