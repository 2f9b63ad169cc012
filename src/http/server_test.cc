#include "http/server.h"

#include "http/status.h"
#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::http {
namespace {

using runtime::testing::Pair;
using runtime::testing::Received;
using runtime::testing::Runner;
using std::chrono::milliseconds;

Task<std::string> read_whole_body(Exchange& exchange, std::string& failure) {
  std::string body;
  for (;;) {
    const auto piece = co_await exchange.read_body();
    if (!piece) {
      failure = piece.error().detail;
      co_return body;
    }
    if (piece->empty()) co_return body;
    body += *piece;
  }
}

// Answers by the request's path.
class FakeHandler final : public Handler {
 public:
  std::vector<std::string> seen;      // `METHOD path body trailers`
  std::vector<ErrorCode> unreadable;  // codes of handle_unreadable()
  std::string failure;                // of a body that could not be read
  bool* draining = nullptr;           // set by a request for /drain

  Task<void> handle(Exchange& exchange) override {
    Request& request = exchange.request();
    const std::string_view path = request.path;
    if (path == "/never") co_return;
    if (path == "/drain") *draining = true;
    if (path == "/early") {
      note(exchange, "");
      co_await answer(exchange, 403, "no");
      co_return;
    }
    if (path == "/late") {
      // The answer first, then the body.
      co_await answer(exchange, 200, "");
      std::string body = co_await read_whole_body(exchange, failure);
      note(exchange, body);
      co_return;
    }
    if (path == "/cancel") {
      co_await cancel(exchange);
      co_return;
    }
    const std::string body = co_await read_whole_body(exchange, failure);
    if (!failure.empty()) co_return;
    note(exchange, body);
    if (path == "/interim") {
      Response hints(exchange.arena());
      hints.status = 103;
      hints.fields.add("link", "</a>");
      static_cast<void>(co_await exchange.respond_interim(hints));
    }
    if (path.starts_with("/unknown")) {
      co_await stream(exchange);
      co_return;
    }
    if (path == "/cut") {
      Response head(exchange.arena());
      head.status = 200;
      head.body = BodyKind::kLength;
      head.content_length = 10;
      static_cast<void>(co_await exchange.respond(head, "abc", More::kYes));
      exchange.abort();
      co_return;
    }
    if (path == "/204" || path == "/304") {
      Response head(exchange.arena());
      head.status = path == "/204" ? 204 : 304;
      head.fields.add("content-length", "7");
      static_cast<void>(co_await exchange.respond(head, "", More::kNo));
      co_return;
    }
    co_await answer(exchange, 200, body.empty() ? "ok" : body);
  }

  Task<void> handle_unreadable(Exchange& exchange, const Error& error) override {
    unreadable.push_back(error.code);
    int status = 400;
    switch (error.code) {
      case ErrorCode::kClosed:
        co_return;
      case ErrorCode::kRequestTimeout:
        status = 408;
        break;
      case ErrorCode::kUriTooLong:
        status = 414;
        break;
      case ErrorCode::kHeadTooLarge:
        status = 431;
        break;
      default:
        break;
    }
    co_await answer(exchange, status, "x");
  }

 private:
  void note(Exchange& exchange, std::string_view body) {
    std::string line(exchange.request().method_text);
    line.append(" ").append(exchange.request().path).append(" ").append(body);
    for (const Field& field : exchange.request().trailers)
      line.append(" ").append(field.name).append("=").append(field.value);
    seen.push_back(line);
  }

  static Task<void> answer(Exchange& exchange, int status, std::string_view body) {
    Response head(exchange.arena());
    head.status = status;
    head.body = BodyKind::kLength;
    head.content_length = body.size();
    // What an upstream could send along, and this side must write itself.
    head.fields.add("connection", "x-private");
    head.fields.add("transfer-encoding", "gzip");
    head.fields.add("keep-alive", "timeout=1");
    head.fields.add("x-a", "b");
    const auto sent = co_await exchange.respond(head, body, More::kNo);
    EXPECT_TRUE(sent);
  }

  static Task<void> stream(Exchange& exchange) {
    Response head(exchange.arena());
    head.status = 200;
    head.body = BodyKind::kUnknown;
    static_cast<void>(co_await exchange.respond(head, "one", More::kYes));
    static_cast<void>(co_await exchange.write_body("", More::kYes));
    if (exchange.request().path == "/unknown/trailers") {
      static_cast<void>(co_await exchange.write_body("twotwotwotwotwotwo", More::kYes));
      Fields trailers(exchange.arena());
      trailers.add("x-sum", "9");
      static_cast<void>(co_await exchange.write_trailers(trailers));
      co_return;
    }
    static_cast<void>(co_await exchange.write_body("twotwotwotwotwotwo", More::kNo));
  }

  Task<void> keep_reading(Exchange& exchange, ErrorCode& code) {
    for (;;) {
      const auto piece = co_await exchange.read_body();
      if (!piece) code = piece.error().code;
      if (!piece || piece->empty()) co_return;
    }
  }

  Task<void> cancel(Exchange& exchange) {
    ErrorCode code{};
    TaskGroup group;
    group.spawn(keep_reading(exchange, code));
    exchange.cancel_body();
    co_await answer(exchange, 200, "cancelled");
    co_await group.join();
    EXPECT_EQ(code, ErrorCode::kCancelled);
    const auto again = co_await exchange.read_body();
    EXPECT_FALSE(again);
    if (!again) EXPECT_EQ(again.error().code, ErrorCode::kCancelled);
  }
};

class FakeContext final : public ServerContext {
 public:
  ServerSettings server_settings;
  FakeHandler fake;
  bool is_draining = false;

  [[nodiscard]] const ServerSettings& settings() const override { return server_settings; }
  Handler& handler() override { return fake; }
  [[nodiscard]] bool draining() const override { return is_draining; }
};

// What the client does at the end of what it has to say.
enum class Then : std::uint8_t { kEnds, kWaits, kLeaves };

struct Served {
  Received received;
  FakeContext context;
  Activity activity{nullptr, {}};
};

Task<void> serve(std::unique_ptr<runtime::Stream> stream, Served& served) {
  const ConnectionInfo info;
  co_await serve_http1(*stream, served.context, info, served.activity);
}

Task<void> converse(Loop& loop, std::vector<std::string> pieces, Then then, Served& served) {
  Pair pair(loop);
  TaskGroup group;
  group.spawn(serve(std::move(pair.b), served));
  for (std::string& piece : pieces) {
    if (!co_await runtime::testing::send_text(*pair.a, std::move(piece))) break;
    co_await runtime::testing::settle(loop);
  }
  if (then == Then::kLeaves) {
    pair.a.reset();
  } else {
    if (then == Then::kEnds) pair.a->shutdown_write();
    served.received = co_await runtime::testing::receive_all(*pair.a);
    pair.a.reset();
  }
  co_await group.join();
}

// The wire with every Date taken out, since it is the one thing that differs.
std::string without_date(std::string_view wire) {
  std::string result;
  while (!wire.empty()) {
    const std::size_t end = std::min(wire.find("\r\n"), wire.size() - 2) + 2;
    if (!wire.starts_with("date: ")) result += wire.substr(0, end);
    wire.remove_prefix(std::min(end, wire.size()));
  }
  return result;
}

void talk(Served& served, std::vector<std::string> pieces, Then then = Then::kEnds) {
  Runner runner;
  runner.run(converse(runner.loop, std::move(pieces), then, served));
  if (served.received.text.size() > 2) served.received.text = without_date(served.received.text);
}

std::string ok(std::string_view body, std::string_view connection = "") {
  return "HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: " + std::to_string(body.size()) + "\r\n" +
         std::string(connection) + "\r\n" + std::string(body);
}

constexpr std::string_view kClose = "connection: close\r\n";

struct Case {
  std::string_view why;
  std::string request;
  std::vector<std::string> seen;
  std::string wire;
};

const std::vector<Case>& conversations() {
  static const std::vector<Case> cases = {
      {"one request", "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", {"GET /a "}, ok("ok")},
      {"an empty line before it (RFC 9112 2.2)",
       "\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n",
       {"GET /a "},
       ok("ok")},
      {"an empty line behind a body, as old clients send it",
       "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx\r\nGET /b HTTP/1.1\r\nHost: "
       "h\r\n\r\n",
       {"POST /a x", "GET /b "},
       ok("x") + ok("ok")},
      {"pipelined",
       "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
       {"GET /a ", "GET /b "},
       ok("ok") + ok("ok")},
      {"pipelined behind a length",
       "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: "
       "h\r\n\r\n",
       {"POST /a hello", "GET /b "},
       ok("hello") + ok("ok")},
      {"pipelined behind chunks",
       "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
       "chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Sum: 5\r\n\r\nGET /b HTTP/1.1\r\nHost: "
       "h\r\n\r\n",
       {"POST /a hello x-sum=5", "GET /b "},
       ok("hello") + ok("ok")},
      {"pipelined behind a body that nobody reads",
       "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /b "
       "HTTP/1.1\r\nHost: h\r\n\r\n",
       {"POST /early ", "GET /b "},
       "HTTP/1.1 403 Forbidden\r\nx-a: b\r\ncontent-length: 2\r\n\r\nno" + ok("ok")},
      {"answered before the body is read",
       "POST /late HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: "
       "h\r\n\r\n",
       {"POST /late hello", "GET /b "},
       ok("") + ok("ok")},
      {"chunks that nobody reads end the connection",
       "POST /early HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
       "GET /b HTTP/1.1\r\nHost: h\r\n\r\n",
       {"POST /early "},
       "HTTP/1.1 403 Forbidden\r\nx-a: b\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"},
      {"close is obeyed, and what follows is not a request (RFC 9112 9.6)",
       "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
       {"GET /a "},
       ok("ok", kClose)},
      {"HTTP/1.0 closes",
       "GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
       {"GET /a "},
       ok("ok", kClose)},
      {"HTTP/1.0 that keeps alive",
       "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
       {"GET /a ", "GET /b "},
       ok("ok", "connection: keep-alive\r\n") + ok("ok", kClose)},
      {"HEAD has a length and no body (RFC 9110 9.3.2)",
       "HEAD /unknown HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
       {"HEAD /unknown ", "GET /b "},
       "HTTP/1.1 200 OK\r\n\r\n" + ok("ok")},
      {"204 has no length (RFC 9110 8.6)",
       "GET /204 HTTP/1.1\r\nHost: h\r\n\r\n",
       {"GET /204 "},
       "HTTP/1.1 204 No Content\r\n\r\n"},
      {"304 may have one",
       "GET /304 HTTP/1.1\r\nHost: h\r\n\r\n",
       {"GET /304 "},
       "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n"},
      {"a body of unknown length goes in chunks",
       "GET /unknown HTTP/1.1\r\nHost: h\r\n\r\n",
       {"GET /unknown "},
       "HTTP/1.1 200 OK\r\ntransfer-encoding: "
       "chunked\r\n\r\n3\r\none\r\n12\r\ntwotwotwotwotwotwo\r\n0\r\n\r\n"},
      {"to HTTP/1.0, until the end (RFC 9112 6.1)",
       "GET /unknown HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
       {"GET /unknown "},
       "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwotwotwotwotwotwo"},
      {"trailers",
       "GET /unknown/trailers HTTP/1.1\r\nHost: h\r\n\r\n",
       {"GET /unknown/trailers "},
       "HTTP/1.1 200 OK\r\ntransfer-encoding: "
       "chunked\r\n\r\n3\r\none\r\n12\r\ntwotwotwotwotwotwo\r\n0\r\nx-sum: 9\r\n\r\n"},
      {"trailers are not for HTTP/1.0",
       "GET /unknown/trailers HTTP/1.0\r\n\r\n",
       {"GET /unknown/trailers "},
       "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwotwotwotwotwotwo"},
      {"interim response",
       "GET /interim HTTP/1.1\r\nHost: h\r\n\r\n",
       {"GET /interim "},
       "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + ok("ok")},
      {"none to HTTP/1.0 (RFC 9110 15.2)",
       "GET /interim HTTP/1.0\r\n\r\n",
       {"GET /interim "},
       ok("ok", kClose)},
      {"malformed: answered, and the end",
       "GET /a HTTP/1.1\r\nHost : h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
       {},
       "HTTP/1.1 400 Bad Request\r\nx-a: b\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx"},
      {"malformed behind a good one",
       "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b\r\n\r\n",
       {"GET /a "},
       ok("ok") + "HTTP/1.1 400 Bad Request\r\nx-a: b\r\ncontent-length: 1\r\nconnection: "
                  "close\r\n\r\nx"},
      {"two empty lines are no request",
       "\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n",
       {},
       "HTTP/1.1 400 Bad Request\r\nx-a: b\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx"},
  };
  return cases;
}

TEST(Server, SaysTheSameHoweverTheBytesArrive) {
  for (const Case& c : conversations()) {
    SCOPED_TRACE(c.why);
    for (std::size_t split = 0; split < c.request.size(); ++split) {
      SCOPED_TRACE(split);
      std::vector<std::string> pieces{c.request.substr(split)};
      if (split > 0) pieces.insert(pieces.begin(), c.request.substr(0, split));
      Served served;
      talk(served, pieces);
      ASSERT_EQ(served.received.text, c.wire);
      ASSERT_EQ(served.context.fake.seen, c.seen);
      ASSERT_TRUE(served.received.clean);
    }
  }
}

TEST(Server, SaysTheSameOctetByOctet) {
  for (const Case& c : conversations()) {
    SCOPED_TRACE(c.why);
    std::vector<std::string> pieces;
    for (const char octet : c.request) pieces.emplace_back(1, octet);
    Served served;
    talk(served, pieces);
    EXPECT_EQ(served.received.text, c.wire);
    EXPECT_EQ(served.context.fake.seen, c.seen);
  }
}

TEST(Server, AsksForABodyOnlyWhenItIsWanted) {
  const std::string head =
      "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  {
    Served served;
    talk(served, {head, "hello", "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"});
    EXPECT_EQ(served.received.text, "HTTP/1.1 100 Continue\r\n\r\n" + ok("hello") + ok("ok"));
  }
  {
    // RFC 9110 10.1.1: "A server MAY omit sending a 100 (Continue) response if it has already
    // received some or all of the content".
    Served served;
    talk(served, {head + "hello"});
    EXPECT_EQ(served.received.text, ok("hello"));
  }
  {
    // Nobody asked: the client may send the body all the same, or the next request.
    Served served;
    talk(served, {"POST /early HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: "
                  "5\r\n\r\n",
                  "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"});
    EXPECT_EQ(served.received.text,
              "HTTP/1.1 403 Forbidden\r\nx-a: b\r\ncontent-length: 2\r\nconnection: "
              "close\r\n\r\nno");
    EXPECT_EQ(served.context.fake.seen, (std::vector<std::string>{"POST /early "}));
  }
}

TEST(Server, ClosesWhenALargeBodyIsLeftBehind) {
  Served served;
  const std::string head = "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n";
  talk(served, {head, std::string(200'000, 'x'), "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"});
  // The answer arrives whole: the server takes what still comes before it goes.
  EXPECT_EQ(served.received.text,
            "HTTP/1.1 403 Forbidden\r\nx-a: b\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
  EXPECT_TRUE(served.received.clean);
  EXPECT_EQ(served.context.fake.seen, (std::vector<std::string>{"POST /early "}));
}

TEST(Server, CountsTheBodyAndStreamsIt) {
  for (const std::size_t size : {16'383U, 16'384U, 16'385U, 65'536U, 300'000U}) {
    SCOPED_TRACE(size);
    Served served;
    talk(served,
         {"POST /late HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n",
          std::string(size, 'x') + "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"});
    ASSERT_FALSE(served.context.fake.seen.empty());
    EXPECT_EQ(served.context.fake.seen[0], "POST /late " + std::string(size, 'x'));
    // A body that is too large to drain was announced as the last.
    EXPECT_EQ(served.context.fake.seen.size(), size <= 65'536 ? 2U : 1U);
  }
}

TEST(Server, BoundsTheHead) {
  struct Bound {
    std::string_view why;
    std::string request;
    std::string_view status;
  };
  const std::string fields_of_200 = "X: " + std::string(195, 'x') + "\r\n";
  const Bound cases[] = {
      {"at the bound", "GET /a HTTP/1.1\r\nHost: h\r\nX: " + std::string(200 - 33, 'x'), "200"},
      {"one octet over", "GET /a HTTP/1.1\r\nHost: h\r\nX: " + std::string(201 - 33, 'x'), "431"},
      {"fields without end", "GET /a HTTP/1.1\r\nHost: h\r\n" + fields_of_200 + fields_of_200,
       "431"},
      {"target without end", "GET /" + std::string(400, 'a'), "414"},
      {"method without end", std::string(400, 'A'), "414"},
  };
  for (const Bound& c : cases) {
    SCOPED_TRACE(c.why);
    Served served;
    served.context.server_settings.head.size = 200;
    talk(served, {c.request + "\r\n\r\n"});
    EXPECT_EQ(served.received.text.substr(0, 12), "HTTP/1.1 " + std::string(c.status));
    EXPECT_TRUE(served.received.clean);
  }
}

TEST(Server, SaysSoWhenAHeadIsSlow) {
  Served served;
  served.context.server_settings.head_timeout = milliseconds(20);
  talk(served, {"GET /a HTTP/1.1\r\nHo"}, Then::kWaits);
  EXPECT_TRUE(served.received.text.starts_with("HTTP/1.1 408 ")) << served.received.text;
}

TEST(Server, GoesSilentlyWhenNothingComes) {
  Served served;
  served.context.server_settings.idle_timeout = milliseconds(20);
  talk(served, {"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"}, Then::kWaits);
  EXPECT_EQ(served.received.text, ok("ok"));
  EXPECT_TRUE(served.context.fake.unreadable.empty());
}

// A body whose end filled a read to its last octet leaves the connection idle, not in a head.
TEST(Server, IsIdleBehindABodyOfAnySize) {
  for (const std::size_t size : {1U, 5U, 16'383U, 16'384U, 32'768U}) {
    SCOPED_TRACE(size);
    Served served;
    served.context.server_settings.idle_timeout = milliseconds(20);
    served.context.server_settings.head_timeout = milliseconds(60'000);
    talk(served,
         {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n",
          std::string(size, 'x')},
         Then::kWaits);
    EXPECT_TRUE(served.received.text.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(served.context.fake.unreadable.empty());
  }
}

TEST(Server, GivesUpOnABodyThatStalls) {
  Served served;
  served.context.server_settings.body_timeout = milliseconds(20);
  talk(served, {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"}, Then::kWaits);
  EXPECT_EQ(served.context.fake.failure, "body stalled for longer than `body_timeout`");
}

TEST(Server, SeesAClientThatLeaves) {
  struct Leave {
    std::string_view why;
    std::string request;
    std::string_view failure;
    std::size_t unreadable;
  };
  const Leave cases[] = {
      {"before anything", "", "", 0},
      {"in the head", "GET /a HTT", "", 1},
      {"in a body of a length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
       "client left before the end of the body", 0},
      {"in a chunk", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
       "client left before the end of the body", 0},
      {"before the last chunk",
       "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
       "client left before the end of the body", 0},
      {"before the trailers' end",
       "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
       "client left before the end of the body", 0},
  };
  for (const Leave& c : cases) {
    for (const Then then : {Then::kEnds, Then::kLeaves}) {
      SCOPED_TRACE(c.why);
      Served served;
      std::vector<std::string> pieces;
      if (!c.request.empty()) pieces.push_back(c.request);
      talk(served, pieces, then);
      EXPECT_EQ(served.context.fake.failure, c.failure);
      EXPECT_EQ(served.context.fake.unreadable.size(), c.unreadable);
      EXPECT_TRUE(served.context.fake.seen.empty());
      EXPECT_EQ(served.received.text, "");
    }
  }
}

TEST(Server, RefusesABodyThatIsNotChunkedAsItSays) {
  for (const std::string_view body :
       {"x\r\n", "5\nhello", "1\r\nab\r\n0\r\n\r\n", "0\r\nHost: h\r\n\r\n",
        "0\r\nContent-Length: 5\r\n\r\n", "0\r\nx\r\n\r\n"}) {
    SCOPED_TRACE(body);
    Served served;
    talk(served, {"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                  std::string(body) + "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"});
    EXPECT_FALSE(served.context.fake.failure.empty());
    EXPECT_TRUE(served.context.fake.seen.empty());
    EXPECT_FALSE(served.received.text.contains("200"));
  }
}

TEST(Server, CancelsTheWaitForABodyAndDrainsIt) {
  Served served;
  talk(served, {"POST /cancel HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", "he",
                "lloGET /b HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_EQ(served.received.text, ok("cancelled") + ok("ok"));
}

TEST(Server, MakesACutAnswerVisible) {
  Served served;
  talk(served, {"GET /cut HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_EQ(served.received.text, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
  EXPECT_EQ(served.context.fake.seen, (std::vector<std::string>{"GET /cut "}));
}

TEST(Server, EndsTheConnectionOfARequestThatNobodyAnswered) {
  Served served;
  talk(served, {"GET /never HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_EQ(served.received.text, "");
  EXPECT_TRUE(served.context.fake.seen.empty());
}

TEST(Server, AnswersOneRequestOfAFreshConnectionWhileItDrains) {
  Served served;
  served.context.is_draining = true;
  talk(served, {"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_EQ(served.received.text, ok("ok", kClose));
}

TEST(Server, SaysCloseWhenItDrainsMeanwhile) {
  Served served;
  served.context.fake.draining = &served.context.is_draining;
  talk(served, {"GET /drain HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_EQ(served.received.text, ok("ok", kClose));
}

Task<void> drain_while_idle(Loop& loop, Served& served) {
  Pair pair(loop);
  runtime::Stream& server = *pair.b;
  TaskGroup group;
  group.spawn(serve(std::move(pair.b), served));
  const bool sent =
      co_await runtime::testing::send_text(*pair.a, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(sent);
  co_await runtime::testing::settle(loop);
  EXPECT_EQ(served.activity.phase(), Phase::kIdle);
  served.context.is_draining = true;
  server.cancel_read();
  served.received = co_await runtime::testing::receive_all(*pair.a);
  co_await group.join();
}

TEST(Server, EndsAnIdleConnectionWhenItsReadIsCancelled) {
  Served served;
  Runner runner;
  runner.run(drain_while_idle(runner.loop, served));
  EXPECT_EQ(without_date(served.received.text), ok("ok"));
  EXPECT_TRUE(served.received.clean);
}

// Its place was given away while it was idle, and a request came at the same moment.
Task<void> give_up_while_idle(Loop& loop, Served& served) {
  Pair pair(loop);
  runtime::Stream& server = *pair.b;
  TaskGroup group;
  group.spawn(serve(std::move(pair.b), served));
  EXPECT_TRUE(co_await runtime::testing::send_text(*pair.a, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"));
  co_await runtime::testing::settle(loop);
  EXPECT_EQ(served.activity.phase(), Phase::kIdle);
  served.activity.give_up();
  EXPECT_TRUE(co_await runtime::testing::send_text(
      *pair.a, "GET /b HTTP/1.1\r\nHost: h\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n"));
  server.cancel_read();
  served.received = co_await runtime::testing::receive_all(*pair.a);
  co_await group.join();
}

TEST(Server, AnswersNoMoreThanTheRequestInHandOnceItsPlaceIsGone) {
  Served served;
  Runner runner;
  runner.run(give_up_while_idle(runner.loop, served));
  EXPECT_LE(served.context.fake.seen.size(), 2U);
  EXPECT_GE(served.context.fake.seen.size(), 1U);
}

Task<void> count_turns(Loop& loop, int& turns, const bool& done) {
  while (!done) {
    ++turns;
    co_await loop.yield();
  }
}

Task<void> flood(Loop& loop, Served& served, int& turns) {
  Pair pair(loop);
  TaskGroup group;
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  const bool sent = co_await runtime::testing::send_text(*pair.a, requests);
  EXPECT_TRUE(sent);
  pair.a->shutdown_write();
  bool done = false;
  group.spawn(count_turns(loop, turns, done));
  TaskGroup serving;
  serving.spawn(serve(std::move(pair.b), served));
  served.received = co_await runtime::testing::receive_all(*pair.a);
  done = true;  // NOLINT(clang-analyzer-deadcode.DeadStores): count_turns() reads it
  co_await serving.join();
  co_await group.join();
}

// One connection that always has a next request must not keep the others waiting.
TEST(Server, LetsOthersGoBetweenPipelinedRequests) {
  Served served;
  int turns = 0;
  Runner runner;
  runner.run(flood(runner.loop, served, turns));
  EXPECT_EQ(served.context.fake.seen.size(), 200U);
  EXPECT_GE(turns, 100);
}

}  // namespace
}  // namespace portcullis::http
