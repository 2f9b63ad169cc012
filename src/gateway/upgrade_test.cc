#include "gateway/upgrade.h"

#include "gateway/cors.h"
#include "http/head.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::gateway {
namespace {

// A request or a response of its text, with what it borrows from.
struct Parsed {
  explicit Parsed(std::string head) : text(std::move(head)), arena(memory, sizeof memory) {}
  std::string text;
  char memory[4096];
  Arena arena;
  http::Request request{arena};
  http::Response response{arena};

  void as_request() { EXPECT_TRUE(http::parse_request_head(text, {}, {}, arena, request)) << text; }
  void as_response() {
    EXPECT_TRUE(http::parse_response_head(text, {}, http::Method::kGet, response)) << text;
  }
};

// The example of RFC 6455 1.3.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

std::string websocket(std::string_view fields, std::string_view method = "GET") {
  return std::string(method) + " /chat HTTP/1.1\r\nhost: a\r\n" + std::string(fields) + "\r\n";
}

TEST(ChooseProtocol, TakesTheClientsFirstThatIsPermitted) {
  const std::vector<std::string> permitted = {"websocket", "irc/6.9"};
  struct Case {
    std::string_view why;
    std::string_view offered;
    std::string_view want;
  };
  constexpr Case cases[] = {
      {"the only one", "websocket", "websocket"},
      {"in any case", "WebSocket", "websocket"},
      {"behind one that is not permitted", "h2c, websocket", "websocket"},
      {"the client's order counts", "IRC/6.9, websocket", "irc/6.9"},
      {"none", "", ""},
      {"empty elements", ", ,", ""},
      {"not permitted", "h2c", ""},
      {"another version", "IRC/7.0", ""},
      {"a part of a name", "web", ""},
      {"a longer name", "websocket2", ""},
      {"a version of one that has none", "websocket/13", ""},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(choose_protocol(c.offered, permitted), c.want) << c.why;
  }
  EXPECT_EQ(choose_protocol("websocket", {}), "") << "nothing is permitted";
}

TEST(CheckUpgradeRequest, WantsAWholeHandshake) {
  const std::string good = "sec-websocket-version: 13\r\nsec-websocket-key: " + std::string(kKey);
  struct Case {
    std::string why;
    std::string text;
  };
  const Case cases[] = {
      {"another method", websocket(good + "\r\n", "POST")},
      {"a length", websocket(good + "\r\ncontent-length: 4\r\n")},
      {"chunks", websocket(good + "\r\ntransfer-encoding: chunked\r\n")},
      {"no version", websocket("sec-websocket-key: " + std::string(kKey) + "\r\n")},
      {"an old version",
       websocket("sec-websocket-version: 8\r\nsec-websocket-key: " + std::string(kKey) + "\r\n")},
      {"a version to come",
       websocket("sec-websocket-version: 14\r\nsec-websocket-key: " + std::string(kKey) + "\r\n")},
      {"a list of versions", websocket("sec-websocket-version: 13, 8\r\nsec-websocket-key: " +
                                       std::string(kKey) + "\r\n")},
      {"two versions", websocket("sec-websocket-version: 8\r\n" + good + "\r\n")},
      {"no key", websocket("sec-websocket-version: 13\r\n")},
      {"two keys", websocket(good + "\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")},
      {"an empty key", websocket("sec-websocket-version: 13\r\nsec-websocket-key: \r\n")},
      {"a short key", websocket("sec-websocket-version: 13\r\nsec-websocket-key: dGhl\r\n")},
      {"a key without padding", websocket("sec-websocket-version: 13\r\nsec-websocket-key: "
                                          "dGhlIHNhbXBsZSBub25jZQ\r\n")},
      {"a key of another alphabet", websocket("sec-websocket-version: 13\r\nsec-websocket-key: "
                                              "dGhlIHNhbXBsZSBub25j_Q==\r\n")},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    Parsed parsed(c.text);
    parsed.as_request();
    const auto got = check_upgrade_request(parsed.request, "websocket");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::kMalformedUpgrade);
  }
  Parsed whole(websocket(good + "\r\n"));
  whole.as_request();
  EXPECT_TRUE(check_upgrade_request(whole.request, "websocket"));
  Parsed other(websocket("x: y\r\n", "OPTIONS"));
  other.as_request();
  EXPECT_TRUE(check_upgrade_request(other.request, "irc/6.9")) << "other protocols have no rules";
  Parsed body(websocket("content-length: 1\r\n"));
  body.as_request();
  EXPECT_FALSE(check_upgrade_request(body.request, "irc/6.9")) << "but none has a body";
}

TEST(CheckUpgradeResponse, BelievesOnlyWhatWasAskedFor) {
  const std::string accept = "sec-websocket-accept: " + std::string(kAccept) + "\r\n";
  struct Case {
    std::string why;
    std::string fields;
  };
  const Case cases[] = {
      {"nothing", ""},
      {"no Upgrade", "connection: upgrade\r\n" + accept},
      {"no Connection", "upgrade: websocket\r\n" + accept},
      {"Connection says something else", "connection: close\r\nupgrade: websocket\r\n" + accept},
      {"another protocol", "connection: upgrade\r\nupgrade: h2c\r\n" + accept},
      {"a list of protocols", "connection: upgrade\r\nupgrade: websocket, h2c\r\n" + accept},
      {"two Upgrades",
       "connection: upgrade\r\nupgrade: websocket\r\nupgrade: websocket\r\n" + accept},
      {"no Sec-WebSocket-Accept", "connection: upgrade\r\nupgrade: websocket\r\n"},
      {"the accept of another key",
       "connection: upgrade\r\nupgrade: websocket\r\n"
       "sec-websocket-accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n"},
      {"two accepts", "connection: upgrade\r\nupgrade: websocket\r\n" + accept + accept},
      {"a length", "connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 9\r\n" + accept},
      {"chunks",
       "connection: upgrade\r\nupgrade: websocket\r\ntransfer-encoding: chunked\r\n" + accept},
  };
  Parsed request(
      websocket("sec-websocket-version: 13\r\nsec-websocket-key: " + std::string(kKey) + "\r\n"));
  request.as_request();
  const auto check = [&](const std::string& fields, std::string_view protocol) {
    Parsed parsed("HTTP/1.1 101 Switching Protocols\r\n" + fields + "\r\n");
    parsed.as_response();
    return check_upgrade_response(request.request, protocol, parsed.response);
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const auto got = check(c.fields, "websocket");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::kUpstreamBroken);
    EXPECT_EQ(got.error().source, ErrorSource::kUpstream);
  }
  EXPECT_TRUE(check("connection: upgrade\r\nupgrade: websocket\r\n" + accept, "websocket"));
  EXPECT_TRUE(
      check("connection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n" + accept, "websocket"));
  EXPECT_TRUE(check("connection: upgrade\r\nupgrade: IRC/6.9\r\n", "irc/6.9"));
}

TEST(CheckUpgradeOrigin, LetsPagesOfTheHostAndOfAllowedOriginsPass) {
  config::Cors allowed;
  allowed.origins = {"https://app.example.com"};
  const CorsRule rule(allowed, "apis.chat.routes[3].cors");
  struct Case {
    std::string_view why;
    std::string_view host;
    http::Scheme scheme;
    std::string_view fields;
    bool want;
  };
  constexpr http::Scheme kHttp = http::Scheme::kHttp;
  constexpr http::Scheme kHttps = http::Scheme::kHttps;
  constexpr Case cases[] = {
      {"no browser", "a", kHttps, "", true},
      {"an allowed page", "a", kHttps, "origin: https://app.example.com\r\n", true},
      {"a page of the host", "a", kHttps, "origin: https://a\r\n", true},
      {"with its own port", "a:8443", kHttps, "origin: https://a:8443\r\n", true},
      {"the port of TLS is said", "a:443", kHttps, "origin: https://a\r\n", true},
      {"behind a proxy that ends TLS", "a", kHttp, "origin: https://a\r\n", true},
      {"in clear text throughout", "a", kHttp, "origin: http://a\r\n", true},
      {"another host", "a", kHttps, "origin: https://evil.test\r\n", false},
      {"another port of the host", "a", kHttps, "origin: https://a:8443\r\n", false},
      {"a page of the host in clear text", "a", kHttps, "origin: http://a\r\n", false},
      {"a host that begins alike", "a", kHttps, "origin: https://a.evil.test\r\n", false},
      {"another scheme", "a", kHttp, "origin: ftp://a\r\n", false},
      {"null", "a", kHttps, "origin: null\r\n", false},
      {"empty", "a", kHttps, "origin: \r\n", false},
      {"an allowed one and another", "a", kHttps,
       "origin: https://app.example.com\r\norigin: https://evil.test\r\n", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    Parsed parsed("GET / HTTP/1.1\r\nhost: " + std::string(c.host) + "\r\n" +
                  std::string(c.fields) + "\r\n");
    parsed.as_request();
    parsed.request.scheme = c.scheme;
    const auto got = check_upgrade_origin(parsed.request, rule);
    EXPECT_EQ(got.has_value(), c.want);
    if (!got) {
      EXPECT_EQ(got.error().code, ErrorCode::kOriginNotAllowed);
      EXPECT_EQ(got.error().rule, "apis.chat.routes[3].cors") << "the rule that decided";
    }
  }
}

TEST(WebsocketAccept, IsThatOfTheRfc) { EXPECT_EQ(websocket_accept(kKey), kAccept); }

}  // namespace
}  // namespace portcullis::gateway
