#include "http2/request_head.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace portcullis::http2 {
namespace {

using List = std::vector<std::pair<std::string, std::string>>;

struct Read {
  Arena arena;
  http::Request request{arena};
  Result<void> outcome;
};

constexpr http::HeadLimits kLimits{.size = 1024, .fields = 10};

void read(Read& into, const List& fields, http::Scheme connection = http::Scheme::kHttps,
          bool last = true) {
  RequestHead head(kLimits, into.arena, into.request);
  for (const auto& [name, value] : fields) {
    // Memory of its own, as HPACK gives it: what is kept must have been copied.
    const std::string own_name = name;
    const std::string own_value = value;
    head.add(own_name, own_value);
  }
  into.outcome = head.finish({}, connection, last);
}

// A good GET with these pseudo-fields exchanged or left out (an empty value), and fields behind.
List get(const List& changed = {}, const List& behind = {}) {
  List fields;
  for (auto [name, value] : List{{":method", "GET"},
                                 {":scheme", "https"},
                                 {":authority", "shop.example.com"},
                                 {":path", "/v1/orders?page=2"}}) {
    bool left_out = false;
    for (const auto& [other, its] : changed) {
      if (other != name) continue;
      value = its;
      left_out = its.empty();
    }
    if (!left_out) fields.emplace_back(name, value);
  }
  fields.insert(fields.end(), behind.begin(), behind.end());
  return fields;
}

TEST(RequestHead, IsWhatHttp1WouldHaveSaid) {
  Read read_;
  read(read_, get({}, {{"user-agent", "a b"}, {"accept", "*/*"}}));
  ASSERT_TRUE(read_.outcome) << read_.outcome.error().detail;
  const http::Request& request = read_.request;
  EXPECT_EQ(request.method, http::Method::kGet);
  EXPECT_EQ(request.path, "/v1/orders");
  EXPECT_TRUE(request.has_query);
  EXPECT_EQ(request.query, "page=2");
  EXPECT_EQ(request.authority, "shop.example.com");
  EXPECT_EQ(request.host, "shop.example.com");
  EXPECT_EQ(request.body, http::BodyKind::kNone);
  ASSERT_EQ(request.fields.size(), 3U);
  EXPECT_EQ(request.fields.find(http::FieldId::kHost)->value, "shop.example.com");
}

TEST(RequestHead, TakesWhatIsRight) {
  const struct {
    const char* why;
    List fields;
    http::Scheme connection = http::Scheme::kHttps;
    bool last = true;
  } cases[] = {
      {"Host in the place of :authority",
       get({{":authority", ""}}, {{"host", "Shop.example.com"}})},
      {"both, the same but for case", get({}, {{"host", "SHOP.example.com"}})},
      {"TE that says trailers", get({}, {{"te", "trailers"}})},
      {"https in clear text, whose TLS somebody else ended", get(), http::Scheme::kHttp},
      {"http in clear text", get({{":scheme", "http"}}), http::Scheme::kHttp},
      {"OPTIONS of the server", get({{":method", "OPTIONS"}, {":path", "*"}})},
      {"a length of nothing", get({}, {{"content-length", "0"}})},
      {"a tunnel for WebSocket", get({{":method", "CONNECT"}}, {{"sec-websocket-version", "13"}}),
       http::Scheme::kHttps, false},
  };
  for (auto each : cases) {
    if (each.fields.front().second == "CONNECT")
      each.fields.insert(each.fields.begin() + 1, {":protocol", "websocket"});
    Read read_;
    read(read_, each.fields, each.connection, each.last);
    EXPECT_TRUE(read_.outcome) << each.why << ": " << read_.outcome.error().detail;
    EXPECT_EQ(read_.request.host, "shop.example.com") << each.why;
  }
}

TEST(RequestHead, KnowsHowTheBodyIsFramed) {
  const struct {
    List behind;
    bool last;
    http::BodyKind kind;
    std::uint64_t length;
  } cases[] = {
      {{}, true, http::BodyKind::kNone, 0},
      {{}, false, http::BodyKind::kUnknown, 0},
      {{{"content-length", "12"}}, false, http::BodyKind::kLength, 12},
      {{{"content-length", "0"}}, false, http::BodyKind::kLength, 0},
  };
  for (const auto& each : cases) {
    Read read_;
    read(read_, get({{":method", "POST"}}, each.behind), http::Scheme::kHttps, each.last);
    ASSERT_TRUE(read_.outcome);
    EXPECT_EQ(read_.request.body, each.kind);
    EXPECT_EQ(read_.request.content_length, each.length);
  }
}

TEST(RequestHead, JoinsTheCrumbsOfCookies) {
  Read read_;
  read(read_,
       get({}, {{"cookie", "a=1"}, {"accept", "x"}, {"cookie", "b=2; c=3"}, {"cookie", ""}}));
  ASSERT_TRUE(read_.outcome);
  EXPECT_EQ(read_.request.fields.count(http::FieldId::kCookie), 1U);
  EXPECT_EQ(read_.request.fields.find(http::FieldId::kCookie)->value, "a=1; b=2; c=3; ");
  EXPECT_EQ(read_.request.fields.find("accept")->value, "x");
}

TEST(RequestHead, RefusesWhatIsMalformed) {
  const std::string nul("a\0b", 3);
  const struct {
    const char* why;
    List fields;
    ErrorCode code = ErrorCode::kMalformedRequest;
    bool last = true;
  } cases[] = {
      {"no method", get({{":method", ""}})},
      {"a method with a space", get({{":method", "GET /x HTTP/1.1"}})},
      {"a method with a line", get({{":method", "GET\r\nx: y"}})},
      {"no scheme", get({{":scheme", ""}})},
      {"another scheme", get({{":scheme", "javascript"}})},
      {"http over TLS", get({{":scheme", "http"}})},
      {"no path", get({{":path", ""}})},
      {"a path without its slash", get({{":path", "v1/orders"}})},
      {"a path in absolute form", get({{":path", "https://other.test/"}})},
      {"`*` with GET", get({{":path", "*"}}), ErrorCode::kMalformedPath},
      {"a space in a path", get({{":path", "/a b"}}), ErrorCode::kMalformedPath},
      {"a line in a path", get({{":path", "/a\r\nx: y"}}), ErrorCode::kMalformedPath},
      {"a fragment", get({{":path", "/a#b"}}), ErrorCode::kMalformedPath},
      {"a line in a query", get({{":path", "/a?b\r\nc"}}), ErrorCode::kMalformedPath},
      {"nobody's host", get({{":authority", ""}}), ErrorCode::kMalformedHost},
      {"userinfo", get({{":authority", "a@shop.example.com"}}), ErrorCode::kMalformedHost},
      {"a line in a host", get({{":authority", "a\r\nb"}}), ErrorCode::kMalformedHost},
      {"another Host", get({}, {{"host", "other.test"}}), ErrorCode::kMalformedHost},
      {"two of Host", get({}, {{"host", "shop.example.com"}, {"host", "shop.example.com"}}),
       ErrorCode::kMalformedHost},
      {"a method twice", get({}, {{":method", "GET"}})},
      {"a pseudo-field behind a field", get({{":path", ""}}, {{"a", "b"}, {":path", "/"}})},
      {"an unknown pseudo-field", {{":method", "GET"}, {":status", "200"}}},
      {":protocol without CONNECT",
       {{":method", "GET"},
        {":protocol", "websocket"},
        {":scheme", "https"},
        {":authority", "a"},
        {":path", "/"}}},
      {"capitals in a name", get({}, {{"X-User", "a"}})},
      {"an empty name", get({}, {{"", "a"}})},
      {"a colon in a name", get({}, {{"a:b", "c"}})},
      {"a space in a name", get({}, {{"a ", "c"}})},
      {"a line in a name", get({}, {{"a\r\nb", "c"}})},
      {"NUL in a name", get({}, {{nul, "c"}})},
      {"a line in a value", get({}, {{"a", "b\r\nc: d"}})},
      {"a bare LF in a value", get({}, {{"a", "b\nc"}})},
      {"a bare CR in a value", get({}, {{"a", "b\rc"}})},
      {"NUL in a value", get({}, {{"a", nul}})},
      {"whitespace before a value", get({}, {{"a", " b"}})},
      {"whitespace behind a value", get({}, {{"a", "b\t"}})},
      {"Connection", get({}, {{"connection", "keep-alive"}})},
      {"Keep-Alive", get({}, {{"keep-alive", "timeout=5"}})},
      {"Proxy-Connection", get({}, {{"proxy-connection", "close"}})},
      {"Upgrade", get({}, {{"upgrade", "h2c"}})},
      {"Transfer-Encoding (H2.TE)", get({}, {{"transfer-encoding", "chunked"}})},
      {"TE that says more", get({}, {{"te", "trailers, gzip"}})},
      {"a length with a sign", get({}, {{"content-length", "+1"}}), ErrorCode::kAmbiguousFraming},
      {"a length beyond 64 bits", get({}, {{"content-length", "99999999999999999999"}}),
       ErrorCode::kAmbiguousFraming},
      {"a length as a list", get({}, {{"content-length", "1, 1"}}), ErrorCode::kAmbiguousFraming},
      {"two lengths", get({}, {{"content-length", "1"}, {"content-length", "1"}}),
       ErrorCode::kAmbiguousFraming},
      {"a length without a body (H2.CL)", get({}, {{"content-length", "5"}}),
       ErrorCode::kAmbiguousFraming},
      {"what imitates a length", get({}, {{"content_length", "5"}}), ErrorCode::kAmbiguousFraming},
      {"what imitates a coding", get({}, {{"transfer_encoding", "chunked"}}),
       ErrorCode::kAmbiguousFraming},
      {"another expectation", get({}, {{"expect", "200-ok"}}), ErrorCode::kExpectationFailed},
      {"CONNECT", {{":method", "CONNECT"}, {":authority", "a:443"}}, ErrorCode::kNotImplemented},
      {"CONNECT with a path", get({{":method", "CONNECT"}})},
      {"too many fields",
       get({}, {{"a", ""},
                {"a", ""},
                {"a", ""},
                {"a", ""},
                {"a", ""},
                {"a", ""},
                {"a", ""},
                {"a", ""},
                {"a", ""},
                {"a", ""},
                {"a", ""}}),
       ErrorCode::kHeadTooLarge},
      {"fields that are too large", get({}, {{"a", std::string(1000, 'b')}}),
       ErrorCode::kHeadTooLarge},
      {"a path that is too long", get({{":path", "/" + std::string(2000, 'a')}}),
       ErrorCode::kUriTooLong},
  };
  for (const auto& each : cases) {
    Read read_;
    read(read_, each.fields, http::Scheme::kHttps, each.last);
    ASSERT_FALSE(read_.outcome) << each.why;
    EXPECT_EQ(read_.outcome.error().code, each.code)
        << each.why << ": " << read_.outcome.error().detail;
    EXPECT_EQ(read_.outcome.error().source, ErrorSource::kClient) << each.why;
  }
}

// A caller of gRPC is refused in its own words, wherever its content-type stands.
TEST(RequestHead, KeepsTheKindOfWhatIsRefused) {
  Read large;
  read(large, get({}, {{"x", std::string(2'000, 'x')},
                       {"content-type", "application/grpc"},
                       {"content-type", "text/plain"}}));
  ASSERT_FALSE(large.outcome);
  EXPECT_EQ(large.outcome.error().code, ErrorCode::kHeadTooLarge);
  ASSERT_NE(large.request.fields.find(http::FieldId::kContentType), nullptr);
  EXPECT_EQ(large.request.fields.find(http::FieldId::kContentType)->value, "application/grpc");

  Read endless;
  read(endless, get({}, {{"Bad", ""}, {"content-type", std::string(200, 'a')}}));
  ASSERT_FALSE(endless.outcome);
  EXPECT_EQ(endless.request.fields.find(http::FieldId::kContentType), nullptr);
}

TEST(Trailers, AreFieldsThatFrameAndRouteNothing) {
  Arena arena;
  http::Fields trailers(arena);
  EXPECT_TRUE(add_trailer("x-digest", "abc", kLimits, arena, trailers));
  const std::pair<const char*, const char*> bad[] = {
      {":status", "200"},      {"content-length", "1"}, {"transfer-encoding", "chunked"},
      {"host", "a"},           {"authorization", "b"},  {"cookie", "c"},
      {"X-Capital", "d"},      {"x", "e\r\nf: g"},      {"", "h"},
      {"connection", "close"}, {"te", "trailers"},
  };
  for (const auto& [name, value] : bad)
    EXPECT_FALSE(add_trailer(name, value, kLimits, arena, trailers)) << name;
  for (std::size_t i = trailers.size(); i < kLimits.fields; ++i)
    EXPECT_TRUE(add_trailer("x", "", kLimits, arena, trailers));
  EXPECT_FALSE(add_trailer("x", "", kLimits, arena, trailers)) << "too many";
}

}  // namespace
}  // namespace portcullis::http2
