#include "gateway/cors.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::gateway {
namespace {

CorsRule rule_of(std::vector<std::string> origins, config::Cors cors = {}) {
  cors.origins = std::move(origins);
  return {cors, "apis.shop.cors"};
}

struct OriginCase {
  std::string_view why;
  std::string_view origin;
};

TEST(Cors, AllowsTheOriginsThatAreListed) {
  const CorsRule rule =
      rule_of({"https://app.example.com", "http://localhost:3000", "https://*.example.org",
               "https://*.example.org:8443", "https://[2001:db8::1]:444", "capacitor://localhost"});
  const OriginCase good[] = {
      {"one by its name", "https://app.example.com"},
      {"one with a port", "http://localhost:3000"},
      {"one label below", "https://a.example.org"},
      {"several labels below", "https://a.b-c.d_e.example.org"},
      {"one label below, with the port", "https://a.example.org:8443"},
      {"an IPv6 address", "https://[2001:db8::1]:444"},
      {"a scheme of an application", "capacitor://localhost"},
  };
  for (const OriginCase& c : good) EXPECT_TRUE(rule.allows(c.origin)) << c.why;

  const OriginCase bad[] = {
      {"nothing", ""},
      {"null, which is not listed", "null"},
      {"the word for all", "*"},
      {"another host", "https://evil.com"},
      {"a longer host", "https://app.example.com.evil.com"},
      {"a host that ends so", "https://evilapp.example.com"},
      {"a host that begins so", "https://app.example.co"},
      {"clear text", "http://app.example.com"},
      {"another port", "https://app.example.com:444"},
      {"the usual port, which no browser writes", "https://app.example.com:443"},
      {"upper case, which no browser writes", "https://App.example.com"},
      {"upper case in the scheme", "HTTPS://app.example.com"},
      {"a path", "https://app.example.com/"},
      {"a user", "https://app.example.com@evil.com"},
      {"a user before it", "https://evil.com@app.example.com"},
      {"two", "https://app.example.com https://evil.com"},
      {"two in a list", "https://app.example.com,https://evil.com"},
      {"a space behind", "https://app.example.com "},
      {"the pattern's domain itself", "https://example.org"},
      {"an empty label", "https://.example.org"},
      {"two dots", "https://a..example.org"},
      {"a host that only ends like the pattern", "https://evilexample.org"},
      {"the pattern's domain as a subdomain", "https://a.example.org.evil.com"},
      {"a user before the pattern's domain", "https://evil.com@a.example.org"},
      {"a user that holds a slash", "https://evil.com/.example.org"},
      {"a port before the pattern's domain", "https://evil.com:1.example.org"},
      {"a fragment before it", "https://evil.com#.example.org"},
      {"a query before it", "https://evil.com?.example.org"},
      {"a backslash before it", "https://evil.com\\.example.org"},
      {"an escape before it", "https://evil.com%2f.example.org"},
      {"another port of the pattern", "https://a.example.org:80"},
      {"upper case below the pattern", "https://A.example.org"},
      {"the pattern in clear text", "http://a.example.org"},
      {"the pattern itself", "https://*.example.org"},
      {"not ASCII", "https://\xc3\xa4.example.org"},
  };
  for (const OriginCase& c : bad) EXPECT_FALSE(rule.allows(c.origin)) << c.why;
}

class Answer : public testing::Test {
 protected:
  Arena arena_;
  http::Request request_{arena_};
  http::Fields to_{arena_};

  void ask(std::string_view origin, std::string_view method = {}) {
    request_ = http::Request(arena_);
    to_ = http::Fields(arena_);
    request_.method = method.empty() ? http::Method::kGet : http::Method::kOptions;
    if (!origin.empty()) request_.fields.add("origin", origin);
    if (!method.empty()) request_.fields.add("access-control-request-method", method);
  }
  std::string text() const {
    std::string all;
    for (const http::Field& field : to_)
      all += std::string(field.name) + ": " + std::string(field.value) + "\n";
    return all;
  }
};

config::Cors full() {
  config::Cors cors;
  cors.credentials = true;
  cors.headers = {"authorization", "content-type"};
  cors.expose = {"ratelimit", "x-request-id"};
  cors.max_age = std::chrono::seconds(600);
  return cors;
}

TEST_F(Answer, NamesTheOriginAndVariesByIt) {
  const CorsRule rule = rule_of({"https://a.test"}, full());
  ask("https://a.test");
  rule.add_to(request_.fields, to_);
  EXPECT_EQ(text(),
            "vary: origin\n"
            "access-control-allow-origin: https://a.test\n"
            "access-control-allow-credentials: true\n"
            "access-control-expose-headers: ratelimit, x-request-id\n");
  for (const std::string_view other : {"https://b.test", ""}) {
    ask(other);
    rule.add_to(request_.fields, to_);
    EXPECT_EQ(text(), "vary: origin\n") << other;
  }
}

TEST_F(Answer, OfARuleForAllIsTheSameForAll) {
  const CorsRule rule = rule_of({"*"});
  for (const std::string_view origin : {"https://b.test", "null", ""}) {
    ask(origin);
    rule.add_to(request_.fields, to_);
    EXPECT_EQ(text(), "access-control-allow-origin: *\n") << origin;
  }
}

TEST_F(Answer, KeepsWhatVariesAlready) {
  const CorsRule rule = rule_of({"https://a.test"});
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"Accept-Encoding", "vary: Accept-Encoding\nvary: origin\n"},
      {"accept, ORIGIN", "vary: accept, ORIGIN\n"},
      {"*", "vary: *\n"},
      {"X-Origin", "vary: X-Origin\nvary: origin\n"},
  };
  for (const auto& [before, after] : cases) {
    ask("");
    to_.add("vary", before);
    rule.add_to(request_.fields, to_);
    EXPECT_EQ(text(), after);
  }
}

TEST_F(Answer, ToOneWithTwoOriginsNamesNone) {
  const CorsRule rule = rule_of({"https://a.test"});
  ask("https://a.test");
  request_.fields.add("origin", "https://a.test");
  rule.add_to(request_.fields, to_);
  EXPECT_EQ(text(), "vary: origin\n");
}

TEST_F(Answer, ToAPreflightSaysWhatTheRuleAndTheRouteSay) {
  const CorsRule rule = rule_of({"https://a.test"}, full());
  ask("https://a.test", "PUT");
  ASSERT_TRUE(rule.add_preflight_to(request_.fields, "PUT, PATCH", to_));
  EXPECT_EQ(text(),
            "vary: origin\n"
            "vary: access-control-request-method\n"
            "access-control-allow-origin: https://a.test\n"
            "access-control-allow-credentials: true\n"
            "access-control-allow-methods: PUT, PATCH\n"
            "access-control-allow-headers: authorization, content-type\n"
            "access-control-max-age: 600\n");

  ask("https://b.test", "PUT");
  const auto refused = rule.add_preflight_to(request_.fields, "PUT", to_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOriginNotAllowed);
  EXPECT_EQ(refused.error().rule, "apis.shop.cors");
  EXPECT_EQ(text(), "");
  const CorsRule none = rule_of({});
  EXPECT_FALSE(none.add_preflight_to(request_.fields, "PUT", to_));
}

TEST_F(Answer, ARequestIsAPreflightWithBothFieldsAlone) {
  ask("https://a.test", "PUT");
  EXPECT_EQ(preflight_method(request_), "PUT");
  request_.method = http::Method::kGet;
  EXPECT_EQ(preflight_method(request_), "") << "another method";
  ask("", "PUT");
  EXPECT_EQ(preflight_method(request_), "") << "no origin";
  ask("https://a.test", "PUT");
  request_.fields.add("access-control-request-method", "GET");
  EXPECT_EQ(preflight_method(request_), "") << "two methods";
  ask("https://a.test", "PUT");
  request_.fields.add("origin", "https://b.test");
  EXPECT_EQ(preflight_method(request_), "") << "two origins";
  ask("https://a.test");
  request_.method = http::Method::kOptions;
  EXPECT_EQ(preflight_method(request_), "") << "no method";
}

}  // namespace
}  // namespace portcullis::gateway
