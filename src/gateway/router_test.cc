#include "gateway/router.h"

#include <gtest/gtest.h>

#include <optional>

namespace portcullis::gateway {
namespace {

Router sample() {
  Router router;
  router.add({{"shop.example.com"}, "/v1", "/orders", {"GET", "POST"}, 1});
  router.add({{"shop.example.com"}, "/v1", "/orders/{id}", {"GET", "DELETE"}, 2});
  router.add({{"shop.example.com"}, "/v1", "/orders/recent", {"GET"}, 3});
  router.add({{"shop.example.com"}, "/v1", "/orders/{id}/items/{item}", {"PUT"}, 4});
  router.add({{"*.example.com"}, "", "/ping", {"GET"}, 5});
  router.add({{"*.deep.example.com"}, "", "/ping", {"GET"}, 6});
  router.add({{}, "", "/ping", {"GET"}, 7});
  router.add({{}, "", "/", {"OPTIONS"}, 8});
  router.add({{}, "", "/slash/", {"GET"}, 9});
  return router;
}

struct Case {
  std::string_view why;
  std::string_view method;
  std::string_view host;
  std::string_view path;
  std::optional<std::size_t> plan;
  ErrorCode error = ErrorCode::kNotFound;
};

TEST(Router, FindsTheRouteOrSaysWhy) {
  const Router router = sample();
  const Case cases[] = {
      {"literal", "GET", "shop.example.com", "/v1/orders", 1},
      {"another method of the same path", "POST", "shop.example.com", "/v1/orders", 1},
      {"parameter", "GET", "shop.example.com", "/v1/orders/42", 2},
      {"a literal wins over a parameter", "GET", "shop.example.com", "/v1/orders/recent", 3},
      {"two parameters", "PUT", "shop.example.com", "/v1/orders/1/items/2", 4},
      {"HEAD by GET", "HEAD", "shop.example.com", "/v1/orders/42", 2},
      {"pattern", "GET", "a.example.com", "/ping", 5},
      {"two labels of a pattern", "GET", "b.a.example.com", "/ping", 5},
      {"the longer pattern", "GET", "x.deep.example.com", "/ping", 6},
      {"the named host falls back to a pattern", "GET", "shop.example.com", "/ping", 5},
      {"any host", "GET", "other.test", "/ping", 7},
      {"no host", "GET", "", "/ping", 7},
      {"root", "OPTIONS", "x", "/", 8},
      {"trailing slash that is in the template", "GET", "x", "/slash/", 9},
      {"a pattern does not match its own parent", "GET", "example.com", "/v1/orders", std::nullopt},
      {"unknown host", "GET", "evil.test", "/v1/orders", std::nullopt},
      {"suffix without a dot", "GET", "evilexample.com", "/v1/orders", std::nullopt},
      {"the server as a whole", "OPTIONS", "x", "*", std::nullopt},
      {"unknown path", "GET", "shop.example.com", "/v1/nothing", std::nullopt},
      {"base path alone", "GET", "shop.example.com", "/v1", std::nullopt},
      {"base path as a prefix of a name", "GET", "shop.example.com", "/v1x/orders", std::nullopt},
      {"trailing slash is another path", "GET", "shop.example.com", "/v1/orders/", std::nullopt},
      {"missing trailing slash", "GET", "x", "/slash", std::nullopt},
      {"a parameter takes no more than a segment", "GET", "shop.example.com", "/v1/orders/1/2",
       std::nullopt},
      {"paths are case-sensitive", "GET", "shop.example.com", "/V1/orders", std::nullopt},
      {"methods are case-sensitive", "get", "shop.example.com", "/v1/orders", std::nullopt,
       ErrorCode::kMethodNotAllowed},
      {"method of another path", "PUT", "shop.example.com", "/v1/orders", std::nullopt,
       ErrorCode::kMethodNotAllowed},
      {"no HEAD without GET", "HEAD", "shop.example.com", "/v1/orders/1/items/2", std::nullopt,
       ErrorCode::kMethodNotAllowed},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    std::string allow;
    const auto match = router.match(c.host, c.path, http::parse_method(c.method), c.method, allow);
    if (c.plan) {
      ASSERT_TRUE(match);
      EXPECT_EQ(match->plan, *c.plan);
    } else {
      ASSERT_FALSE(match);
      EXPECT_EQ(match.error().code, c.error);
    }
  }
}

TEST(Router, SaysWhichMethodsThereAre) {
  const Router router = sample();
  std::string allow;
  EXPECT_FALSE(router.match("shop.example.com", "/v1/orders/1", http::Method::kPut, "PUT", allow));
  EXPECT_EQ(allow, "GET, HEAD, DELETE");
}

}  // namespace
}  // namespace portcullis::gateway
