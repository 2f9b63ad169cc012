#include "schema/uri.h"

#include <gtest/gtest.h>

namespace portcullis::schema {
namespace {

// RFC 3986 5.4, and what JSON Schema adds to it: URNs and empty bases.
TEST(ResolveUri, FollowsTheRfc) {
  constexpr std::string_view kBase = "http://a/b/c/d;p?q";
  const struct {
    std::string_view base;
    std::string_view reference;
    std::string_view wanted;
  } cases[] = {{kBase, "g:h", "g:h"},
               {kBase, "g", "http://a/b/c/g"},
               {kBase, "./g", "http://a/b/c/g"},
               {kBase, "g/", "http://a/b/c/g/"},
               {kBase, "/g", "http://a/g"},
               {kBase, "//g", "http://g"},
               {kBase, "?y", "http://a/b/c/d;p?y"},
               {kBase, "g?y", "http://a/b/c/g?y"},
               {kBase, "#s", "http://a/b/c/d;p?q#s"},
               {kBase, "g#s", "http://a/b/c/g#s"},
               {kBase, ";x", "http://a/b/c/;x"},
               {kBase, "", "http://a/b/c/d;p?q"},
               {kBase, ".", "http://a/b/c/"},
               {kBase, "..", "http://a/b/"},
               {kBase, "../g", "http://a/b/g"},
               {kBase, "../..", "http://a/"},
               {kBase, "../../g", "http://a/g"},
               {kBase, "../../../g", "http://a/g"},
               {kBase, "/./g", "http://a/g"},
               {kBase, "/../g", "http://a/g"},
               {kBase, "g.", "http://a/b/c/g."},
               {kBase, "..g", "http://a/b/c/..g"},
               {kBase, "./../g", "http://a/b/g"},
               {kBase, "g;x=1/../y", "http://a/b/c/y"},
               {kBase, "g#s/../x", "http://a/b/c/g#s/../x"},
               {"http://a", "b", "http://a/b"},
               {"urn:uuid:deadbeef", "#foo", "urn:uuid:deadbeef#foo"},
               {"urn:uuid:deadbeef", "urn:example:1", "urn:example:1"},
               {"", "a.json", "a.json"},
               {"", "#/$defs/a", "#/$defs/a"}};
  for (const auto& one : cases) {
    EXPECT_EQ(resolve_uri(one.base, one.reference), one.wanted) << one.reference;
  }
}

TEST(PercentDecode, UndoesWhatIsWellFormed) {
  std::string out;
  EXPECT_TRUE(percent_decode("a%20b%2f%C3%A9", out));
  EXPECT_EQ(out, "a b/é");
  for (const std::string_view bad : {"%", "%2", "a%", "%zz", "%2x", "%%20"}) {
    EXPECT_FALSE(percent_decode(bad, out)) << bad;
  }
}

}  // namespace
}  // namespace portcullis::schema
