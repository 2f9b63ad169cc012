#include "http2/client_session.h"
#include "http2/client_stream.h"
#include "http2/testing/frames.h"
#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::http2 {
namespace {

using runtime::testing::Pair;
using runtime::testing::Runner;
using runtime::testing::send_text;
using runtime::testing::settle;
using testing::data;
using testing::field;
using testing::Frame;
using testing::frame;
using testing::goaway;
using testing::headers;
using testing::reset;
using testing::settings;

constexpr std::chrono::seconds kPatience{5};

const http::Field kGetHead[] = {{":method", "GET"},
                                {":scheme", "http"},
                                {":path", "/"},
                                {":authority", "a.test"},
                                {"authorization", "Bearer x", http::FieldId::kAuthorization}};
const http::Field kPostHead[] = {
    {":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a.test"}};

const http::Field kHeadHead[] = {
    {":method", "HEAD"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a.test"}};

http::RequestHead head_of(http::Method method) {
  return method == http::Method::kHead ? http::RequestHead{.text = {}, .fields = kHeadHead}
                                       : http::RequestHead{.text = {}, .fields = kGetHead};
}
http::RequestHead get_head() { return {.text = {}, .fields = kGetHead}; }
http::RequestHead post_head() {
  return {.text = {}, .fields = kPostHead, .body = http::BodyKind::kUnknown};
}

// What came of one exchange.
struct Got {
  std::vector<int> interim;
  int status = 0;
  http::BodyKind kind = http::BodyKind::kNone;
  std::string fields;
  std::string body;
  std::string trailers;
  bool unprocessed = false;
  bool received = false;
  std::optional<Error> error;
};

std::string text_of(const http::Fields& fields) {
  std::string text;
  for (const http::Field& one : fields)
    text.append(one.name).append("=").append(one.value).append(" ");
  return text;
}

// A session, and the server's end of its connection.
struct Scene {
  explicit Scene(Loop& owner)
      : loop(owner), pair(owner), session(std::make_shared<ClientSession>(std::move(pair.a))) {
    tasks.spawn(ClientSession::run(session));
  }
  [[nodiscard]] TimePoint deadline() const { return loop.now() + kPatience; }
  Task<void> say(std::string said) {
    static_cast<void>(co_await send_text(*pair.b, std::move(said)));
    co_await settle(loop);
  }
  Task<void> begin(std::vector<std::pair<std::uint16_t, std::uint32_t>> values = {}) {
    co_await say(settings(std::move(values)) + frame(testing::kSettings, testing::kAck, 0));
    const auto ready = co_await session->ready(deadline());
    EXPECT_TRUE(ready) << ready.error().detail;
  }
  // Frames that the session has sent since the last time, without its preface.
  Task<std::vector<Frame>> heard() {
    co_await settle(loop);
    char buffer[65536];
    while (!pair.b->is_quiet()) {
      const auto n = co_await pair.b->read(buffer, deadline());
      if (!n || *n == 0) break;
      bytes.append(buffer, *n);
    }
    constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    if (bytes.starts_with(kPreface)) bytes.erase(0, kPreface.size());
    co_return testing::take_frames(bytes);
  }
  Task<void> end() {
    session->close("the test is over");
    co_await tasks.join();
  }

  Loop& loop;
  Pair pair;
  std::shared_ptr<ClientSession> session;
  TaskGroup tasks;
  std::string bytes;
};

Task<Result<void>> read_answer(ClientStream& stream, http::Method to, Got& got,
                               TimePoint deadline) {
  Arena arena;
  for (;;) {
    http::Response response(arena);
    PC_CO_CHECK(co_await stream.read_head(to, response, deadline));
    got.status = response.status;
    got.kind = response.body;
    got.fields = text_of(response.fields);
    if (response.status >= 200 || response.status == 101) break;
    got.interim.push_back(response.status);
  }
  PC_CO_TRY(const std::string_view first, stream.take_buffered_body());
  got.body = first;
  for (;;) {
    PC_CO_TRY(const std::string_view piece, co_await stream.read_body(deadline));
    if (piece.empty()) break;
    got.body += piece;
  }
  http::Fields trailers(arena);
  PC_CO_CHECK(stream.read_trailers(trailers));
  got.trailers = text_of(trailers);
  co_return Result<void>{};
}

Task<void> ask(Scene& scene, ClientStream& stream, http::RequestHead head, http::Method method,
               Got& got) {
  Result<void> outcome = co_await stream.send_head(head, {}, scene.deadline());
  if (outcome) outcome = co_await read_answer(stream, method, got, scene.deadline());
  if (!outcome) got.error = outcome.error();
  got.unprocessed = stream.unprocessed();
  got.received = stream.received();
}

// GET, answered with these bytes, byte by byte or at once.
Task<void> converse(Loop& loop, http::Method method, std::string answer, std::size_t step,
                    Got& got) {
  Scene scene(loop);
  co_await scene.begin();
  {
    const auto stream = ClientSession::open(scene.session);
    TaskGroup asking;
    asking.spawn(ask(scene, *stream, head_of(method), method, got));
    co_await settle(loop);
    for (std::size_t at = 0; at < answer.size(); at += step)
      static_cast<void>(co_await send_text(*scene.pair.b, answer.substr(at, step)));
    co_await settle(loop);
    scene.pair.b->shutdown_write();
    co_await asking.join();
  }
  co_await scene.tasks.join();
}

Got converse(std::string answer, http::Method method = http::Method::kGet,
             std::size_t step = SIZE_MAX) {
  Runner runner;
  Got got;
  const std::size_t at_once = std::min(step, answer.size());
  runner.run(converse(runner.loop, method, std::move(answer), at_once, got));
  return got;
}

const std::string kOk = field(":status", "200");

TEST(Http2Client, ReadsAnswers) {
  struct Case {
    std::string_view why;
    std::string wire;
    int status;
    std::string_view body;
    std::string_view trailers;
    http::Method method = http::Method::kGet;
  };
  const Case cases[] = {
      {"head alone", headers(1, kOk, true), 200, "", ""},
      {"a body", headers(1, kOk) + data(1, "abc") + data(1, "def", true), 200, "abcdef", ""},
      {"an empty end", headers(1, kOk) + data(1, "abc") + data(1, "", true), 200, "abc", ""},
      {"a length", headers(1, kOk + field("content-length", "3")) + data(1, "abc", true), 200,
       "abc", ""},
      {"trailers", headers(1, kOk) + data(1, "abc") + headers(1, field("x", "y"), true), 200, "abc",
       "x=y "},
      {"trailers and no body", headers(1, kOk) + headers(1, field("grpc-status", "0"), true), 200,
       "", "grpc-status=0 "},
      {"HEAD with a length", headers(1, kOk + field("content-length", "3"), true), 200, "", "",
       http::Method::kHead},
      {"204", headers(1, field(":status", "204"), true), 204, "", ""},
      {"304 with a length",
       headers(1, field(":status", "304") + field("content-length", "9"), true), 304, "", ""},
      {"interim heads",
       headers(1, field(":status", "103") + field("link", "a")) +
           headers(1, field(":status", "100")) + headers(1, kOk, true),
       200, "", ""},
      {"unknown frames are nothing", frame(0x42, 0, 1, "xyz") + headers(1, kOk, true), 200, "", ""},
      {"padding",
       frame(testing::kHeaders, 0x0c, 1, std::string("\x02", 1) + kOk + std::string(2, '\0')) +
           frame(testing::kData, 0x09, 1, std::string("\x03", 1) + "ab" + std::string(3, '\0')),
       200, "ab", ""},
      {"a head in pieces",
       frame(testing::kHeaders, 0, 1, kOk.substr(0, 4)) +
           frame(testing::kContinuation, testing::kEndHeaders, 1, kOk.substr(4)) +
           data(1, "x", true),
       200, "x", ""},
      {"reset without an error behind the end",
       headers(1, kOk) + data(1, "abc", true) + reset(1, 0), 200, "abc", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    for (const std::size_t step : {SIZE_MAX, std::size_t{1}}) {
      const Got got = converse(c.wire, c.method, step);
      ASSERT_FALSE(got.error) << got.error->detail;
      EXPECT_EQ(got.status, c.status);
      EXPECT_EQ(got.body, c.body);
      EXPECT_EQ(got.trailers, c.trailers);
    }
  }
}

TEST(Http2Client, RefusesWhatIsNoAnswer) {
  std::string many;
  for (int i = 0; i < 300; ++i) many += field("x-" + std::to_string(i), "y");
  std::string interim;
  for (int i = 0; i < 17; ++i) interim += headers(1, field(":status", "103"));
  std::string flood = frame(testing::kHeaders, 0, 1, kOk);
  for (int i = 0; i < 20; ++i) flood += frame(testing::kContinuation, 0, 1, field("a", "b"));
  std::string pings;
  for (int i = 0; i < 6000; ++i) pings += frame(testing::kPing, 0, 0, "12345678");
  std::string empty = headers(1, kOk);
  for (int i = 0; i < 6000; ++i) empty += data(1, "");
  std::string settled;
  for (int i = 0; i < 6000; ++i) settled += settings();
  struct Case {
    std::string_view why;
    std::string wire;
  };
  const Case cases[] = {
      {"nothing", ""},
      {"no status", headers(1, field("x", "y"), true)},
      {"status twice", headers(1, kOk + kOk, true)},
      {"status of two digits", headers(1, field(":status", "20"), true)},
      {"status of letters", headers(1, field(":status", "2xx"), true)},
      {"status beyond", headers(1, field(":status", "600"), true)},
      {"status 0xx", headers(1, field(":status", "099"), true)},
      {"101 is not of HTTP/2", headers(1, field(":status", "101"))},
      {"status behind a field", headers(1, field("x", "y") + kOk, true)},
      {"another pseudo field", headers(1, kOk + field(":path", "/"), true)},
      {"upper case", headers(1, kOk + field("Server", "x"), true)},
      {"CR LF in a value", headers(1, kOk + field("x", "a\r\nset-cookie: b"), true)},
      {"LF in a value", headers(1, kOk + field("x", "a\nb"), true)},
      {"NUL in a value", headers(1, kOk + field("x", std::string("a\0b", 3)), true)},
      {"CR LF in a name", headers(1, kOk + field("x\r\ny", "a"), true)},
      {"colon in a name", headers(1, kOk + field("x:y", "a"), true)},
      {"space in a name", headers(1, kOk + field("x y", "a"), true)},
      {"empty name", headers(1, kOk + field("", "a"), true)},
      {"space at the front of a value", headers(1, kOk + field("x", " a"), true)},
      {"connection", headers(1, kOk + field("connection", "close"), true)},
      {"transfer-encoding", headers(1, kOk + field("transfer-encoding", "chunked"), true)},
      {"keep-alive", headers(1, kOk + field("keep-alive", "1"), true)},
      {"proxy-connection", headers(1, kOk + field("proxy-connection", "close"), true)},
      {"upgrade", headers(1, kOk + field("upgrade", "h2c"), true)},
      {"length twice",
       headers(1, kOk + field("content-length", "1") + field("content-length", "1")) +
           data(1, "a", true)},
      {"length of letters", headers(1, kOk + field("content-length", "0x1")) + data(1, "a", true)},
      {"length beyond 2^64",
       headers(1, kOk + field("content-length", "18446744073709551617")) + data(1, "a", true)},
      {"more than the length",
       headers(1, kOk + field("content-length", "1")) + data(1, "ab", true)},
      {"less than the length",
       headers(1, kOk + field("content-length", "3")) + data(1, "ab", true)},
      {"a length and no body", headers(1, kOk + field("content-length", "3"), true)},
      {"an interim head that ends", headers(1, field(":status", "103"), true)},
      {"a body before the head", data(1, "x", true)},
      {"a body behind an interim head", headers(1, field(":status", "103")) + data(1, "x", true)},
      {"trailers with a status", headers(1, kOk) + data(1, "x") + headers(1, kOk, true)},
      {"trailers that frame",
       headers(1, kOk) + data(1, "x") + headers(1, field("content-length", "1"), true)},
      {"trailers that do not end",
       headers(1, kOk) + data(1, "x") + headers(1, field("x", "y")) + data(1, "z", true)},
      {"cut off in the body", headers(1, kOk) + data(1, "x")},
      {"reset in the body", headers(1, kOk) + data(1, "x") + reset(1, 8)},
      {"reset without an error in the body", headers(1, kOk) + data(1, "x") + reset(1, 0)},
      {"reset at once", reset(1, 2)},
      {"too many fields", headers(1, kOk + many, true)},
      {"too large", headers(1, kOk + field("x", std::string(16'000, 'x'))) +
                        headers(1, field(":status", "103"))},
      {"too many interim heads", interim + headers(1, kOk, true)},
      {"CONTINUATION flood", flood},
      {"ping flood", pings + headers(1, kOk, true)},
      {"empty frames", empty + data(1, "x", true)},
      {"settings flood", settled + headers(1, kOk, true)},
      {"a push",
       frame(testing::kPushPromise, testing::kEndHeaders, 1, testing::number(2, 4) + kOk)},
      {"a frame of another stream", headers(3, kOk, true)},
      {"an even stream", headers(2, kOk, true)},
      {"HPACK that is none", headers(1, "\xff\xff\xff\xff\xff\xff", true)},
      {"too large a frame", testing::number(0x4000 + 1, 3) + std::string(2, '\0') +
                                testing::number(1, 4) + std::string(0x4001, 'x')},
      {"HTTP/1.1", "HTTP/1.1 200 OK\r\n\r\n"},
      {"an error of the connection", goaway(1, 1)},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const Got got = converse(c.wire);
    ASSERT_TRUE(got.error) << got.status << " " << got.body;
    EXPECT_EQ(got.error->code, ErrorCode::kUpstreamBroken) << got.error->detail;
    EXPECT_FALSE(got.error->detail.empty());
    EXPECT_FALSE(got.unprocessed);
  }
}

TEST(Http2Client, KnowsWhatWasCertainlyNotProcessed) {
  struct Case {
    std::string_view why;
    std::string wire;
    bool unprocessed;
    bool received;
  };
  const Case cases[] = {
      {"refused", reset(1, 7), true, true},
      {"beyond what GOAWAY says", goaway(0), true, true},
      {"beyond it, with an error", goaway(0, 2), true, true},
      {"within what it says", goaway(1), false, false},
      {"another error", reset(1, 2), false, true},
      {"refused behind the head", headers(1, kOk) + reset(1, 7), false, true},
      {"lost", "", false, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const Got got = converse(c.wire);
    ASSERT_TRUE(got.error);
    EXPECT_EQ(got.unprocessed, c.unprocessed);
    EXPECT_EQ(got.received, c.received);
  }
}

Task<void> refuse_to_begin(Loop& loop, std::string first, bool ends, Error& error) {
  Scene scene(loop);
  static_cast<void>(co_await send_text(*scene.pair.b, std::move(first)));
  if (ends) scene.pair.b->shutdown_write();
  const auto ready = co_await scene.session->ready(loop.now() + std::chrono::milliseconds(50));
  EXPECT_FALSE(ready);
  if (!ready) error = ready.error();
  co_await scene.end();
}

TEST(Http2Client, DoesNotBeginWithWhoDoesNotSpeakIt) {
  struct Case {
    std::string_view why;
    std::string first;
    bool ends;
    ErrorCode code;
    std::string_view says;
  };
  const Case cases[] = {
      {"HTTP/1.1", "HTTP/1.1 400 Bad Request\r\n\r\n", true, ErrorCode::kUpstreamBroken,
       "HTTP/1.1"},
      {"nothing", "", true, ErrorCode::kUpstreamBroken, "before it spoke"},
      {"silence", "", false, ErrorCode::kTimeout, "in time"},
      {"another frame first", frame(testing::kPing, 0, 0, "12345678"), false,
       ErrorCode::kUpstreamBroken, ""},
      {"no streams at all", settings({{3, 0}}), false, ErrorCode::kUpstreamBroken, "no request"},
      {"a window beyond 2^31", settings({{4, 0x80000000U}}), false, ErrorCode::kUpstreamBroken, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    Runner runner;
    Error error;
    runner.run(refuse_to_begin(runner.loop, c.first, c.ends, error));
    EXPECT_EQ(error.code, c.code) << error.detail;
    EXPECT_NE(error.detail.find(c.says), std::string::npos) << error.detail;
  }
}

// ---- flow control

std::size_t data_bytes(const std::vector<Frame>& frames, std::uint32_t stream) {
  std::size_t sum = 0;
  for (const Frame& one : frames)
    if (one.type == testing::kData && one.stream == stream) sum += one.payload.size();
  return sum;
}

std::size_t window_given(const std::vector<Frame>& frames, std::uint32_t stream) {
  std::size_t sum = 0;
  for (const Frame& one : frames) {
    if (one.type != testing::kWindowUpdate || one.stream != stream) continue;
    std::size_t given = 0;
    for (const char c : one.payload) given = given << 8U | static_cast<unsigned char>(c);
    sum += given;
  }
  return sum;
}

Task<void> hold_back(Loop& loop) {
  Scene scene(loop);
  co_await scene.begin();
  {
    const auto slow = ClientSession::open(scene.session);
    EXPECT_TRUE(co_await slow->send_head(get_head(), {}, scene.deadline()));
    static_cast<void>(co_await scene.heard());
    co_await scene.say(headers(1, kOk));
    for (int i = 0; i < 8; ++i) co_await scene.say(data(1, std::string(16'384, 'x')));
    const std::vector<Frame> before = co_await scene.heard();
    EXPECT_EQ(window_given(before, 1), 0U) << "nobody has taken a byte";
    // Others go on all the same: the connection's window is given back as bytes arrive.
    Got got;
    const auto quick = ClientSession::open(scene.session);
    TaskGroup asking;
    asking.spawn(ask(scene, *quick, get_head(), http::Method::kGet, got));
    co_await settle(loop);
    co_await scene.say(headers(3, kOk) + data(3, "quick", true));
    co_await asking.join();
    EXPECT_EQ(got.body, "quick");
    // The slow one takes what is there, and its window comes back.
    Arena arena;
    http::Response response(arena);
    EXPECT_TRUE(co_await slow->read_head(http::Method::kGet, response, scene.deadline()));
    std::size_t taken = 0;
    while (taken < std::size_t{8} * 16'384) {
      const auto piece = co_await slow->read_body(scene.deadline());
      EXPECT_TRUE(piece);
      if (!piece) break;
      taken += piece->size();
    }
    TaskGroup reading;
    reading.spawn([](ClientStream& stream, TimePoint until) -> Task<void> {
      static_cast<void>(co_await stream.read_body(until));
    }(*slow, scene.deadline()));
    EXPECT_GE(window_given(co_await scene.heard(), 1), std::size_t{kClientStreamWindow} / 2);
    // More than it allows is an error of that stream's or the connection's, and never kept.
    slow->abandon();
    co_await reading.join();
  }
  co_await scene.end();
}

TEST(Http2Client, HoldsBackASlowStreamAlone) {
  Runner runner;
  runner.run(hold_back(runner.loop));
}

Task<void> overrun(Loop& loop, Got& got) {
  Scene scene(loop);
  co_await scene.begin();
  {
    const auto stream = ClientSession::open(scene.session);
    EXPECT_TRUE(co_await stream->send_head(get_head(), {}, scene.deadline()));
    co_await scene.say(headers(1, kOk));
    for (int i = 0; i < 9; ++i) co_await scene.say(data(1, std::string(16'384, 'x')));
    const auto outcome = co_await read_answer(*stream, http::Method::kGet, got, scene.deadline());
    EXPECT_FALSE(outcome);
    if (!outcome) got.error = outcome.error();
  }
  co_await scene.end();
}

TEST(Http2Client, RefusesMoreThanItsWindow) {
  Runner runner;
  Got got;
  runner.run(overrun(runner.loop, got));
  ASSERT_TRUE(got.error);
  EXPECT_LE(got.body.size(), std::size_t{kClientStreamWindow});
}

Task<void> send_slowly(Loop& loop) {
  Scene scene(loop);
  co_await scene.begin();
  {
    const auto stream = ClientSession::open(scene.session);
    const std::string large(100'000, 'x');
    TaskGroup sending;
    bool sent = false;
    sending.spawn(
        [](Scene& in, ClientStream& to, std::string_view bytes, bool& done) -> Task<void> {
          const auto outcome =
              co_await to.send_head(post_head(), {bytes, http::More::kYes}, in.deadline());
          EXPECT_TRUE(outcome);
          done = true;
        }(scene, *stream, large, sent));
    std::vector<Frame> frames = co_await scene.heard();
    EXPECT_EQ(data_bytes(frames, 1), 65'535U) << "as much as the server takes";
    EXPECT_FALSE(sent);
    co_await scene.say(frame(testing::kWindowUpdate, 0, 1, testing::number(1'000'000, 4)) +
                       frame(testing::kWindowUpdate, 0, 0, testing::number(1'000'000, 4)));
    frames = co_await scene.heard();
    EXPECT_EQ(data_bytes(frames, 1), 100'000U - 65'535U);
    co_await sending.join();
    Arena arena;
    http::Fields trailers(arena);
    trailers.add("checksum", "1");
    EXPECT_TRUE(co_await stream->send_body({"end", http::More::kNo, &trailers}, scene.deadline()));
    frames = co_await scene.heard();
    EXPECT_EQ(data_bytes(frames, 1), 3U);
    EXPECT_TRUE(!frames.empty() && frames.back().type == testing::kHeaders &&
                (frames.back().flags & testing::kEndStream) != 0);
  }
  co_await scene.end();
}

TEST(Http2Client, SendsNoMoreThanTheServerTakes) {
  Runner runner;
  runner.run(send_slowly(runner.loop));
}

// ---- streams and sessions that end

Task<void> leave(Loop& loop) {
  Scene scene(loop);
  co_await scene.begin();
  auto stream = ClientSession::open(scene.session);
  EXPECT_TRUE(co_await stream->send_head(get_head(), {}, scene.deadline()));
  static_cast<void>(co_await scene.heard());
  stream.reset();
  const std::vector<Frame> frames = co_await scene.heard();
  EXPECT_TRUE(std::ranges::any_of(frames, [](const Frame& one) {
    return one.type == testing::kRstStream && one.stream == 1 &&
           one.payload == testing::number(8, 4);
  })) << "CANCEL";
  EXPECT_EQ(scene.session->streams(), 0U);
  // What still comes of it is nobody's, and harms nobody.
  co_await scene.say(headers(1, kOk) + data(1, "late", true));
  EXPECT_TRUE(scene.session->has_room());
  co_await scene.end();
}

TEST(Http2Client, ResetsWhatNobodyWaitsFor) {
  Runner runner;
  runner.run(leave(runner.loop));
}

Task<void> fill(Loop& loop) {
  Scene scene(loop);
  co_await scene.begin({{3, 2}});
  EXPECT_EQ(scene.session->room(), 2U);
  {
    const auto one = ClientSession::open(scene.session);
    auto two = ClientSession::open(scene.session);
    EXPECT_FALSE(scene.session->has_room());
    two.reset();  // not used
    EXPECT_TRUE(scene.session->has_room());
    co_await scene.say(settings({{3, 1}}));
    EXPECT_FALSE(scene.session->has_room());
    co_await scene.say(settings({{3, 1'000'000}}));
    EXPECT_EQ(scene.session->room(), kMostClientStreams - 1);
  }
  co_await scene.end();
}

TEST(Http2Client, OpensAsManyStreamsAsTheServerAllows) {
  Runner runner;
  runner.run(fill(runner.loop));
}

Task<void> go_away(Loop& loop) {
  Scene scene(loop);
  co_await scene.begin();
  {
    const auto stream = ClientSession::open(scene.session);
    Got got;
    TaskGroup asking;
    asking.spawn(ask(scene, *stream, get_head(), http::Method::kGet, got));
    co_await settle(loop);
    co_await scene.say(goaway(0x7fffffff));
    EXPECT_FALSE(scene.session->has_room());
    co_await scene.say(goaway(1) + headers(1, kOk) + data(1, "whole", true));
    co_await asking.join();
    EXPECT_FALSE(got.error);
    EXPECT_EQ(got.body, "whole");
  }
  co_await scene.tasks.join();  // by itself, when the last stream has ended
  EXPECT_FALSE(scene.session->is_open());
}

TEST(Http2Client, EndsGracefullyWhenTheServerGoesAway) {
  Runner runner;
  runner.run(go_away(runner.loop));
}

Task<void> retire(Loop& loop) {
  Scene scene(loop);
  co_await scene.begin();
  scene.session->retire();
  const std::vector<Frame> frames = co_await scene.heard();
  EXPECT_TRUE(
      std::ranges::any_of(frames, [](const Frame& one) { return one.type == testing::kGoaway; }));
  co_await scene.tasks.join();
}

TEST(Http2Client, SaysGoawayWhenItIsRetired) {
  Runner runner;
  runner.run(retire(runner.loop));
}

Task<void> keep_secret(Loop& loop) {
  Scene scene(loop);
  co_await scene.begin();
  for (int i = 0; i < 2; ++i) {
    const auto stream = ClientSession::open(scene.session);
    EXPECT_TRUE(co_await stream->send_head(get_head(), {}, scene.deadline()));
    const std::vector<Frame> frames = co_await scene.heard();
    const auto head = std::ranges::find(frames, testing::kHeaders, &Frame::type);
    EXPECT_NE(head, frames.end());
    if (head == frames.end()) break;
    // `authorization` is name 23 of the static table: 0001 1111, 8 says never indexed.
    EXPECT_NE(head->payload.find("\x1f\x08"), std::string::npos);
  }
  co_await scene.end();
}

TEST(Http2Client, PutsNoCredentialIntoTheSharedTable) {
  Runner runner;
  runner.run(keep_secret(runner.loop));
}

// ---- tunnels

Task<void> connect(Loop& loop, bool allowed) {
  Scene scene(loop);
  std::vector<std::pair<std::uint16_t, std::uint32_t>> values;
  if (allowed) values.emplace_back(8, 1);
  co_await scene.begin(values);
  {
    const auto stream = ClientSession::open(scene.session);
    const http::Field head[] = {{":method", "CONNECT"},
                                {":protocol", "websocket"},
                                {":scheme", "http"},
                                {":path", "/"},
                                {":authority", "a.test"}};
    const Result<void> sent = co_await stream->send_head(
        {.text = {}, .fields = head, .body = http::BodyKind::kNone, .tunnel = true}, {},
        scene.deadline());
    EXPECT_EQ(sent.has_value(), allowed);
    if (allowed) {
      co_await scene.say(headers(1, kOk));
      Arena arena;
      http::Response response(arena);
      EXPECT_TRUE(co_await stream->read_head(http::Method::kGet, response, scene.deadline()));
      EXPECT_EQ(response.status, 101);
      stream->begin_tunnel();
      co_await scene.say(data(1, "down"));
      const auto down = co_await stream->read_tunnel();
      EXPECT_TRUE(down && *down == "down");
      EXPECT_TRUE(co_await stream->write_tunnel("up"));
      stream->finish_tunnel();
      const std::vector<Frame> frames = co_await scene.heard();
      EXPECT_EQ(data_bytes(frames, 1), 2U);
      EXPECT_TRUE(!frames.empty() && (frames.back().flags & testing::kEndStream) != 0);
      co_await scene.say(data(1, "", true));
      const auto end = co_await stream->read_tunnel();
      EXPECT_TRUE(end && end->empty());
    }
  }
  co_await scene.end();
}

TEST(Http2Client, OpensATunnelWhereTheServerAllowsIt) {
  for (const bool allowed : {true, false}) {
    Runner runner;
    runner.run(connect(runner.loop, allowed));
  }
}

}  // namespace
}  // namespace portcullis::http2
