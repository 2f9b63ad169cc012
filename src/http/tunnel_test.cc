// Connections that switch protocols: what was sent early, both ways at once, ends, and who may read
// on.
#include "http/client.h"
#include "http/server.h"
#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace portcullis::http {
namespace {

using runtime::testing::Pair;
using runtime::testing::Received;
using runtime::testing::Runner;

// Opens a tunnel for /tunnel, and sends what comes back to its client until that ends; refuses one
// for /no; answers anything else.
class TunnelHandler final : public Handler {
 public:
  std::string got;
  int requests = 0;
  std::optional<ErrorCode> read_error;
  std::optional<ErrorCode> later_error;
  Exchange* open = nullptr;  // while /hold waits
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;

  Task<void> handle(Exchange& exchange) override {
    ++requests;
    const std::string_view path = exchange.request().path;
    if (path == "/tunnel" || path == "/hold") {
      exchange.expect_tunnel();
      Response head(exchange.arena());
      head.fields.add("x-a", "b");
      head.fields.add("connection", "x-private");  // this side's to write
      head.fields.add("upgrade", "other");
      const auto begun = co_await exchange.begin_tunnel(head, "raw");
      EXPECT_TRUE(begun);
      if (path == "/hold") {
        co_await hold(exchange);
      } else {
        co_await echo(exchange);
      }
      co_return;
    }
    if (path == "/no") exchange.expect_tunnel();
    Response head(exchange.arena());
    head.status = 200;
    head.body = BodyKind::kLength;
    head.content_length = 2;
    const auto sent = co_await exchange.respond(head, "ok", More::kNo);
    EXPECT_TRUE(sent);
  }

  Task<void> handle_unreadable(Exchange& exchange, const Error&) override {
    exchange.abort();
    co_return;
  }

 private:
  Task<void> echo(Exchange& exchange) {
    for (;;) {
      const auto piece = co_await exchange.read_tunnel();
      if (!piece || piece->empty()) break;
      got += *piece;
      const auto sent = co_await exchange.write_tunnel(*piece);
      EXPECT_TRUE(sent);
    }
    exchange.finish_tunnel();
    bytes_in = exchange.body_bytes_in();
    bytes_out = exchange.body_bytes_out();
  }

  Task<void> hold(Exchange& exchange) {
    open = &exchange;
    const auto piece = co_await exchange.read_tunnel();
    if (!piece) read_error = piece.error().code;
    const auto again = co_await exchange.read_tunnel();
    if (!again) later_error = again.error().code;
    const auto write = co_await exchange.write_tunnel("late");
    EXPECT_FALSE(write);
    exchange.finish_tunnel();
  }
};

class Context final : public ServerContext {
 public:
  ServerSettings server_settings;
  TunnelHandler tunnels;
  [[nodiscard]] const ServerSettings& settings() const override { return server_settings; }
  Handler& handler() override { return tunnels; }
  [[nodiscard]] bool draining() const override { return false; }
};

Task<void> serve(std::unique_ptr<runtime::Stream> stream, Context& context) {
  const ConnectionInfo info;
  Activity activity(nullptr, {});
  co_await serve_http1(*stream, context, info, activity);
}

Task<void> converse(Loop& loop, std::vector<std::string> pieces, Context& context,
                    Received& received) {
  Pair pair(loop);
  TaskGroup group;
  group.spawn(serve(std::move(pair.b), context));
  for (std::string& piece : pieces) {
    if (!co_await runtime::testing::send_text(*pair.a, std::move(piece))) break;
    co_await runtime::testing::settle(loop);
  }
  pair.a->shutdown_write();
  received = co_await runtime::testing::receive_all(*pair.a);
  pair.a.reset();
  co_await group.join();
}

Received talk(Context& context, std::vector<std::string> pieces) {
  Runner runner;
  Received received;
  runner.run(converse(runner.loop, std::move(pieces), context, received));
  return received;
}

constexpr std::string_view kAsk = "GET /tunnel HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kSwitched =
    "HTTP/1.1 101 Switching Protocols\r\nx-a: b\r\nconnection: upgrade\r\nupgrade: raw\r\n\r\n";

TEST(Tunnel, PassesBytesThatAreNoRequestHoweverTheyArrive) {
  const std::string bytes = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string all = std::string(kAsk) + bytes;
  for (std::size_t split = 1; split <= all.size(); ++split) {
    SCOPED_TRACE(split);
    Context context;
    const Received received = talk(context, {all.substr(0, split), all.substr(split)});
    EXPECT_EQ(received.text, std::string(kSwitched) + bytes);
    EXPECT_TRUE(received.clean);
    EXPECT_EQ(context.tunnels.got, bytes);
    EXPECT_EQ(context.tunnels.requests, 1);
    EXPECT_EQ(context.tunnels.bytes_in, bytes.size());
    EXPECT_EQ(context.tunnels.bytes_out, bytes.size());
  }
}

TEST(Tunnel, PassesMoreThanABuffer) {
  std::string bytes;
  for (int i = 0; i < 20'000; ++i) bytes += std::to_string(i);
  Context context;
  const Received received = talk(context, {std::string(kAsk), bytes});
  EXPECT_EQ(received.text, std::string(kSwitched) + bytes);
}

TEST(Tunnel, ThatIsNotGrantedEndsTheConnectionWithItsAnswer) {
  Context context;
  const Received received =
      talk(context, {"GET /no HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"});
  EXPECT_TRUE(received.text.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(received.text.contains("connection: close\r\n"));
  EXPECT_TRUE(received.text.ends_with("\r\n\r\nok"));
  EXPECT_EQ(context.tunnels.requests, 1) << "what came behind it is no request";
}

Task<void> cancel_held(Loop& loop, Context& context, Received& received) {
  Pair pair(loop);
  TaskGroup group;
  group.spawn(serve(std::move(pair.b), context));
  co_await runtime::testing::send_text(*pair.a, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  while (context.tunnels.open == nullptr) co_await loop.yield();
  context.tunnels.open->cancel_tunnel();
  received = co_await runtime::testing::receive_all(*pair.a);
  co_await group.join();
}

TEST(Tunnel, IsCancelledForGood) {
  Context context;
  Runner runner;
  Received received;
  runner.run(cancel_held(runner.loop, context, received));
  EXPECT_EQ(received.text, kSwitched);
  EXPECT_TRUE(received.clean);
  EXPECT_EQ(context.tunnels.read_error, ErrorCode::kCancelled);
  EXPECT_EQ(context.tunnels.later_error, ErrorCode::kCancelled);
}

Task<void> take(Loop& loop, std::string wire, std::string& got, std::string& sent) {
  Pair pair(loop);
  ClientConnection connection(std::move(pair.a));
  connection.begin();
  co_await runtime::testing::send_text(*pair.b, std::move(wire));
  Arena arena;
  Response response(arena);
  const auto head =
      co_await connection.read_head(Method::kGet, response, loop.now() + std::chrono::seconds(5));
  EXPECT_TRUE(head);
  EXPECT_EQ(response.status, 101);
  connection.begin_tunnel();
  co_await runtime::testing::send_text(*pair.b, "later");
  pair.b->shutdown_write();
  for (;;) {
    const auto piece = co_await connection.read_tunnel();
    EXPECT_TRUE(piece);
    if (!piece || piece->empty()) break;
    got += *piece;
  }
  const auto written = co_await connection.write_tunnel("answer");
  EXPECT_TRUE(written);
  connection.finish_tunnel();
  sent = (co_await runtime::testing::receive_all(*pair.b)).text;
  EXPECT_FALSE(connection.release()) << "never for another request";
}

TEST(Tunnel, OfAClientBeginsWithWhatCameBehindTheHead) {
  for (const std::string early : {"", "early "}) {
    Runner runner;
    std::string got;
    std::string sent;
    runner.run(take(runner.loop,
                    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: "
                    "raw\r\n\r\n" +
                        early,
                    got, sent));
    EXPECT_EQ(got, early + "later");
    EXPECT_EQ(sent, "answer");
  }
}

}  // namespace
}  // namespace portcullis::http
