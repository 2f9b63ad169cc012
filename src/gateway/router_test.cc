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

void expect_match(const Router& router, const Case& c) {
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
  for (const Case& c : cases) expect_match(router, c);
}

TEST(Router, GivesTheRestOfAPathToTheLeastParticularRoute) {
  Router router;
  router.add({{}, "", "/{path...}", {"GET", "PUT"}, 1});
  router.add({{}, "", "/files/{path...}", {"GET"}, 2});
  router.add({{}, "", "/files/{name}", {"GET"}, 3});
  router.add({{}, "", "/files/{name}/history", {"GET"}, 4});
  router.add({{}, "", "/files/readme", {"POST"}, 5});
  router.add({{"git.test"}, "/r", "/{path...}", {"GET"}, 6});
  const Case cases[] = {
      {"one segment", "GET", "x", "/a", 1},
      {"many segments", "GET", "x", "/a/b/c/d/e", 1},
      {"a slash at the end", "GET", "x", "/a/b/", 1},
      {"none: the root", "GET", "x", "/", 1},
      {"HEAD by GET", "HEAD", "x", "/a/b", 1},
      {"the longer literal beginning", "GET", "x", "/files/a/b", 2},
      {"none: the slash alone", "GET", "x", "/files/", 2},
      {"without its slash it is another path", "GET", "x", "/files", 1},
      {"a parameter wins over a rest", "GET", "x", "/files/a", 3},
      {"a longer template wins over a rest", "GET", "x", "/files/a/history", 4},
      {"back from a template that goes on otherwise", "GET", "x", "/files/a/history/1", 2},
      {"back from a literal that ends too early", "GET", "x", "/files/readme/1", 2},
      {"below a base path", "GET", "git.test", "/r/a/b", 6},
      {"base path with its slash", "GET", "git.test", "/r/", 6},
      {"a named host falls back to every host", "GET", "git.test", "/other", 1},
      {"base path without its slash", "PUT", "git.test", "/r", 1},
      {"the path decides before the method", "GET", "x", "/files/readme", std::nullopt,
       ErrorCode::kMethodNotAllowed},
      {"... on the rest too", "PUT", "x", "/files/a/b", std::nullopt, ErrorCode::kMethodNotAllowed},
      {"the host decides before the path", "PUT", "git.test", "/r/a", std::nullopt,
       ErrorCode::kMethodNotAllowed},
      {"the server as a whole", "GET", "x", "*", std::nullopt},
      {"no path", "GET", "x", "", std::nullopt},
  };
  for (const Case& c : cases) expect_match(router, c);
}

TEST(Router, SaysWhichMethodsThereAre) {
  const Router router = sample();
  std::string allow;
  EXPECT_FALSE(router.match("shop.example.com", "/v1/orders/1", http::Method::kPut, "PUT", allow));
  EXPECT_EQ(allow, "GET, HEAD, DELETE");
}

}  // namespace
}  // namespace portcullis::gateway
