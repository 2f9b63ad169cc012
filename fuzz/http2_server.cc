// Any frames, in any order, into an HTTP/2 connection whose requests are answered in all the ways
// that there are: it ends, every request is answered once, and what the handler sees of one is
// within its bounds.
//
// The input is a list of frames, each as type, flags, stream, length and so many bytes; type 255 is
// bytes as they are. A frame of type 254 gives the connection a turn.

#include "base/check.h"
#include "http2/server.h"
#include "runtime/stream.h"
#include "runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace http = portcullis::http;
namespace http2 = portcullis::http2;
namespace runtime = portcullis::runtime;
using portcullis::Loop;
using portcullis::Task;

namespace {

class Answers final : public http::Handler {
 public:
  Task<void> handle(http::Exchange& exchange) override {
    const http::Request& request = exchange.request();
    PC_CHECK(!request.authority.empty() && !request.path.empty());
    PC_CHECK(request.fields.size() <= 101);
    http::Response head(exchange.arena());
    head.status = 200;
    if (!request.upgrade.empty()) {
      (void)co_await exchange.begin_tunnel(head, request.upgrade);
      const auto bytes = co_await exchange.read_tunnel();
      if (bytes) (void)co_await exchange.write_tunnel(*bytes);
      exchange.finish_tunnel();
      co_return;
    }
    switch (request.path.size() % 5) {
      case 0: {  // an echo
        head.body = http::BodyKind::kUnknown;
        (void)co_await exchange.respond(head, {}, http::More::kYes);
        for (;;) {
          const auto piece = co_await exchange.read_body();
          if (!piece) co_return exchange.abort();
          if (piece->empty()) break;
          if (!co_await exchange.write_body(*piece, http::More::kYes)) co_return;
        }
        (void)co_await exchange.write_trailers(request.trailers);
        co_return;
      }
      case 1:  // nothing of the body
        head.status = 204;
        (void)co_await exchange.respond(head, {}, http::More::kNo);
        co_return;
      case 2:
        exchange.abort();
        co_return;
      case 3:  // some of it
        (void)co_await exchange.read_body();
        exchange.cancel_body();
        head.body = http::BodyKind::kLength;
        head.content_length = 2;
        (void)co_await exchange.respond(head, "ok", http::More::kNo);
        co_return;
      default:  // no answer at all
        co_return;
    }
  }
  Task<void> handle_unreadable(http::Exchange& exchange, const portcullis::Error& error) override {
    PC_CHECK(error.source == portcullis::ErrorSource::kClient);
    http::Response head(exchange.arena());
    head.status = 400;
    (void)co_await exchange.respond(head, {}, http::More::kNo);
  }
};

class Context final : public http2::ServerContext {
 public:
  [[nodiscard]] const http::ServerSettings& settings() const override { return settings_; }
  [[nodiscard]] const http2::ServerSettings& http2() const override { return http2_; }
  http::Handler& handler() override { return answers_; }
  [[nodiscard]] bool draining() const override { return false; }
  void on_abuse(http2::Abuse, const http::ConnectionInfo&) override {}

 private:
  http::ServerSettings settings_;
  http2::ServerSettings http2_;
  Answers answers_;
};

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint8_t stream,
                  std::string_view payload) {
  std::string bytes;
  for (int shift = 16; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<char>(payload.size() >> shift));
  bytes.push_back(static_cast<char>(type));
  bytes.push_back(static_cast<char>(flags));
  bytes.append(3, '\0').push_back(static_cast<char>(stream));
  return bytes.append(payload);
}

// Takes all that the server says, so that it never waits for us.
Task<void> take_all(runtime::Stream& peer) {
  char sink[16384];
  for (;;) {
    const auto n = co_await peer.read(sink, portcullis::kNoDeadline);
    if (!n || *n == 0) co_return;
  }
}

Task<void> send_all(runtime::Stream& peer, std::string_view input) {
  std::string bytes(http2::kPreface);
  const auto flush = [&]() -> Task<bool> {
    iovec part{bytes.data(), bytes.size()};
    const bool sent =
        bytes.empty() ||
        (co_await peer.write(std::span(&part, 1), portcullis::kNoDeadline)).has_value();
    bytes.clear();
    co_return sent;
  };
  while (input.size() >= 4) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(input[i]); };
    const std::string_view payload = input.substr(4, at(3));
    if (at(0) == 255) {
      bytes += payload;
    } else if (at(0) == 254) {
      if (!co_await flush()) co_return;
      for (int turn = 0; turn < 3; ++turn) co_await peer.loop().yield();
    } else {
      bytes += frame(at(0), at(1), at(2), payload);
    }
    input.remove_prefix(4 + payload.size());
  }
  if (!co_await flush()) co_return;
  for (int turn = 0; turn < 3; ++turn) co_await peer.loop().yield();
  peer.shutdown_write();
}

Task<void> serve(runtime::Stream& stream) {
  Context context;
  const http::ConnectionInfo info;
  http::Activity activity(nullptr, {});
  co_await http2::serve(stream, context, info, activity);
}

Task<void> run(Loop& loop, std::string_view input) {
  int fds[2];
  PC_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  auto server = std::make_unique<runtime::Stream>(loop, fds[0], portcullis::IpEndpoint{});
  runtime::Stream client(loop, fds[1], portcullis::IpEndpoint{});
  portcullis::TaskGroup group;
  group.spawn(take_all(client));
  group.spawn(send_all(client, input));
  co_await serve(*server);
  server.reset();
  co_await group.join();
  loop.stop();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Loop loop;
  portcullis::TaskGroup group;
  group.spawn(run(loop, {reinterpret_cast<const char*>(data), size}));
  loop.run();
  return 0;
}
