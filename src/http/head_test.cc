#include "http/head.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace portcullis::http {
namespace {

// A parsed head with the memory that its views borrow.
struct Parsed {
  std::string text;
  Arena arena;
  Request request{arena};
  Response response{arena};
  Result<HeadFacts> facts = fail(ErrorCode::kInternal, "not parsed");
};

Result<std::size_t> head_size(std::string_view text) {
  HeadScanner scanner;
  PC_TRY(const std::optional<std::size_t> size, scanner.scan(text));
  if (!size) return fail(ErrorCode::kInternal, "incomplete");
  return *size;
}

std::unique_ptr<Parsed> parse_request(std::string_view text, const HeadLimits& limits = {}) {
  auto parsed = std::make_unique<Parsed>();
  parsed->text = text;
  const Result<std::size_t> size = head_size(parsed->text);
  if (size) {
    parsed->facts = parse_request_head({parsed->text.data(), *size}, limits, PathRules{},
                                       parsed->arena, parsed->request);
  } else {
    parsed->facts = std::unexpected(size.error());
  }
  return parsed;
}

std::unique_ptr<Parsed> parse_response(std::string_view text, Method to = Method::kGet) {
  auto parsed = std::make_unique<Parsed>();
  parsed->text = text;
  const Result<std::size_t> size = head_size(parsed->text);
  if (size) {
    parsed->facts =
        parse_response_head({parsed->text.data(), *size}, HeadLimits{}, to, parsed->response);
  } else {
    parsed->facts = std::unexpected(size.error());
  }
  return parsed;
}

TEST(HeadScanner, KnowsATlsHandshakeByItsFirstOctet) {
  HeadScanner scanner;
  const auto found = scanner.scan("\x16");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kMalformedRequest);
  EXPECT_EQ(found.error().detail, "a TLS handshake where clear text is spoken");
}

TEST(HeadScanner, FindsTheEndHoweverTheBytesArrive) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: \t\r\n\r\n";
  const std::string all = head + "body\n\n";
  for (std::size_t split = 0; split <= all.size(); ++split) {
    HeadScanner scanner;
    auto found = scanner.scan(std::string_view(all).substr(0, split));
    ASSERT_TRUE(found) << split;
    EXPECT_EQ(found->has_value(), split >= head.size()) << split;
    if (!*found) found = scanner.scan(all);
    ASSERT_TRUE(found && *found) << split;
    EXPECT_EQ(**found, head.size()) << split;
  }
  HeadScanner scanner;
  for (std::size_t size = 0; size < head.size(); ++size) {
    const auto found = scanner.scan(std::string_view(head).substr(0, size));
    ASSERT_TRUE(found);
    EXPECT_FALSE(*found) << size;
    EXPECT_EQ(scanner.first_line_size(), size >= 16 ? 16U : 0U) << size;
  }
}

TEST(HeadScanner, RefusesALineThatEndsWithoutCr) {
  for (const std::string_view text :
       {"\n", "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n", "GET / HTTP/1.1\r\n\n", "GET / HTTP/1.1\r\r\n\n"}) {
    HeadScanner whole;
    EXPECT_FALSE(whole.scan(text)) << text;
    HeadScanner piecewise;
    bool refused = false;
    for (std::size_t size = 1; size <= text.size() && !refused; ++size)
      refused = !piecewise.scan(text.substr(0, size));
    EXPECT_TRUE(refused) << text;
  }
}

struct Good {
  std::string_view why;
  std::string_view text;
  Method method;
  std::string_view path;
  std::string_view query;
  std::string_view authority;
  BodyKind body;
  bool keep_alive;
};

TEST(ParseRequestHead, ReadsWhatTheGrammarGives) {
  const Good cases[] = {
      {"origin-form", "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n", Method::kGet, "/a", "b=c", "h",
       BodyKind::kNone, true},
      {"empty query", "GET /a? HTTP/1.1\r\nHost: h\r\n\r\n", Method::kGet, "/a", "", "h",
       BodyKind::kNone, true},
      {"absolute-form wins over Host (RFC 9112 3.2.2)",
       "GET http://Other:81/p HTTP/1.1\r\nHost: h\r\n\r\n", Method::kGet, "/p", "", "other:81",
       BodyKind::kNone, true},
      {"absolute-form without a path", "GET HTTPS://o?q HTTP/1.1\r\nHost: o\r\n\r\n", Method::kGet,
       "/", "q", "o", BodyKind::kNone, true},
      {"asterisk-form of OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", Method::kOptions, "*",
       "", "h", BodyKind::kNone, true},
      {"unknown method", "PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n", Method::kOther, "/", "", "h",
       BodyKind::kNone, true},
      {"methods are case-sensitive (RFC 9110 9.1)", "get / HTTP/1.1\r\nHost: h\r\n\r\n",
       Method::kOther, "/", "", "h", BodyKind::kNone, true},
      {"HTTP/1.0 needs no Host and does not persist", "GET / HTTP/1.0\r\n\r\n", Method::kGet, "/",
       "", "", BodyKind::kNone, false},
      {"HTTP/1.0 that asks to persist", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
       Method::kGet, "/", "", "", BodyKind::kNone, true},
      {"close among other options (RFC 9112 9.3)",
       "GET / HTTP/1.1\r\nHost: h\r\nConnection: x, CLOSE\r\n\r\n", Method::kGet, "/", "", "h",
       BodyKind::kNone, false},
      {"close wins over keep-alive",
       "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n",
       Method::kGet, "/", "", "h", BodyKind::kNone, false},
      {"length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 007\r\n\r\n", Method::kPost, "/",
       "", "h", BodyKind::kLength, true},
      {"length of nothing", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
       Method::kPost, "/", "", "h", BodyKind::kNone, true},
      {"chunked, in any case",
       "POST / HTTP/1.1\r\nHost: h\r\ntransfer-ENCODING:\t Chunked \r\n\r\n", Method::kPost, "/",
       "", "h", BodyKind::kUnknown, true},
      {"framing is independent of the method (RFC 9112 6)",
       "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", Method::kGet, "/", "", "h",
       BodyKind::kLength, true},
      {"IPv6 host", "GET / HTTP/1.1\r\nHost: [2001:DB8::1]:8443\r\n\r\n", Method::kGet, "/", "",
       "[2001:db8::1]:8443", BodyKind::kNone, true},
      {"obs-text in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: \xe2\x82\xac\xff\r\n\r\n",
       Method::kGet, "/", "", "h", BodyKind::kNone, true},
  };
  for (const Good& c : cases) {
    SCOPED_TRACE(c.why);
    const auto parsed = parse_request(c.text);
    ASSERT_TRUE(parsed->facts) << parsed->facts.error().detail;
    const Request& request = parsed->request;
    EXPECT_EQ(request.method, c.method);
    EXPECT_EQ(request.path, c.path);
    EXPECT_EQ(request.query, c.query);
    EXPECT_EQ(request.authority, c.authority);
    EXPECT_EQ(request.body, c.body);
    EXPECT_EQ(parsed->facts->keep_alive, c.keep_alive);
    EXPECT_EQ(parsed->facts->chunked, c.body == BodyKind::kUnknown);
  }
}

TEST(ParseRequestHead, LowersNamesAndTrimsValues) {
  const auto parsed =
      parse_request("GET / HTTP/1.1\r\nHOST:h\r\nX-a_1: \t b  c\t \r\nEmpty:\r\nBlank: \t\r\n\r\n");
  ASSERT_TRUE(parsed->facts);
  const Fields& fields = parsed->request.fields;
  ASSERT_EQ(fields.size(), 4U);
  EXPECT_EQ(fields.all()[0].name, "host");
  EXPECT_EQ(fields.all()[0].id, FieldId::kHost);
  EXPECT_EQ(fields.all()[1].name, "x-a_1");
  EXPECT_EQ(fields.all()[1].value, "b  c");
  EXPECT_EQ(fields.all()[2].value, "");
  EXPECT_EQ(fields.all()[3].value, "");
}

// Values of every length around the vector's sixteen octets, with one octet wrong at each place.
TEST(ParseRequestHead, SeesAControlOctetWhereverItStands) {
  for (std::size_t size = 1; size <= 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const char bad : {'\0', '\x01', '\x1f', '\x7f', '\r'}) {
        std::string value(size, 'v');
        value[at] = bad;
        const auto parsed = parse_request("GET / HTTP/1.1\r\nHost: h\r\nX: " + value + "\r\n\r\n");
        ASSERT_FALSE(parsed->facts) << size << " " << at << " " << static_cast<int>(bad);
        EXPECT_EQ(parsed->facts.error().code, ErrorCode::kMalformedRequest);
      }
      std::string value(size, 'v');
      value[at] = '\t';
      ASSERT_TRUE(parse_request("GET / HTTP/1.1\r\nHost: h\r\nX: " + value + "\r\n\r\n")->facts);
    }
  }
}

struct Bad {
  std::string_view why;
  std::string_view text;
  ErrorCode code;
};

constexpr ErrorCode kMalformed = ErrorCode::kMalformedRequest;
constexpr ErrorCode kAmbiguous = ErrorCode::kAmbiguousFraming;

TEST(ParseRequestHead, RefusesAnInvalidRequestLine) {
  const Bad cases[] = {
      {"empty", "\r\n\r\n", kMalformed},
      {"a second empty line before it", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", kMalformed},
      {"HTTP/0.9", "GET /\r\n\r\n", kMalformed},
      {"two spaces before the target", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", kMalformed},
      {"two spaces after the target", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n", kMalformed},
      {"leading space", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", kMalformed},
      {"trailing space", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", kMalformed},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", kMalformed},
      {"tabs for spaces", "GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n", kMalformed},
      {"bare CR for a space", "GET\r/ HTTP/1.1\r\nHost: h\r\n\r\n", kMalformed},
      {"method that is no token", "G(T / HTTP/1.1\r\nHost: h\r\n\r\n", kMalformed},
      {"method of 33 octets", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\nHost: h\r\n\r\n",
       kMalformed},
      {"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", ErrorCode::kNotImplemented},
      {"version in lower case (RFC 9112 2.3)", "GET / http/1.1\r\nHost: h\r\n\r\n", kMalformed},
      {"version without a minor", "GET / HTTP/1\r\nHost: h\r\n\r\n", kMalformed},
      {"version of two digits", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", kMalformed},
      {"version with a sign", "GET / HTTP/+1.1\r\nHost: h\r\n\r\n", kMalformed},
      {"other protocol", "GET / RTSP/1.1\r\nHost: h\r\n\r\n", kMalformed},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", ErrorCode::kVersionNotSupported},
      {"HTTP/0.9 by name", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", ErrorCode::kVersionNotSupported},
      {"HTTP/2.0", "PRI * HTTP/2.0\r\n\r\n", ErrorCode::kVersionNotSupported},
      {"asterisk of another method", "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
       ErrorCode::kMalformedPath},
      {"no leading slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", ErrorCode::kMalformedPath},
      {"authority-form", "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", ErrorCode::kMalformedPath},
      {"scheme that is not ours", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
       ErrorCode::kMalformedPath},
      {"fragment", "GET /#a HTTP/1.1\r\nHost: h\r\n\r\n", ErrorCode::kMalformedPath},
      {"fragment in a query", "GET /?a#b HTTP/1.1\r\nHost: h\r\n\r\n", ErrorCode::kMalformedPath},
      {"NUL in the path", std::string_view("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28),
       ErrorCode::kMalformedPath},
      {"bare CR in a query", "GET /?a\rb HTTP/1.1\r\nHost: h\r\n\r\n", ErrorCode::kMalformedPath},
      {"tab in the path", "GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n", ErrorCode::kMalformedPath},
      {"userinfo (RFC 9110 4.2.4)", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
       ErrorCode::kMalformedHost},
      {"absolute-form without a host", "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n",
       ErrorCode::kMalformedHost},
  };
  for (const Bad& c : cases) {
    SCOPED_TRACE(c.why);
    const auto parsed = parse_request(c.text);
    ASSERT_FALSE(parsed->facts);
    EXPECT_EQ(parsed->facts.error().code, c.code) << parsed->facts.error().detail;
    EXPECT_EQ(parsed->facts.error().source, ErrorSource::kClient);
  }
}

TEST(ParseRequestHead, RefusesInvalidFields) {
  const Bad cases[] = {
      {"space before the colon (RFC 9112 5.1)", "Host : h\r\n", kMalformed},
      {"tab before the colon", "X\t: y\r\n", kMalformed},
      {"line folding (RFC 9112 5.2)", "X: a\r\n b\r\n", kMalformed},
      {"folding by a tab", "X: a\r\n\tb\r\n", kMalformed},
      {"space before the first field (RFC 9112 2.2)", " X: a\r\n", kMalformed},
      {"empty name", ": a\r\n", kMalformed},
      {"no colon", "X\r\n", kMalformed},
      {"no colon and then one", "X\r\nY: a\r\n", kMalformed},
      {"name with a space", "X Y: a\r\n", kMalformed},
      {"name with a quote", "\"X\": a\r\n", kMalformed},
      {"name of obs-text", "X\xe9: a\r\n", kMalformed},
      {"name with a bare CR", "X\rY: a\r\n", kMalformed},
      {"bare CR before the name", "\rX: a\r\n", kMalformed},
      {"bare CR at a value's end", "X: a\r\r\n", kMalformed},
      {"bare CR in a value", "X: a\rY: b\r\n", kMalformed},
      {"no Host", "", ErrorCode::kMalformedHost},
      {"two Hosts", "Host: h\r\nHost: h\r\n", ErrorCode::kMalformedHost},
      {"empty Host", "Host:\r\n", ErrorCode::kMalformedHost},
      {"list of hosts", "Host: a, b\r\n", ErrorCode::kMalformedHost},
      {"host with a path", "Host: a/b\r\n", ErrorCode::kMalformedHost},
      {"host with userinfo", "Host: u@a\r\n", ErrorCode::kMalformedHost},
      {"host with a port of letters", "Host: a:b\r\n", ErrorCode::kMalformedHost},
      {"port out of range", "Host: a:65536\r\n", ErrorCode::kMalformedHost},
      {"port of nothing", "Host: a:\r\n", ErrorCode::kMalformedHost},
      {"host of dots", "Host: a..b\r\n", ErrorCode::kMalformedHost},
      {"open bracket", "Host: [::1\r\n", ErrorCode::kMalformedHost},
      {"IPv4 in brackets", "Host: [1.2.3.4]\r\n", ErrorCode::kMalformedHost},
      {"behind the bracket", "Host: [::1]x\r\n", ErrorCode::kMalformedHost},
      {"another expectation", "Host: h\r\nExpect: a\r\n", ErrorCode::kExpectationFailed},
      {"Connection that is no list of tokens", "Host: h\r\nConnection: a b\r\n", kMalformed},
      {"length twice", "Host: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n", kAmbiguous},
      {"lengths that differ", "Host: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n", kAmbiguous},
      {"length as a list", "Host: h\r\nContent-Length: 1, 1\r\n", kAmbiguous},
      {"empty length", "Host: h\r\nContent-Length:\r\n", kAmbiguous},
      {"negative length", "Host: h\r\nContent-Length: -1\r\n", kAmbiguous},
      {"signed length", "Host: h\r\nContent-Length: +1\r\n", kAmbiguous},
      {"hexadecimal length", "Host: h\r\nContent-Length: 0x1\r\n", kAmbiguous},
      {"length with a space", "Host: h\r\nContent-Length: 1 2\r\n", kAmbiguous},
      {"length of 2^64", "Host: h\r\nContent-Length: 18446744073709551616\r\n", kAmbiguous},
      {"length of many zeros", "Host: h\r\nContent-Length: 00000000000000000001\r\n", kAmbiguous},
      {"both (RFC 9112 6.3)", "Host: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
       kAmbiguous},
      {"both, the other way round",
       "Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n", kAmbiguous},
      {"chunked twice", "Host: h\r\nTransfer-Encoding: chunked, chunked\r\n", kAmbiguous},
      {"chunked in two fields",
       "Host: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", kAmbiguous},
      {"chunked not last", "Host: h\r\nTransfer-Encoding: chunked, gzip\r\n", kAmbiguous},
      {"chunked behind another", "Host: h\r\nTransfer-Encoding: gzip, chunked\r\n", kAmbiguous},
      {"chunked with a parameter", "Host: h\r\nTransfer-Encoding: chunked;a=b\r\n", kAmbiguous},
      {"chunked in quotes", "Host: h\r\nTransfer-Encoding: \"chunked\"\r\n", kAmbiguous},
      {"chunked with a comma", "Host: h\r\nTransfer-Encoding: chunked,\r\n", kAmbiguous},
      {"chunked behind a vertical tab",
       "Host: h\r\nTransfer-Encoding: \x0b"
       "chunked\r\n",
       kMalformed},
      {"chunked behind a no-break space",
       "Host: h\r\nTransfer-Encoding: \xa0"
       "chunked\r\n",
       kAmbiguous},
      {"empty coding", "Host: h\r\nTransfer-Encoding:\r\n", kAmbiguous},
      {"coding that we do not have (RFC 9112 6.1)", "Host: h\r\nTransfer-Encoding: gzip\r\n",
       ErrorCode::kNotImplemented},
      {"identity", "Host: h\r\nTransfer-Encoding: identity\r\n", ErrorCode::kNotImplemented},
      {"what CGI reads as Transfer-Encoding", "Host: h\r\nTransfer_Encoding: chunked\r\n",
       kAmbiguous},
      {"what CGI reads as Content-Length", "Host: h\r\nContent_Length: 1\r\n", kAmbiguous},
      {"too many hyphens", "Host: h\r\nTransfer---Encoding: chunked\r\n", kAmbiguous},
  };
  for (const Bad& c : cases) {
    SCOPED_TRACE(c.why);
    const auto parsed = parse_request("POST / HTTP/1.1\r\n" + std::string(c.text) + "\r\n");
    ASSERT_FALSE(parsed->facts);
    EXPECT_EQ(parsed->facts.error().code, c.code) << parsed->facts.error().detail;
  }
}

TEST(ParseRequestHead, KnowsImitationsFromNeighbours) {
  for (const std::string_view name :
       {"content-length-x", "x-content-length", "content-lengths", "transfer-encodings",
        "content-encoding", "transfer-code", "contentlengt", "te"}) {
    EXPECT_TRUE(
        parse_request("GET / HTTP/1.1\r\nHost: h\r\n" + std::string(name) + ": 1\r\n\r\n")->facts)
        << name;
  }
}

TEST(ParseRequestHead, RefusesTransferEncodingInHttp10) {
  const auto parsed = parse_request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
  ASSERT_FALSE(parsed->facts);
  EXPECT_EQ(parsed->facts.error().code, kAmbiguous);
}

TEST(ParseRequestHead, CountsFields) {
  std::string text = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 9; ++i) text += "x: y\r\n";
  EXPECT_TRUE(parse_request(text + "\r\n", {.size = 4096, .fields = 10})->facts);
  const auto parsed = parse_request(text + "x: y\r\n\r\n", {.size = 4096, .fields = 10});
  ASSERT_FALSE(parsed->facts);
  EXPECT_EQ(parsed->facts.error().code, ErrorCode::kHeadTooLarge);
}

TEST(ParseRequestHead, KnowsWhoWaitsFor100) {
  const auto expects = [](std::string_view text) {
    const auto parsed = parse_request(text);
    return parsed->facts && parsed->request.expects_continue;
  };
  EXPECT_TRUE(
      expects("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n"));
  EXPECT_FALSE(expects("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n"));
  // RFC 9110 10.1.1: "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST
  // ignore that expectation."
  EXPECT_FALSE(expects("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"));
}

struct GoodResponse {
  std::string_view why;
  std::string_view text;
  Method to;
  int status;
  BodyKind body;
  bool keep_alive;
};

TEST(ParseRequestHead, KnowsWhoAsksForAnUpgrade) {
  struct Case {
    std::string_view why;
    std::string_view version;
    std::string_view fields;
    std::string_view want;
  };
  constexpr Case cases[] = {
      {"as it is meant", "1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n", "websocket"},
      {"in any case and order", "1.1", "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n",
       "WebSocket"},
      {"a list", "1.1", "Connection: upgrade\r\nUpgrade: a, b/2\r\n", "a, b/2"},
      {"several fields are one list", "1.1",
       "Connection: upgrade\r\nUpgrade: a\r\nX: y\r\nUpgrade: b\r\n", "a, b, "},
      {"Connection says so in its second field", "1.1",
       "Connection: close\r\nConnection: upgrade\r\nUpgrade: a\r\n", "a"},
      {"nothing is named", "1.1", "Connection: upgrade\r\n", ""},
      {"an empty name", "1.1", "Connection: upgrade\r\nUpgrade:\r\n", ""},
      {"without Connection (RFC 9110 7.8)", "1.1", "Upgrade: websocket\r\n", ""},
      {"Connection names another field", "1.1", "Connection: upgrades\r\nUpgrade: websocket\r\n",
       ""},
      {"in HTTP/1.0 (RFC 9110 7.8)", "1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", ""},
  };
  for (const Case& c : cases) {
    const auto parsed = parse_request("GET / HTTP/" + std::string(c.version) + "\r\nHost: a\r\n" +
                                      std::string(c.fields) + "\r\n");
    ASSERT_TRUE(parsed->facts) << c.why;
    EXPECT_EQ(parsed->request.upgrade, c.want) << c.why;
  }
}

TEST(ParseResponseHead, FollowsRfc9112OnTheBody) {
  const GoodResponse cases[] = {
      {"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Method::kGet, 200,
       BodyKind::kLength, true},
      {"length of nothing", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Method::kGet, 200,
       BodyKind::kNone, true},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::kGet, 200,
       BodyKind::kUnknown, true},
      {"until the end", "HTTP/1.1 200 OK\r\n\r\n", Method::kGet, 200, BodyKind::kUnknown, false},
      {"until the end, whatever Connection says",
       "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", Method::kGet, 200, BodyKind::kUnknown,
       false},
      {"to HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Method::kHead, 200,
       BodyKind::kNone, true},
      {"to HEAD, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::kHead,
       200, BodyKind::kNone, true},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", Method::kGet, 204, BodyKind::kNone, true},
      {"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", Method::kGet,
       304, BodyKind::kNone, true},
      {"interim", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", Method::kGet, 103,
       BodyKind::kNone, true},
      {"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", Method::kGet,
       200, BodyKind::kLength, false},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", Method::kGet, 200,
       BodyKind::kLength, false},
      {"HTTP/1.0 that persists",
       "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n", Method::kGet, 200,
       BodyKind::kLength, true},
      {"no reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", Method::kGet, 200,
       BodyKind::kNone, true},
      {"no reason and no space", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", Method::kGet, 200,
       BodyKind::kNone, true},
      {"obs-text in the reason", "HTTP/1.1 500 Orientati\xc3\xab\r\nContent-Length: 0\r\n\r\n",
       Method::kGet, 500, BodyKind::kNone, true},
      {"status that nobody registered", "HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n", Method::kGet,
       599, BodyKind::kNone, true},
  };
  for (const GoodResponse& c : cases) {
    SCOPED_TRACE(c.why);
    const auto parsed = parse_response(c.text, c.to);
    ASSERT_TRUE(parsed->facts) << parsed->facts.error().detail;
    EXPECT_EQ(parsed->response.status, c.status);
    EXPECT_EQ(parsed->response.body, c.body);
    EXPECT_EQ(parsed->facts->keep_alive, c.keep_alive);
  }
}

TEST(ParseResponseHead, RefusesWhatAnotherCouldReadOtherwise) {
  const std::string_view cases[] = {
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 2000 OK\r\n\r\n",
      "HTTP/1.1 099 OK\r\n\r\n",
      "HTTP/1.1 600 OK\r\n\r\n",
      "HTTP/1.1 -20 OK\r\n\r\n",
      "HTTP/1.1 2 0 OK\r\n\r\n",
      "HTTP/1.1  200 OK\r\n\r\n",
      "HTTP/1.1\t200 OK\r\n\r\n",
      "HTTP/1.1 200OK\r\n\r\n",
      "HTTP/1.1 200\tOK\r\n\r\n",
      "HTTP/1.1 200 O\rK\r\n\r\n",
      "HTTP/1.1 200 O\x01K\r\n\r\n",
      "HTTP/2.0 200 OK\r\n\r\n",
      "HTTP/0.9 200 OK\r\n\r\n",
      "HTTP/1.2 200 OK\r\n\r\n",
      "http/1.1 200 OK\r\n\r\n",
      "ICY 200 OK\r\n\r\n",
      "\r\nHTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\n X: folded\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      // Where there is no body to frame, too (a client of ours could read it otherwise).
      "HTTP/1.1 204 No\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
  };
  for (const std::string_view text : cases) {
    SCOPED_TRACE(text);
    const auto parsed = parse_response(text);
    ASSERT_FALSE(parsed->facts);
    const ErrorCode code = parsed->facts.error().code;
    EXPECT_EQ(code, ErrorCode::kUpstreamBroken) << parsed->facts.error().detail;
    EXPECT_EQ(parsed->facts.error().source, ErrorSource::kUpstream);
  }
}

TEST(ParseTrailers, TakesNothingThatFramesRoutesOrAuthenticates) {
  struct Case {
    std::string_view why;
    std::string text;
    bool good;
  };
  const Case cases[] = {
      {"none", "\r\n", true},
      {"one", "X-Checksum: a\r\n\r\n", true},
      {"at the bound", "a: 1\r\nb: 2\r\nc: 3\r\n\r\n", true},
      {"over the bound", "a: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n", false},
      {"Content-Length", "Content-Length: 1\r\n\r\n", false},
      {"Transfer-Encoding", "transfer-encoding: chunked\r\n\r\n", false},
      {"Host", "Host: a\r\n\r\n", false},
      {"Authorization", "Authorization: Bearer a\r\n\r\n", false},
      {"Cookie", "Cookie: a\r\n\r\n", false},
      {"Connection", "Connection: close\r\n\r\n", false},
      {"X-Forwarded-For", "X-Forwarded-For: 1.1.1.1\r\n\r\n", false},
      {"X-Request-Id", "X-Request-Id: 1\r\n\r\n", false},
      {"Content-Type", "Content-Type: a/b\r\n\r\n", false},
      {"folded", "a: 1\r\n b\r\n\r\n", false},
      {"bare CR", "a: 1\rb\r\n\r\n", false},
      {"line of a CR", "\rb\r\n\r\n", false},
  };
  for (Case c : cases) {
    SCOPED_TRACE(c.why);
    Arena arena;
    Fields trailers(arena);
    EXPECT_EQ(parse_trailers({c.text.data(), c.text.size()}, 3, trailers).has_value(), c.good);
  }
}

TEST(ForEachElement, SkipsEmptyElementsAndBlanks) {
  std::vector<std::string> seen;
  for_each_element(" a ,,\tb c\t, ,d", [&](std::string_view e) { seen.emplace_back(e); });
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b c", "d"}));
}

}  // namespace
}  // namespace portcullis::http
