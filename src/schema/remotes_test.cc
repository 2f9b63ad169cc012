#include "schema/remotes.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace portcullis::schema {
namespace {

namespace fs = std::filesystem;

class RemotesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* const info = ::testing::UnitTest::GetInstance()->current_test_info();
    top_ = fs::path(::testing::TempDir()) / (std::string("remotes-") + info->name());
    fs::remove_all(top_);
    fs::create_directories(top_ / "in" / "deep");
    write(top_ / "outside.json", "1");
    write(top_ / "in" / "a.json", "2");
    write(top_ / "in" / "deep" / "b c.json", "3");
    fs::create_symlink(top_ / "outside.json", top_ / "in" / "link.json");
  }
  void TearDown() override { fs::remove_all(top_); }
  static void write(const fs::path& file, std::string_view text) { std::ofstream(file) << text; }

  fs::path top_;
};

TEST_F(RemotesTest, ReadsFilesOfTheFolderAndNoOthers) {
  Remotes remotes;
  ASSERT_TRUE(remotes.add("https://example.com/s/=" + (top_ / "in").string()));
  const Loader load = remotes.loader();
  const struct {
    std::string_view uri;
    bool known;
    std::string_view text;  // empty: an error
  } cases[] = {
      {"https://example.com/s/a.json", true, "2"},
      {"https://example.com/s//a.json", true, "2"},
      {"https://example.com/s/deep/b%20c.json", true, "3"},
      {"https://example.com/a.json", false, ""},
      {"http://example.com/s/a.json", false, ""},
      {"https://example.com/s/missing.json", true, ""},
      {"https://example.com/s/", true, ""},
      {"https://example.com/s/deep", true, ""},
      {"https://example.com/s/../outside.json", true, ""},
      {"https://example.com/s/%2e%2e/outside.json", true, ""},
      {"https://example.com/s/..%2foutside.json", true, ""},
      {"https://example.com/s/deep/../../outside.json", true, ""},
      {"https://example.com/s/link.json", true, ""},
      {"https://example.com/s/%2fetc/passwd", true, ""},
      {"https://example.com/s/a.json%00", true, ""},
      {"https://example.com/s/%zz", true, ""},
  };
  for (const auto& one : cases) {
    const auto loaded = load(one.uri);
    ASSERT_EQ(loaded.has_value(), one.known) << one.uri;
    if (!loaded) continue;
    ASSERT_EQ(loaded->has_value(), !one.text.empty()) << one.uri;
    if (*loaded) EXPECT_EQ(**loaded, one.text);
  }
}

TEST_F(RemotesTest, TakesTheLongestPrefix) {
  Remotes remotes;
  ASSERT_TRUE(remotes.add("https://example.com/=" + top_.string()));
  ASSERT_TRUE(remotes.add("https://example.com/s/=" + (top_ / "in").string()));
  EXPECT_EQ(remotes.loader()("https://example.com/s/a.json").value().value(), "2");
  EXPECT_EQ(remotes.loader()("https://example.com/outside.json").value().value(), "1");
}

TEST_F(RemotesTest, RefusesRulesThatAreNone) {
  for (const std::string& bad :
       {std::string("https://example.com/"), std::string("=x"), std::string("https://a/="),
        std::string("example.com=") + top_.string(), std::string("https://a/=/no/such/folder"),
        "https://a/=" + (top_ / "outside.json").string()}) {
    Remotes remotes;
    EXPECT_FALSE(remotes.add(bad)) << bad;
  }
}

}  // namespace
}  // namespace portcullis::schema
