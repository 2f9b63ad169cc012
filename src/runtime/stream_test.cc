#include "runtime/stream.h"

#include "runtime/resolver.h"
#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace portcullis::runtime {
namespace {

using std::chrono::milliseconds;
using testing::Pair;
using testing::Runner;

iovec part(std::string& text) { return {text.data(), text.size()}; }

Task<void> pump_into(Stream& stream, std::size_t size, std::size_t& sent) {
  std::string bytes(size, 'x');
  iovec whole = part(bytes);
  const auto n = co_await stream.write(std::span(&whole, 1), kNoDeadline);
  sent = n.value_or(0);
  stream.shutdown_write();
}

Task<void> move_a_megabyte(Loop& loop) {
  Pair pair(loop);
  TaskGroup group;
  std::size_t sent = 0;
  group.spawn(pump_into(*pair.a, 1'000'000, sent));
  std::size_t received = 0;
  std::string buffer(10'000, '\0');
  for (;;) {
    const auto n = co_await pair.b->read(buffer, kNoDeadline);
    EXPECT_TRUE(n);
    if (!n || *n == 0) break;
    received += *n;
  }
  co_await group.join();
  EXPECT_EQ(sent, 1'000'000U);
  EXPECT_EQ(received, 1'000'000U);
}

TEST(Stream, MovesMoreThanTheSocketHoldsAndSeesTheEnd) {
  Runner runner;
  runner.run(move_a_megabyte(runner.loop));
}

Task<void> read_past_deadline(Loop& loop) {
  Pair pair(loop);
  char byte = 0;
  const TimePoint start = Clock::now();
  const auto n = co_await pair.a->read(std::span(&byte, 1), start + milliseconds(30));
  EXPECT_FALSE(n);
  if (!n) EXPECT_EQ(n.error().code, ErrorCode::kTimeout);
  EXPECT_GE(Clock::now() - start, milliseconds(30));
}

TEST(Stream, AReadEndsAtItsDeadline) {
  Runner runner;
  runner.run(read_past_deadline(runner.loop));
}

Task<void> expect_cancelled(Stream& stream) {
  char byte = 0;
  const auto n = co_await stream.read(std::span(&byte, 1), kNoDeadline);
  EXPECT_FALSE(n);
  if (!n) EXPECT_EQ(n.error().code, ErrorCode::kCancelled);
}

Task<void> cancel_a_read(Loop& loop) {
  Pair pair(loop);
  TaskGroup group;
  group.spawn(expect_cancelled(*pair.a));
  pair.a->cancel_read();
  co_await group.join();
}

TEST(Stream, ACancelledReadEnds) {
  Runner runner;
  runner.run(cancel_a_read(runner.loop));
}

Task<void> connect_nowhere(Loop& loop) {
  // A port that was just given back: nobody listens there.
  struct Nobody final : Acceptor::Handler {
    void on_connection(int fd, const IpEndpoint&) override { close(fd); }
  } nobody;
  IpEndpoint free;
  {
    auto acceptor = Acceptor::listen(loop, {IpAddress::v4(0x7f000001), 0}, nobody);
    EXPECT_TRUE(acceptor);
    free = (*acceptor)->address();
    auto standing = co_await Stream::connect(loop, free, loop.now() + milliseconds(1000));
    EXPECT_TRUE(standing);
  }
  const auto refused = co_await Stream::connect(loop, free, loop.now() + milliseconds(1000));
  EXPECT_FALSE(refused);
  if (!refused) EXPECT_EQ(refused.error().code, ErrorCode::kUpstreamUnreachable);
}

TEST(Stream, ConnectsAndSaysWhenNobodyListens) {
  Runner runner;
  runner.run(connect_nowhere(runner.loop));
}

Task<void> resolve_localhost(Loop& loop) {
  Resolver resolver(loop);
  const auto addresses = co_await resolver.resolve("localhost");
  EXPECT_TRUE(addresses);
  if (addresses) EXPECT_TRUE(addresses->front().is_loopback());
  const auto literal = co_await resolver.resolve("192.0.2.7");
  EXPECT_TRUE(literal);
  if (literal) EXPECT_EQ(literal->front().to_string(), "192.0.2.7");
}

TEST(Resolver, KnowsTheHostsFileAndLiterals) {
  Runner runner;
  runner.run(resolve_localhost(runner.loop));
}

Task<void> wait_for(Loop& loop, int& count) {
  while (count < 4000) co_await loop.sleep_until(loop.now() + milliseconds(1));
}

TEST(Loop, RunsWhatFourThreadsPost) {
  Runner runner;
  int count = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) runner.loop.post([&] { ++count; });
    });
  }
  runner.run(wait_for(runner.loop, count));
  EXPECT_EQ(count, 4000);
}

}  // namespace
}  // namespace portcullis::runtime
