#include "authn/key_places.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

namespace portcullis::authn {
namespace {

using Kind = KeyPlace::Kind;
using Given = std::initializer_list<std::pair<std::string_view, std::string_view>>;

http::Request request_of(Arena& arena, std::string_view query, Given fields) {
  http::Request request(arena);
  request.has_query = !query.empty();
  request.query = query;
  for (const auto& [name, value] : fields) request.fields.add(name, value);
  return request;
}

KeyPlaces everywhere() {
  KeyPlaces places;
  places.add({Kind::kField, "x-api-key"});
  places.add({Kind::kField, "x-robot-key"});
  places.add({Kind::kCookie, "key"});
  places.add({Kind::kParameter, "api_key"});
  return places;
}

TEST(KeyPlaces, FindOneKeyWhereverItMayStand) {
  struct Case {
    std::string_view why;
    std::string_view query;
    Given fields;
    std::string_view want;  // place and key, or the error
  };
  const Case cases[] = {
      {"nowhere", "", {}, "nothing"},
      {"in a field", "", {{"x-api-key", "k"}}, "x-api-key k"},
      {"in the other field", "", {{"x-robot-key", "k"}}, "x-robot-key k"},
      {"in a cookie", "", {{"cookie", "a=b; key=k; c=d"}}, "key k"},
      {"in the query", "a=b&api_key=k", {}, "api_key k"},
      {"with digits for characters", "%61pi_key=%6b%2B", {}, "api_key k+"},
      {"an empty one is one", "api_key", {}, "api_key "},
      {"cookies of others", "", {{"cookie", "a=b; Key=k; keys=k"}}, "nothing"},
      {"parameters of others", "API_KEY=k&api_key2=k&x=api_key=k", {}, "nothing"},
      {"two fields", "", {{"x-api-key", "k"}, {"x-api-key", "k"}}, "ambiguous"},
      {"two kinds of field", "", {{"x-api-key", "k"}, {"x-robot-key", "k"}}, "ambiguous"},
      {"two cookies", "", {{"cookie", "key=k; key=k"}}, "ambiguous"},
      {"two cookies in two fields", "", {{"cookie", "key=k"}, {"cookie", "key=k"}}, "ambiguous"},
      {"two parameters", "api_key=k&api_key=k", {}, "ambiguous"},
      {"two spellings of one parameter", "api_key=k&%61pi_key=k", {}, "ambiguous"},
      {"a field and a cookie", "", {{"x-api-key", "k"}, {"cookie", "key=k"}}, "ambiguous"},
      {"a cookie and the query", "api_key=k", {{"cookie", "key=k"}}, "ambiguous"},
      {"a field and the query", "api_key=k", {{"x-api-key", "k"}}, "ambiguous"},
      {"cookies that two servers read in two ways",
       "",
       {{"cookie", "a=\"b; key=k\""}},
       "malformed"},
      {"no space between cookies", "", {{"cookie", "a=b;key=k"}}, "malformed"},
      {"broken cookies beside a field", "", {{"x-api-key", "k"}, {"cookie", "a"}}, "malformed"},
  };
  const KeyPlaces places = everywhere();
  for (const Case& c : cases) {
    Arena arena;
    const http::Request request = request_of(arena, c.query, c.fields);
    const auto found = places.find(request);
    std::string got = "nothing";
    if (!found)
      got = found.error().code == ErrorCode::kAmbiguousCredentials ? "ambiguous" : "malformed";
    else if (*found)
      got = (*found)->place->name + " " + std::string((*found)->key());
    EXPECT_EQ(got, c.want) << c.why;
  }
}

TEST(KeyPlaces, LookNowhereElse) {
  KeyPlaces field;
  field.add({Kind::kField, "x-api-key"});
  Arena arena;
  const http::Request request = request_of(
      arena, "api_key=k&x-api-key=k", {{"cookie", "key=k; x-api-key=k; broken"}, {"key", "k"}});
  const auto found = field.find(request);
  ASSERT_TRUE(found) << "cookies that carry no keys are nobody's business here";
  EXPECT_FALSE(*found);
}

TEST(CheckSameOrigin, TakesNobodysWordForIt) {
  struct Case {
    std::string_view why;
    Given fields;
    bool want;
  };
  const Case cases[] = {
      {"the browser says so", {{"sec-fetch-site", "same-origin"}}, true},
      {"the user alone", {{"sec-fetch-site", "none"}}, true},
      {"the origin is ours", {{"origin", "https://a.test"}}, true},
      {"nobody says anything", {}, false},
      {"another site", {{"sec-fetch-site", "cross-site"}}, false},
      {"a sibling", {{"sec-fetch-site", "same-site"}}, false},
      {"a word that is not known", {{"sec-fetch-site", "same-origin, none"}}, false},
      {"twice", {{"sec-fetch-site", "none"}, {"sec-fetch-site", "none"}}, false},
      {"the browser's word before the origin",
       {{"sec-fetch-site", "cross-site"}, {"origin", "https://a.test"}},
       false},
      {"another origin", {{"origin", "https://b.test"}}, false},
      {"a sibling's origin", {{"origin", "https://b.a.test"}}, false},
      {"ours as a prefix", {{"origin", "https://a.test.evil.test"}}, false},
      {"another scheme", {{"origin", "http://a.test"}}, false},
      {"another port", {{"origin", "https://a.test:8443"}}, false},
      {"an opaque origin", {{"origin", "null"}}, false},
      {"empty", {{"origin", ""}}, false},
      {"two origins", {{"origin", "https://a.test"}, {"origin", "https://a.test"}}, false},
  };
  for (const Case& c : cases) {
    Arena arena;
    http::Request request = request_of(arena, "", c.fields);
    for (const std::string_view authority : {"a.test", "a.test:443"}) {
      request.authority = authority;
      const auto got = check_same_origin(request, http::Scheme::kHttps);
      EXPECT_EQ(got.has_value(), c.want) << c.why;
      if (!got) EXPECT_EQ(got.error().code, ErrorCode::kForbidden) << c.why;
    }
  }
}

TEST(WithoutParameters, TakesOutOursInEverySpellingAndLeavesTheRestAsItIs) {
  const std::vector<std::string> names = {"api_key", "key"};
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"a=b&c", "a=b&c"},
      {"api_key=k", ""},
      {"a=b&api_key=k&c=%64", "a=b&c=%64"},
      {"key=1&a=b&key=2", "a=b"},
      {"%61pi_key=k&a=b", "a=b"},
      {"a=b&&api_key=k", "a=b&"},
      {"API_KEY=k", "API_KEY=k"},
      {"", ""},
  };
  Arena arena;
  for (const auto& [query, want] : cases)
    EXPECT_EQ(without_parameters(query, names, arena), want) << query;
}

}  // namespace
}  // namespace portcullis::authn
