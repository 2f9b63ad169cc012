#include "http/path.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace portcullis::http {
namespace {

std::optional<std::string> canonical(std::string_view raw, const PathRules& rules = {}) {
  Arena arena;
  const auto path = canonical_path(raw, rules, arena);
  if (!path) {
    EXPECT_EQ(path.error().code, ErrorCode::kMalformedPath) << raw;
    return std::nullopt;
  }
  return std::string(*path);
}

struct Case {
  std::string_view why;
  std::string_view raw;
  std::optional<std::string_view> want;
};

TEST(CanonicalPath, HasOneFormForEachPath) {
  const Case cases[] = {
      {"root", "/", "/"},
      {"plain", "/v1/orders/42", "/v1/orders/42"},
      {"trailing slash stays", "/a/", "/a/"},
      {"every pchar stands", "/aZ0-._~!$&'()*+,=:@", "/aZ0-._~!$&'()*+,=:@"},
      {"unreserved are decoded", "/%61%7e%2D", "/a~-"},
      {"escapes are capitals", "/%e2%82%ac", "/%E2%82%AC"},
      {"a question mark that came encoded stays encoded", "/a%3fb=c", "/a%3Fb=c"},
      {"so does a hash", "/a%23b", "/a%23b"},
      {"a percent sign is not decoded twice", "/%2561", "/%2561"},
      {"space", "/a%20b", "/a%20b"},
      {"dot segment", "/a/./b", "/a/b"},
      {"parent", "/a/../b", "/b"},
      {"encoded parent", "/a/%2e%2E/b", "/b"},
      {"half encoded parent", "/a/.%2e/b", "/b"},
      {"last dot keeps its slash", "/a/.", "/a/"},
      {"last parent keeps its slash", "/a/b/..", "/a/"},
      {"to the root", "/a/..", "/"},
      {"three dots are a name", "/.../a", "/.../a"},
      {"hidden file", "/.well-known/x", "/.well-known/x"},
      {"four octets of UTF-8", "/%f0%9f%98%80", "/%F0%9F%98%80"},
      {"no leading slash", "a", std::nullopt},
      {"empty", "", std::nullopt},
      {"above the root", "/..", std::nullopt},
      {"above the root by way of a segment", "/a/../../b", std::nullopt},
      {"encoded above the root", "/%2e%2e/", std::nullopt},
      {"duplicate slash", "//a", std::nullopt},
      {"duplicate slash inside", "/a//b", std::nullopt},
      {"duplicate slash at the end", "/a//", std::nullopt},
      {"encoded slash", "/a%2fb", std::nullopt},
      {"encoded backslash", "/a%5cb", std::nullopt},
      {"backslash", "/a\\b", std::nullopt},
      {"parameter", "/a;x=1", std::nullopt},
      {"encoded parameter", "/a%3bx", std::nullopt},
      {"dots with a parameter", "/a/..;/b", std::nullopt},
      {"NUL", "/a%00", std::nullopt},
      {"CR LF", "/a%0d%0aX", std::nullopt},
      {"DEL", "/%7f", std::nullopt},
      {"short escape", "/%4", std::nullopt},
      {"escape at the end", "/%", std::nullopt},
      {"not hexadecimal", "/%zz", std::nullopt},
      {"unicode escape of IIS", "/%u002e", std::nullopt},
      {"overlong slash", "/%c0%af", std::nullopt},
      {"overlong dot of three octets", "/%e0%80%ae", std::nullopt},
      {"overlong of four octets", "/%f0%80%80%af", std::nullopt},
      {"surrogate", "/%ed%a0%80", std::nullopt},
      {"beyond Unicode", "/%f4%90%80%80", std::nullopt},
      {"Latin-1", "/%e9", std::nullopt},
      {"UTF-8 cut by a slash", "/%e2%82/%ac", std::nullopt},
      {"raw UTF-8", "/\xe2\x82\xac", std::nullopt},
      {"space", "/a b", std::nullopt},
      {"quote", "/\"", std::nullopt},
      {"angle bracket", "/<", std::nullopt},
      {"fragment", "/a#b", std::nullopt},
      {"brackets", "/[a]", std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(canonical(c.raw), c.want) << c.why << ": " << c.raw;
}

TEST(CanonicalPath, MergesAndKeepsWhereTheRulesSay) {
  const PathRules lax{OnDuplicateSlash::kMerge, OnEncodedSlash::kKeep, OnPathParameters::kKeep};
  const Case cases[] = {
      {"merged", "//a///b", "/a/b"},
      {"merged at the end", "/a//", "/a/"},
      {"only slashes", "///", "/"},
      {"kept and told from a separator", "/a%2fb/c", "/a%2Fb/c"},
      {"backslash kept", "/a%5Cb", "/a%5Cb"},
      {"parameter kept", "/a;x=1/b", "/a;x=1/b"},
      {"encoded semicolon stays encoded", "/a%3bb", "/a%3Bb"},
      {"dots with a parameter", "/a/..;x/b", std::nullopt},
      {"dots with an encoded parameter", "/a/..%3bx", std::nullopt},
      {"one dot with a parameter", "/a/.;/b", std::nullopt},
      {"dots before an encoded slash", "/..%2fa", std::nullopt},
      {"dots after an encoded slash", "/a%2f..", std::nullopt},
      {"dots between encoded slashes", "/a%2f%2e%2e%2fb", std::nullopt},
      {"dots between backslashes", "/a%5c..%5cb", std::nullopt},
      {"dots with a parameter behind an encoded slash", "/a%2f..;x", std::nullopt},
      {"dots in a later part", "/a%2fb%2fc%2f..%2fd", std::nullopt},
      {"dotted name behind an encoded slash", "/a%2f...", "/a%2F..."},
      {"still no NUL", "/a%00", std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(canonical(c.raw, lax), c.want) << c.why << ": " << c.raw;
}

// What is canonical is left alone, so a path has one form however often it passes.
TEST(CanonicalPath, IsIdempotent) {
  const PathRules lax{OnDuplicateSlash::kMerge, OnEncodedSlash::kKeep, OnPathParameters::kKeep};
  for (const char* raw : {"/a%2fb", "/%e2%82%ac/%41", "/a/b/../c;d=%3b", "/%25%32%35"}) {
    const auto once = canonical(raw, lax);
    ASSERT_TRUE(once) << raw;
    EXPECT_EQ(canonical(*once, lax), once) << raw;
  }
}

TEST(CheckQuery, TakesWhatBrowsersSendAndNoMore) {
  for (const char* query :
       {"", "a=b&c=d", "filter[name]=x|y", "q=%20%E2%82%AC", "a?b/c", "x={y}^`\\"}) {
    EXPECT_TRUE(check_query(query)) << query;
  }
  for (const char* query :
       {"a b", "a#b", "100%", "%zz", "%4", "a\"b", "<x>", "\xe2\x82\xac", "a\tb"}) {
    EXPECT_FALSE(check_query(query)) << query;
  }
}

TEST(CheckQuery, CountsArguments) {
  const struct {
    const char* why;
    const char* query;
    std::uint32_t most;
    bool good;
  } cases[] = {
      {"nothing is no argument", "", 0, true},
      {"one", "a", 1, true},
      {"as many as there may be", "a=1&b=2&c=3", 3, true},
      {"a name that is repeated counts each time", "a&a&a", 3, true},
      {"one too many", "a=1&b=2&c=3", 2, false},
      {"none may be there", "a", 0, false},
      {"empty ones count: who reads them makes something of each", "&&&", 3, false},
      {"repeated ones", "a&a&a", 2, false},
  };
  for (const auto& each : cases) {
    const Result<void> checked = check_query(each.query, each.most);
    EXPECT_EQ(checked.has_value(), each.good) << each.why;
    if (!checked) EXPECT_EQ(checked.error().code, ErrorCode::kUriTooLong) << each.why;
  }
  EXPECT_TRUE(check_query("a%26b", 1)) << "an `&` that is written as an escape divides nothing";
}

}  // namespace
}  // namespace portcullis::http
