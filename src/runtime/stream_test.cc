#include "runtime/stream.h"

#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace portcullis::runtime {
namespace {

using std::chrono::milliseconds;
using enum Acceptor::Sharing;
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
    auto acceptor = Acceptor::listen(loop, {IpAddress::v4(0x7f000001), 0}, nobody, kAlone);
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

TEST(Acceptor, SharesAnAddressWithItsLikeOnly) {
  struct Nobody final : Acceptor::Handler {
    void on_connection(int fd, const IpEndpoint&) override { close(fd); }
  } nobody;
  Loop loop;
  const auto listen = [&](const IpEndpoint& address, Acceptor::Sharing sharing) {
    return Acceptor::listen(loop, address, nobody, sharing);
  };
  for (const auto first : {kAlone, kWithOtherWorkers}) {
    IpEndpoint taken;
    {
      const auto holder = listen({IpAddress::v4(0x7f000001), 0}, first);
      ASSERT_TRUE(holder);
      taken = (*holder)->address();
      const auto free = Acceptor::check_free(taken);
      ASSERT_FALSE(free);
      EXPECT_EQ(free.error().code, ErrorCode::kMachine);
      EXPECT_EQ(
          free.error().detail,
          taken.to_string() + ": bind: Address already in use (another program listens there)");
      EXPECT_FALSE(listen(taken, kAlone));
      EXPECT_EQ(listen(taken, kWithOtherWorkers).has_value(), first == kWithOtherWorkers);
    }
    EXPECT_TRUE(Acceptor::check_free(taken));
    EXPECT_TRUE(listen(taken, kAlone));
  }
}

// A socket in the file system, on which nobody accepts.
class UnixListener {
 public:
  explicit UnixListener(int backlog)
      : path_(::testing::TempDir() + "portcullis-stream-test-" + std::to_string(getpid())),
        fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    unlink(path_.c_str());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    PC_CHECK(fd_ >= 0 &&
             bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    PC_CHECK(listen(fd_, backlog) == 0);
  }
  ~UnixListener() {
    close(fd_);
    unlink(path_.c_str());
  }
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  // The next of those that wait, or -1.
  [[nodiscard]] int accept_one() const {
    return accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  }

 private:
  std::string path_;
  int fd_;
};

Task<void> connect_to_path(Loop& loop) {
  UnixListener listener(8);
  auto made =
      co_await Stream::connect_unix(loop, listener.path(), loop.now() + milliseconds(5'000));
  EXPECT_TRUE(made);
  if (!made) co_return;
  Stream server(loop, listener.accept_one(), IpEndpoint{});
  EXPECT_TRUE(co_await testing::send_text(**made, "hello"));
  (*made)->shutdown_write();
  EXPECT_EQ((co_await testing::receive_all(server)).text, "hello");
  const auto nobody =
      co_await Stream::connect_unix(loop, "/does/not/exist.sock", loop.now() + milliseconds(5'000));
  EXPECT_FALSE(nobody);
  if (!nobody) EXPECT_EQ(nobody.error().code, ErrorCode::kUpstreamUnreachable);
}

TEST(Stream, ConnectsToASocketInTheFileSystem) {
  Runner runner;
  runner.run(connect_to_path(runner.loop));
}

Task<void> wait_in_queue(Loop& loop) {
  UnixListener listener(0);
  std::vector<std::unique_ptr<Stream>> made;
  Error last;
  for (int i = 0; i < 8; ++i) {
    auto stream =
        co_await Stream::connect_unix(loop, listener.path(), loop.now() + milliseconds(20));
    if (stream)
      made.push_back(std::move(*stream));
    else
      last = stream.error();
  }
  EXPECT_FALSE(made.empty());
  EXPECT_LT(made.size(), 8U) << "the queue has an end";
  EXPECT_EQ(last.code, ErrorCode::kTimeout);
  // Room is noticed while it waits.
  close(listener.accept_one());
  EXPECT_TRUE(
      co_await Stream::connect_unix(loop, listener.path(), loop.now() + milliseconds(5'000)));
}

TEST(Stream, WaitsForRoomInTheQueueOfASocketInTheFileSystem) {
  Runner runner;
  runner.run(wait_in_queue(runner.loop));
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
