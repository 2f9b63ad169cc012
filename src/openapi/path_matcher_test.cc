#include "openapi/path_matcher.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace portcullis::openapi {
namespace {

// `index:value,value`, or `-`.
std::string told(const PathMatcher& matcher, std::string_view path) {
  PathMatch match;
  if (!matcher.match(path, match)) return "-";
  std::string text = std::to_string(match.index) + ":";
  for (std::uint32_t i = 0; i < match.count; ++i) {
    if (i > 0) text += ',';
    text += match.values[i];
  }
  return text;
}

TEST(PathMatcher, PrefersWhatIsConcrete) {
  constexpr std::string_view kTemplates[] = {
      "/",                       // 0
      "/pets/{id}",              // 1
      "/pets/mine",              // 2
      "/pets/{id}/photos",       // 3
      "/pets/mine/{photo}",      // 4
      "/files/{name}.{type}",    // 5
      "/files/{name}.json",      // 6
      "/files/{name}",           // 7
      "/files/report-{n}.json",  // 8
      "/jobs/{id}:cancel",       // 9
      "/jobs/{id}",              // 10
      "/pets/",                  // 11
      "/größe/a b",              // 12
      "/{tenant}/users/{id}",    // 13
      "/%7Euser/x%2fy",          // 14
      "/range/{from}..{to}",     // 15
  };
  const auto matcher = PathMatcher::compile(kTemplates);
  ASSERT_TRUE(matcher) << matcher.error().detail;
  struct Case {
    std::string_view why;
    std::string_view path;
    std::string_view want;
  };
  const Case cases[] = {
      {"the root", "/", "0:"},
      {"a parameter", "/pets/7", "1:7"},
      {"a concrete segment before a parameter", "/pets/mine", "2:"},
      {"of two that fit, the one that is concrete first", "/pets/mine/photos", "4:photos"},
      {"a parameter within", "/pets/7/photos", "3:7"},
      {"a slash at the end is another path", "/pets/", "11:"},
      {"two parameters in a segment, the first as short as can be", "/files/a.b.c", "5:a,b.c"},
      {"more concrete characters first", "/files/a.json", "6:a"},
      {"the most concrete first", "/files/report-1.json", "8:1"},
      {"no dot: the parameter alone", "/files/readme", "7:readme"},
      {"a parameter is not empty", "/files/.json", "7:.json"},
      {"a verb behind a colon", "/jobs/7:cancel", "9:7"},
      {"another verb is part of the value", "/jobs/7:stop", "10:7:stop"},
      {"the verb alone is a value", "/jobs/:cancel", "10::cancel"},
      {"literals are compared in canonical form", "/gr%C3%B6%C3%9Fe/a%20b", "12:"},
      {"also those that the document encoded", "/~user/x%2Fy", "14:"},
      {"a choice taken back", "/pets/users/9", "13:pets,9"},
      {"a literal of two characters", "/range/1..2", "15:1,2"},
      {"and its first place", "/range/1...2", "15:1,.2"},

      {"no template", "/nothing/here", "-"},
      {"an empty parameter", "/pets//photos", "-"},
      {"a template's beginning", "/files", "-"},
      {"more than a template", "/pets/7/photos/1", "-"},
      {"case matters", "/Pets/mine/photos", "-"},
      {"no slash at the beginning", "pets", "-"},
      {"nothing", "", "-"},
      {"a template as a path", "/range/{from}..", "-"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(told(*matcher, c.path), c.want) << c.path;
  }
  EXPECT_EQ(matcher->names(5).size(), 2U);
  EXPECT_EQ(matcher->names(5)[1], "type");
}

TEST(PathMatcher, RefusesTemplatesThatHaveNoOneMeaning) {
  struct Case {
    std::vector<std::string_view> templates;
    std::string_view want;
  };
  std::string many;
  for (int i = 0; i < 17; ++i) many += fmt::format("/{{p{}}}", i);
  const std::string deep = std::string(130, '/');
  const std::string long_one = "/" + std::string(4096, 'a');
  const Case cases[] = {
      {{"/a/{x}", "/a/{y}"}, "/a/{y}: fits the same paths as template 1 of this document"},
      {{"/a", "/%61"}, "/%61: fits the same paths as template 1 of this document"},
      {{"/{a}-{b}", "/{c}-{d}"}, "/{c}-{d}: fits the same paths as template 1 of this document"},
      {{"pets"}, "pets: does not begin with '/'"},
      {{""}, ": does not begin with '/'"},
      {{"/{id}/{id}"}, "/{id}/{id}: the parameter 'id' twice"},
      {{"/{a}{b}"}, "/{a}{b}: two parameters with nothing between them"},
      {{"/{}"}, "/{}: a parameter without a name"},
      {{"/{a"}, "/{a: a '{' without its '}'"},
      {{"/a}"}, "/a}: a '}' without its '{'"},
      {{"/{{a}}"}, "/{{a}}: a parameter without a name"},
      {{"/%4"}, "/%4: a '%' without two digits"},
      {{many}, "more than 16 parameters"},
      {{deep}, "more than 64 segments"},
      {{long_one}, "longer than 4096 bytes"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.want);
    const auto matcher = PathMatcher::compile(c.templates);
    ASSERT_FALSE(matcher);
    EXPECT_TRUE(matcher.error().detail.ends_with(c.want)) << matcher.error().detail;
  }
}

// Each of a thousand templates is found by a path made from it, and by no other.
TEST(PathMatcher, FindsEachOfAThousand) {
  std::vector<std::string> texts;
  for (int i = 0; i < 250; ++i) {
    texts.push_back(fmt::format("/v1/things{}", i));
    texts.push_back(fmt::format("/v1/things{}/{{id}}", i));
    texts.push_back(fmt::format("/v1/things{}/{{id}}/parts", i));
    texts.push_back(fmt::format("/v1/things{}/{{id}}/parts/{{part}}.{{type}}", i));
  }
  const std::vector<std::string_view> templates(texts.begin(), texts.end());
  const auto matcher = PathMatcher::compile(templates);
  ASSERT_TRUE(matcher) << matcher.error().detail;
  for (int i = 0; i < 250; ++i) {
    EXPECT_EQ(told(*matcher, fmt::format("/v1/things{}", i)), fmt::format("{}:", 4 * i));
    EXPECT_EQ(told(*matcher, fmt::format("/v1/things{}/x", i)), fmt::format("{}:x", 4 * i + 1));
    EXPECT_EQ(told(*matcher, fmt::format("/v1/things{}/x/parts", i)),
              fmt::format("{}:x", 4 * i + 2));
    EXPECT_EQ(told(*matcher, fmt::format("/v1/things{}/x/parts/y.z", i)),
              fmt::format("{}:x,y,z", 4 * i + 3));
    EXPECT_EQ(told(*matcher, fmt::format("/v1/things{}/x/y", i)), "-");
  }
}

}  // namespace
}  // namespace portcullis::openapi
