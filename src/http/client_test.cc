#include "http/client.h"

#include "http/fetch.h"
#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace portcullis::http {
namespace {

using runtime::testing::Pair;
using runtime::testing::Runner;
using std::chrono::milliseconds;

// What came of one exchange.
struct Got {
  std::vector<int> interim;
  int status = 0;
  std::string body;
  std::string trailers;
  bool reusable = false;
  bool usable = false;  // after the pool took it
  std::optional<Error> error;
};

Task<Result<void>> exchange(ClientConnection& connection, Method to, Arena& arena, Got& got,
                            TimePoint deadline) {
  for (;;) {
    Response response(arena);
    PC_CO_CHECK(co_await connection.read_head(to, response, deadline));
    got.status = response.status;
    if (response.status >= 200) break;
    got.interim.push_back(response.status);
  }
  PC_CO_TRY(const std::string_view first, connection.take_buffered_body());
  got.body = first;
  for (;;) {
    PC_CO_TRY(const std::string_view piece, co_await connection.read_body(deadline));
    if (piece.empty()) break;
    got.body += piece;
  }
  Fields trailers(arena);
  PC_CO_CHECK(connection.read_trailers(trailers));
  for (const Field& field : trailers)
    got.trailers.append(field.name).append("=").append(field.value).append(" ");
  co_return Result<void>{};
}

Task<void> receive(ClientConnection& connection, Method to, TimePoint deadline, Got& got) {
  Arena arena;
  connection.begin();
  const Result<void> outcome = co_await exchange(connection, to, arena, got, deadline);
  if (!outcome) got.error = outcome.error();
  got.reusable = connection.release();
  got.usable = connection.is_usable();
}

enum class Then : std::uint8_t { kEnds, kWaits };

Task<void> converse(Loop& loop, std::vector<std::string> pieces, Then then, Method to,
                    milliseconds timeout, Got& got) {
  Pair pair(loop);
  ClientConnection connection(std::move(pair.a));
  TaskGroup group;
  group.spawn(receive(connection, to, loop.now() + timeout, got));
  for (std::string& piece : pieces) {
    if (!co_await runtime::testing::send_text(*pair.b, std::move(piece))) break;
    co_await runtime::testing::settle(loop);
  }
  if (then == Then::kEnds) pair.b->shutdown_write();
  co_await group.join();
}

Got get(std::vector<std::string> pieces, Then then = Then::kWaits, Method to = Method::kGet,
        milliseconds timeout = milliseconds(10'000)) {
  Got got;
  Runner runner;
  runner.run(converse(runner.loop, std::move(pieces), then, to, timeout, got));
  return got;
}

struct Good {
  std::string_view why;
  std::string wire;
  Method to;
  int status;
  std::string_view body;
  bool reusable;
  std::string_view trailers = "";
  std::vector<int> interim = {};
};

const std::vector<Good>& good_cases() {
  static const std::vector<Good> cases = {
      {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Method::kGet, 200, "hello",
       true},
      {"no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Method::kGet, 200, "", true},
      {"chunked",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
       Method::kGet, 200, "hello", true},
      {"chunked with trailers",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n",
       Method::kGet, 200, "hello", true, "x-sum=5 "},
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::kHead, 200, "", true},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", Method::kGet, 204, "", true},
      {"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", Method::kGet,
       304, "", true},
      {"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
       Method::kGet, 200, "hello", false},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", Method::kGet, 200, "hello",
       false},
      {"interim responses first",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 201 "
       "Created\r\nContent-Length: 2\r\n\r\nok",
       Method::kPost,
       201,
       "ok",
       true,
       "",
       {100, 103}},
  };
  return cases;
}

TEST(Client, ReadsTheSameHoweverTheBytesArrive) {
  for (const Good& c : good_cases()) {
    SCOPED_TRACE(c.why);
    for (std::size_t split = 0; split < c.wire.size(); ++split) {
      SCOPED_TRACE(split);
      std::vector<std::string> pieces{c.wire.substr(split)};
      if (split > 0) pieces.insert(pieces.begin(), c.wire.substr(0, split));
      const Got got = get(pieces, Then::kWaits, c.to);
      ASSERT_FALSE(got.error) << got.error->detail;
      ASSERT_EQ(got.status, c.status);
      ASSERT_EQ(got.body, c.body);
      ASSERT_EQ(got.trailers, c.trailers);
      ASSERT_EQ(got.interim, c.interim);
      ASSERT_EQ(got.reusable, c.reusable);
      ASSERT_TRUE(got.usable);
    }
  }
}

TEST(Client, SaysWhenAResponseEndsTooSoon) {
  for (const Good& c : good_cases()) {
    SCOPED_TRACE(c.why);
    for (std::size_t size = 0; size < c.wire.size(); ++size) {
      SCOPED_TRACE(size);
      std::vector<std::string> pieces;
      if (size > 0) pieces.push_back(c.wire.substr(0, size));
      const Got got = get(pieces, Then::kEnds, c.to);
      ASSERT_TRUE(got.error);
      ASSERT_EQ(got.error->code, size == 0 ? ErrorCode::kClosed : ErrorCode::kUpstreamBroken);
      ASSERT_FALSE(got.reusable);
    }
  }
}

TEST(Client, ReadsUntilTheEndWhereNothingElseSays) {
  const std::string wire = "HTTP/1.1 200 OK\r\n\r\n";
  for (const std::string& body : {std::string(), std::string("hello"), std::string(50'000, 'x')}) {
    const Got got = get({wire, body}, Then::kEnds);
    ASSERT_FALSE(got.error);
    EXPECT_EQ(got.body, body);
    EXPECT_FALSE(got.reusable);
  }
}

TEST(Client, KeepsAConnectionWhateverTheBodysSize) {
  for (const std::size_t size : {1U, 16'383U, 16'384U, 16'385U, 32'768U, 100'000U}) {
    SCOPED_TRACE(size);
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
    const Got got = get({head, std::string(size, 'x')});
    ASSERT_FALSE(got.error);
    EXPECT_EQ(got.body.size(), size);
    EXPECT_TRUE(got.reusable);
    EXPECT_TRUE(got.usable);
  }
}

TEST(Client, DoesNotReuseWhatSaysMoreThanWasAsked) {
  for (const Good& c : good_cases()) {
    SCOPED_TRACE(c.why);
    const Got together = get({c.wire + "HTTP/1.1 200 OK\r\n\r\n"}, Then::kWaits, c.to);
    EXPECT_FALSE(together.reusable);
    const Got later = get({c.wire, "x"}, Then::kWaits, c.to);
    EXPECT_EQ(later.reusable, c.reusable);
  }
}

Task<void> speak_while_idle(Loop& loop, bool ends) {
  Pair pair(loop);
  ClientConnection connection(std::move(pair.a));
  Got got;
  TaskGroup group;
  group.spawn(receive(connection, Method::kGet, kNoDeadline, got));
  const bool sent = co_await runtime::testing::send_text(
      *pair.b, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_TRUE(sent);
  co_await group.join();
  EXPECT_TRUE(got.reusable);
  EXPECT_TRUE(connection.is_usable());
  if (ends) {
    pair.b->shutdown_write();
  } else {
    const bool more = co_await runtime::testing::send_text(*pair.b, "HTTP/1.1 408 Slow\r\n\r\n");
    EXPECT_TRUE(more);
  }
  co_await runtime::testing::settle(loop);
  EXPECT_FALSE(connection.is_usable());
}

TEST(Client, SeesThatAnIdleConnectionEndedOrSpoke) {
  for (const bool ends : {true, false}) {
    Runner runner;
    runner.run(speak_while_idle(runner.loop, ends));
  }
}

TEST(Client, TakesAnyNumberOfInterimResponsesInOneBuffer) {
  // Sizes around the buffer's, so that a head ends at its very end, too.
  for (const std::size_t size : {100U, 128U, 4096U, 16'384U}) {
    SCOPED_TRACE(size);
    const std::string hint =
        "HTTP/1.1 103 Early Hints\r\nX: " + std::string(size - 33, 'x') + "\r\n\r\n";
    ASSERT_EQ(hint.size(), size);
    std::string wire;
    for (int i = 0; i < 40; ++i) wire += hint;
    const Got got = get({wire, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"});
    ASSERT_FALSE(got.error) << got.error->detail;
    EXPECT_EQ(got.interim.size(), 40U);
    EXPECT_EQ(got.body, "ok");
  }
}

TEST(Client, RefusesABrokenResponse) {
  const std::string wires[] = {
      "HTTP/1.1 200 OK\n\n",
      "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSet-Cookie : a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 4\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n",
      std::string(70'000, 'x'),
  };
  for (const std::string& wire : wires) {
    SCOPED_TRACE(wire.substr(0, 100));
    const Got got = get({wire});
    ASSERT_TRUE(got.error);
    EXPECT_EQ(got.error->code, ErrorCode::kUpstreamBroken);
    EXPECT_EQ(got.error->source, ErrorSource::kUpstream);
  }
}

TEST(Client, SaysWhenAServerIsSlow) {
  for (const std::string_view wire :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"}) {
    std::vector<std::string> pieces;
    if (!wire.empty()) pieces.emplace_back(wire);
    const Got got = get(pieces, Then::kWaits, Method::kGet, milliseconds(20));
    ASSERT_TRUE(got.error);
    EXPECT_EQ(got.error->code, ErrorCode::kTimeout);
    EXPECT_FALSE(got.reusable);
  }
}

TEST(ParseUrl, TakesHttpAndHttpsAndNoMore) {
  struct Case {
    std::string_view text;
    std::string_view host;
    std::uint16_t port;
    std::string_view target;
  };
  const Case good[] = {
      {"https://Issuer.Example/keys?a=b", "issuer.example", 443, "/keys?a=b"},
      {"http://a", "a", 80, "/"},
      {"http://a?b", "a", 80, "/?b"},
      {"https://[::1]:8443/x", "::1", 8443, "/x"},
      {"https://192.0.2.1:1/", "192.0.2.1", 1, "/"},
  };
  for (const Case& c : good) {
    SCOPED_TRACE(c.text);
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url);
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->port, c.port);
    EXPECT_EQ(url->target, c.target);
  }
  for (const std::string_view text : {"",
                                      "a",
                                      "//a",
                                      "ftp://a/",
                                      "HTTP:a",
                                      "https://",
                                      "https:///a",
                                      "https://u@a/",
                                      "https://u:p@a/",
                                      "https://a/#b",
                                      "https://a#b",
                                      "https://a:99999/",
                                      "https://a:/",
                                      "https://a:b/",
                                      "https://[::1/",
                                      "https://a b/",
                                      "https://a/ b",
                                      "https://a/%zz",
                                      "https://a/?%zz",
                                      "https://a/../..",
                                      "https://a\r\nX: y/",
                                      "https://a/\r\nX: y",
                                      "https://a//b",
                                      "https://a/\xe9"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

}  // namespace
}  // namespace portcullis::http
