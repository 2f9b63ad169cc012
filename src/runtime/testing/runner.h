// For tests: a loop that runs one task to its end, and two streams that are each other's peer.
#pragma once

#include "runtime/stream.h"

#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

namespace portcullis::runtime::testing {

// Runs one task on a fresh loop until it ends.
class Runner {
 public:
  Loop loop;

  void run(Task<void> task) {
    group_.spawn(stop_after(std::move(task)));
    loop.run();
  }

 private:
  Task<void> stop_after(Task<void> task) {
    co_await std::move(task);
    loop.stop();
  }

  TaskGroup group_;
};

struct Pair {
  std::unique_ptr<Stream> a;
  std::unique_ptr<Stream> b;

  explicit Pair(Loop& loop) {
    int fds[2];
    PC_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    a = std::make_unique<Stream>(loop, fds[0], IpEndpoint{});
    b = std::make_unique<Stream>(loop, fds[1], IpEndpoint{});
  }
};

// Lets what is under way on the loop go as far as it can without anything new from outside.
inline Task<void> settle(Loop& loop) {
  for (int turn = 0; turn < 4; ++turn) co_await loop.yield();
}

inline Task<bool> send_text(Stream& stream, std::string text) {
  iovec part{text.data(), text.size()};
  const auto sent =
      co_await stream.write(std::span(&part, 1), stream.loop().now() + std::chrono::seconds(10));
  co_return sent.has_value();
}

// Everything up to the end of the stream; `clean` says whether it was an end, and no reset.
struct Received {
  std::string text;
  bool clean = false;
};

inline Task<Received> receive_all(Stream& stream) {
  Received received;
  char buffer[4096];
  for (;;) {
    const auto n = co_await stream.read(buffer, stream.loop().now() + std::chrono::seconds(10));
    if (!n || *n == 0) {
      received.clean = n.has_value();
      co_return received;
    }
    received.text.append(buffer, *n);
  }
}

}  // namespace portcullis::runtime::testing
