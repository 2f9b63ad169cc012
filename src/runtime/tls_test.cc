#include "runtime/tls.h"

#include "runtime/testing/certificates.h"
#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace portcullis::runtime {
namespace {

using std::chrono::milliseconds;
using testing::Folder;
using testing::make_certificate;
using testing::Pair;
using testing::Received;
using testing::Runner;

// A server of two certificates and a client that trusts both of them.
struct Scene {
  Folder folder;
  TicketKeys tickets;
  std::shared_ptr<const TlsServerContext> server;
  std::shared_ptr<const TlsClientContext> client;

  Scene() {
    const auto first =
        make_certificate(folder, {.name = "first", .alternatives = "DNS:first.test,IP:127.0.0.1"});
    const auto second = make_certificate(
        folder, {.name = "second", .alternatives = "DNS:second.test,DNS:*.wild.test"});
    TlsServerOptions options;
    options.name = "test";
    options.certificates = {first.pair(), second.pair()};
    auto made = TlsServerContext::create(options, tickets);
    PC_CHECK(made.has_value());
    server = *made;
    testing::join_files(folder, "trusted.pem", {first.cert_file(), second.cert_file()});
    setenv("SSL_CERT_FILE", folder.file("trusted.pem").c_str(), 1);
    auto trusting = TlsClientContext::create();
    unsetenv("SSL_CERT_FILE");
    PC_CHECK(trusting.has_value());
    client = *trusting;
  }
};

struct Outcome {
  Result<void> result = fail(ErrorCode::kInternal, "not tried");
};

Task<void> accept(Stream& stream, const TlsServerContext& context, TimePoint deadline,
                  Outcome& outcome) {
  outcome.result = co_await stream.accept_tls(context, deadline);
}

// Both handshakes at once.
Task<bool> shake_hands(Pair& pair, Scene& scene, std::string host) {
  Outcome server;
  TaskGroup group;
  const TimePoint deadline = pair.a->loop().now() + milliseconds(10'000);
  group.spawn(accept(*pair.b, *scene.server, deadline, server));
  const Result<void> client = co_await pair.a->connect_tls(*scene.client, host, deadline);
  if (!client) pair.b->cancel();
  co_await group.join();
  co_return client.has_value() && server.result.has_value();
}

Task<void> pump(Stream& stream, std::size_t size) {
  EXPECT_TRUE(co_await testing::send_text(stream, std::string(size, 'x')));
  stream.shutdown_write();
}

Task<void> move_bytes(Loop& loop, Scene& scene) {
  for (const std::size_t size : {1U, 16'383U, 16'384U, 16'385U, 1'000'000U}) {
    Pair pair(loop);
    EXPECT_TRUE(co_await shake_hands(pair, scene, "first.test"));
    EXPECT_EQ(pair.b->tls()->server_name(), "first.test");
    EXPECT_STREQ(pair.b->tls()->version(), "TLSv1.3");
    TaskGroup group;
    group.spawn(pump(*pair.a, size));
    const Received received = co_await testing::receive_all(*pair.b);
    EXPECT_TRUE(received.clean);
    EXPECT_EQ(received.text.size(), size);
    co_await group.join();
  }
}

TEST(Tls, MovesMoreThanARecordAndSeesTheEnd) {
  Scene scene;
  Runner runner;
  runner.run(move_bytes(runner.loop, scene));
}

// What stands behind a response in the same record is an answer that nobody asked for.
Task<void> leave_some(Loop& loop, Scene& scene) {
  Pair pair(loop);
  EXPECT_TRUE(co_await shake_hands(pair, scene, "first.test"));
  EXPECT_TRUE(co_await testing::send_text(*pair.b, "ab"));
  for (const bool quiet : {false, true}) {
    char one = 0;
    const auto n = co_await pair.a->read({&one, 1}, loop.now() + milliseconds(10'000));
    EXPECT_EQ(n.value_or(0), 1U);
    EXPECT_EQ(pair.a->is_quiet(), quiet);
  }
}

TEST(Tls, IsNotQuietWhileBytesOfARecordAreLeft) {
  Scene scene;
  Runner runner;
  runner.run(leave_some(runner.loop, scene));
}

Task<void> verify(Loop& loop, Scene& scene) {
  struct Case {
    std::string host;
    bool good;
  };
  for (const Case& c :
       {Case{"first.test", true}, Case{"second.test", true}, Case{"a.wild.test", true},
        Case{"127.0.0.1", true}, Case{"a.b.wild.test", false}, Case{"wild.test", false},
        Case{"other.test", false}, Case{"127.0.0.2", false}}) {
    Pair pair(loop);
    const bool good = co_await shake_hands(pair, scene, c.host);
    EXPECT_EQ(good, c.good) << c.host;
  }
}

TEST(Tls, ChoosesTheCertificateAndVerifiesTheHost) {
  Scene scene;
  Runner runner;
  runner.run(verify(runner.loop, scene));
}

Task<void> wait_past_tickets(Loop& loop, Scene& scene) {
  Pair pair(loop);
  EXPECT_TRUE(co_await shake_hands(pair, scene, "first.test"));
  // The server's session tickets have arrived, and are no data: the client still waits.
  co_await testing::settle(loop);
  const auto nothing = co_await pair.a->wait_available(loop.now() + milliseconds(30));
  EXPECT_FALSE(nothing);
  if (!nothing) EXPECT_EQ(nothing.error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(co_await testing::send_text(*pair.b, "hello"));
  const auto something = co_await pair.a->wait_available(loop.now() + milliseconds(5'000));
  EXPECT_TRUE(something);
  // Waiting took nothing; and what stands in the session, not in the socket, is seen as well.
  char two[2];
  const auto first = co_await pair.a->read(two, loop.now() + milliseconds(5'000));
  EXPECT_EQ(first.value_or(0), 2U);
  const auto more = co_await pair.a->wait_available(loop.now() + milliseconds(5'000));
  EXPECT_TRUE(more);
  char rest[16];
  const auto last = co_await pair.a->read(rest, loop.now() + milliseconds(5'000));
  EXPECT_EQ(last.value_or(0), 3U);
}

TEST(Tls, TicketsAreNoData) {
  Scene scene;
  Runner runner;
  runner.run(wait_past_tickets(runner.loop, scene));
}

// The octets that a client would send, one at a time: records arrive in parts.
Task<void> relay_octets(Stream& from, Stream& to) {
  char buffer[4096];
  for (;;) {
    const auto n = co_await from.read(buffer, from.loop().now() + milliseconds(5'000));
    if (!n || *n == 0) break;
    for (std::size_t i = 0; i < *n; ++i) {
      if (!co_await testing::send_text(to, std::string(1, buffer[i]))) co_return;
      co_await to.loop().yield();
    }
  }
  to.shutdown_write();
}

// Takes what comes, tickets above all, so that nobody waits for room.
Task<void> take_all(Stream& stream, Received& received) {
  received = co_await testing::receive_all(stream);
}

Task<void> partial_records(Loop& loop, Scene& scene) {
  Pair near(loop);  // client: near.a
  Pair far(loop);   // server: far.b
  TaskGroup group;
  group.spawn(relay_octets(*near.b, *far.a));
  group.spawn(relay_octets(*far.a, *near.b));
  Outcome server;
  TaskGroup accepting;
  const TimePoint deadline = loop.now() + milliseconds(10'000);
  accepting.spawn(accept(*far.b, *scene.server, deadline, server));
  const Result<void> client = co_await near.a->connect_tls(*scene.client, "first.test", deadline);
  EXPECT_TRUE(client);
  co_await accepting.join();
  EXPECT_TRUE(server.result);
  group.spawn(pump(*near.a, 300));
  Received back;
  group.spawn(take_all(*near.a, back));
  const auto available = co_await far.b->wait_available(deadline);
  EXPECT_TRUE(available);
  const Received received = co_await testing::receive_all(*far.b);
  EXPECT_TRUE(received.clean);
  EXPECT_EQ(received.text, std::string(300, 'x'));
  EXPECT_TRUE(co_await testing::send_text(*far.b, "bye"));
  far.b->shutdown_write();
  co_await group.join();
  EXPECT_TRUE(back.clean);
  EXPECT_EQ(back.text, "bye");
}

TEST(Tls, ReadsRecordsThatArriveOctetByOctet) {
  Scene scene;
  Runner runner;
  runner.run(partial_records(runner.loop, scene));
}

Task<void> refuse_plain_text(Loop& loop, Scene& scene) {
  Pair pair(loop);
  EXPECT_TRUE(co_await testing::send_text(*pair.a, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto outcome = co_await pair.b->accept_tls(*scene.server, loop.now() + milliseconds(5'000));
  EXPECT_FALSE(outcome);
  if (!outcome) EXPECT_EQ(outcome.error().code, ErrorCode::kClosed);
  Pair silent(loop);
  const auto late = co_await silent.b->accept_tls(*scene.server, loop.now() + milliseconds(30));
  EXPECT_FALSE(late);
  if (!late) EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  Pair gone(loop);
  gone.a.reset();
  const auto left = co_await gone.b->accept_tls(*scene.server, loop.now() + milliseconds(5'000));
  EXPECT_FALSE(left);
  if (!left) EXPECT_EQ(left.error().code, ErrorCode::kClosed);
}

TEST(Tls, EndsAHandshakeThatIsNone) {
  Scene scene;
  Runner runner;
  runner.run(refuse_plain_text(runner.loop, scene));
}

}  // namespace
}  // namespace portcullis::runtime
