#include "telemetry/log.h"

#include "telemetry/log_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace portcullis::telemetry {
namespace {

using namespace std::chrono_literals;

constexpr Duration kBound = 20s;  // far beyond what any of this takes; never waited for in full
constexpr TimePoint kStart{};

class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "logXXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~Folder() {
    for (const char* name : {"/access.log", "/access.log.1"}) ::unlink((path_ + name).c_str());
    ::rmdir(path_.c_str());
  }
  [[nodiscard]] std::string file(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }

 private:
  std::string path_;
};

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Ends {
  int read = -1;
  int write = -1;
  ~Ends() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
};

void make_pipe(Ends& ends) {
  std::array<int, 2> fds{};
  ASSERT_EQ(pipe2(fds.data(), O_CLOEXEC), 0);
  ends.read = fds[0];
  ends.write = fds[1];
  ASSERT_GT(fcntl(ends.write, F_SETPIPE_SZ, 4096), 0);
}

std::string read_all(int fd, std::size_t size) {
  std::string text;
  std::array<char, 4096> part{};
  while (text.size() < size) {
    const ssize_t n = ::read(fd, part.data(), part.size());
    if (n <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(n));
  }
  return text;
}

TEST(LogBuffer, HandsOverWhenFullOrOld) {
  const Folder folder;
  auto sink = LogSink::open(folder.file("access.log"), {.chunk_bytes = 20}).value();
  LogBuffer buffer(*sink);
  buffer.append("one", kStart);
  buffer.flush_if_due(kStart + 99ms);
  EXPECT_FALSE(buffer.empty()) << "neither full nor old";
  buffer.append("two", kStart + 99ms);
  buffer.flush_if_due(kStart + 100ms);
  EXPECT_TRUE(buffer.empty()) << "the first line is 100 ms old";
  buffer.line() += "sixteen ";
  buffer.line() += "bytes of";
  buffer.commit(kStart + 101ms);
  EXPECT_FALSE(buffer.empty());
  buffer.append("more", kStart + 101ms);
  EXPECT_TRUE(buffer.empty()) << "20 bytes are collected";
  ASSERT_TRUE(sink->drain(kBound));
  EXPECT_EQ(content(folder.file("access.log")), "one\ntwo\nsixteen bytes of\nmore\n");
  EXPECT_EQ(sink->written(), 4U);
  EXPECT_EQ(sink->dropped(), 0U);
}

TEST(LogSink, CreatesItsFileForTheGroupToReadAndAppends) {
  const Folder folder;
  const std::string path = folder.file("access.log");
  const mode_t before = umask(0);
  for (const std::string_view line : {"first", "second"}) {
    auto sink = LogSink::open(path).value();
    LogBuffer(*sink).append(line, kStart);
    sink->close(kBound);
  }
  umask(before);
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
  EXPECT_EQ(content(path), "first\nsecond\n");
}

TEST(LogSink, SaysWhyAFileCannotBeOpened) {
  const auto sink = LogSink::open("/nonexistent/access.log");
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().code, ErrorCode::kMachine);
  EXPECT_NE(sink.error().detail.find("/nonexistent/access.log"), std::string::npos);
}

TEST(LogSink, FollowsARotatedFile) {
  const Folder folder;
  const std::string path = folder.file("access.log");
  const std::string moved = folder.file("access.log.1");
  auto sink = LogSink::open(path).value();
  LogBuffer buffer(*sink);
  buffer.append("before", kStart);
  buffer.flush();
  ASSERT_TRUE(sink->drain(kBound));
  ASSERT_EQ(std::rename(path.c_str(), moved.c_str()), 0);
  sink->reopen();
  buffer.append("after", kStart);
  buffer.flush();
  ASSERT_TRUE(sink->drain(kBound));
  EXPECT_EQ(content(moved), "before\n");
  EXPECT_EQ(content(path), "after\n");
  EXPECT_EQ(sink->reopen_failures(), 0U);
}

TEST(LogSink, KeepsTheOldFileWhenItCannotReopen) {
  const Folder folder;
  const std::string path = folder.file("access.log");
  const std::string moved = folder.file("access.log.1");
  auto sink = LogSink::open(path).value();
  ASSERT_EQ(std::rename(path.c_str(), moved.c_str()), 0);
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);  // cannot be opened for writing
  sink->reopen();
  LogBuffer buffer(*sink);
  buffer.append("kept", kStart);
  buffer.flush();
  ASSERT_TRUE(sink->drain(kBound));
  EXPECT_EQ(sink->reopen_failures(), 1U);
  EXPECT_EQ(content(moved), "kept\n");
  rmdir(path.c_str());
}

TEST(LogSink, WritesEveryLineOfManyThreadsWholeAndInTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5'000;
  const Folder folder;
  auto sink =
      LogSink::open(folder.file("access.log"), {.queue_chunks = 100'000, .chunk_bytes = 100})
          .value();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&sink, t] {
      LogBuffer buffer(*sink);
      for (int i = 0; i < kEach; ++i) {
        buffer.append(std::to_string(t) + " " + std::to_string(i), kStart);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  sink->close(kBound);
  EXPECT_EQ(sink->dropped(), 0U);
  std::ifstream file(folder.file("access.log"));
  std::array<int, kThreads> next{};
  int thread = 0;
  int number = 0;
  while (file >> thread >> number) {
    ASSERT_EQ(number, next.at(static_cast<std::size_t>(thread))++);
  }
  for (const int count : next) EXPECT_EQ(count, kEach);
}

TEST(LogSink, NeverWaitsForAReaderThatDoesNotRead) {
  Ends ends;
  make_pipe(ends);
  auto sink = LogSink::to_fd(ends.write, {.queue_chunks = 4, .chunk_bytes = 1000});
  LogBuffer buffer(*sink);
  const std::string line(999, 'x');
  // The pipe holds 4 KiB, the writer's batch and the queue a few chunks each: the rest must go.
  for (int i = 0; i < 100; ++i) buffer.append(line, kStart);
  EXPECT_GE(sink->dropped(), 80U);
  sink->close(0s);
  EXPECT_EQ(sink->written() + sink->dropped(), 100U) << "each line is accounted for";
  EXPECT_EQ(fcntl(ends.write, F_GETFL) & O_NONBLOCK, 0) << "the descriptor is not ours to change";
}

TEST(LogSink, ResumesWhereAPartialWriteStopped) {
  Ends ends;
  make_pipe(ends);
  auto sink = LogSink::to_fd(ends.write);
  LogBuffer buffer(*sink);
  std::string want;
  for (int i = 0; i < 3'000; ++i) {
    const std::string line = "line " + std::to_string(i);
    buffer.append(line, kStart);
    want += line + "\n";
  }
  buffer.flush();
  EXPECT_EQ(read_all(ends.read, want.size()), want);
  ASSERT_TRUE(sink->drain(kBound));
  EXPECT_EQ(sink->written(), 3'000U);
}

TEST(LogSink, SurvivesAReaderThatHasGone) {
  Ends ends;
  make_pipe(ends);
  auto sink = LogSink::to_fd(ends.write);
  ::close(std::exchange(ends.read, -1));
  LogBuffer buffer(*sink);
  buffer.append("nobody hears this", kStart);
  buffer.flush();
  ASSERT_TRUE(sink->drain(kBound));
  EXPECT_EQ(sink->dropped(), 1U);
}

TEST(LogSink, WritesToASocketWithoutChangingIt) {
  std::array<int, 2> fds{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  Ends ends{fds[0], fds[1]};
  auto sink = LogSink::to_fd(ends.write);
  LogBuffer buffer(*sink);
  buffer.append("to the journal", kStart);
  buffer.flush();
  EXPECT_EQ(read_all(ends.read, 15), "to the journal\n");
  EXPECT_EQ(fcntl(ends.write, F_GETFL) & O_NONBLOCK, 0);
}

TEST(LogWriter, BeginsAFreshLineAfterATornOne) {
  std::array<int, 2> fds{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  const Ends ends{fds[0], fds[1]};
  LogWriter writer = LogWriter::to_fd(ends.write);
  const std::string line = std::string(8 << 20, 'x') + "\n";  // more than a socket holds
  const std::atomic<TimePoint> passed{kStart};
  const std::size_t done = writer.write(line, passed);
  ASSERT_GT(done, 0U);
  ASSERT_LT(done, line.size());
  EXPECT_EQ(read_all(ends.read, done), line.substr(0, done));
  const std::atomic<TimePoint> never{kNoDeadline};
  EXPECT_EQ(writer.write("next\n", never), 5U);
  EXPECT_EQ(read_all(ends.read, 6), "\nnext\n");
  EXPECT_EQ(writer.write("whole\n", never), 6U);
  EXPECT_EQ(read_all(ends.read, 6), "whole\n");
}

TEST(LogSink, DropsWhatComesAfterClose) {
  const Folder folder;
  auto sink = LogSink::open(folder.file("access.log")).value();
  LogBuffer buffer(*sink);
  buffer.append("in time", kStart);
  buffer.flush();
  sink->close(kBound);
  buffer.append("late", kStart);
  buffer.flush();
  EXPECT_EQ(content(folder.file("access.log")), "in time\n");
  EXPECT_EQ(sink->dropped(), 1U);
}

}  // namespace
}  // namespace portcullis::telemetry
