// Lines of a log, written without ever making a worker wait: each worker collects lines in a chunk
// of its own, full or old chunks go to a bounded queue, and one thread writes whole chunks. When
// the queue is full, because the disk or the reader is slower than the traffic, the chunk's lines
// are dropped and counted.
//
//   auto sink = telemetry::LogSink::open("stdout");
//   telemetry::LogBuffer buffer(**sink);        // one for each worker
//   buffer.line() += "{...}";                   // append to what line() gives, do not replace it
//   buffer.commit(now);
//   buffer.flush_if_due(now);                   // from the worker's timer
#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace portcullis::telemetry {

struct LogChunk {
  std::string bytes;  // whole lines, each with its newline
  std::size_t lines = 0;
};

struct LogOptions {
  std::size_t queue_chunks = 64;
  std::size_t chunk_bytes = 64 * 1024;
  Duration chunk_age = std::chrono::milliseconds(100);
};

class LogWriter;

// Owns the destination and the thread that writes to it. All of it is safe from any thread.
class LogSink {
 public:
  // `to` is `stdout`, `stderr` or a path. A file is created with mode 0640 and appended to.
  // Errors: kMachine, with the path and the system's reason.
  [[nodiscard]] static Result<std::unique_ptr<LogSink>> open(std::string_view to,
                                                             LogOptions options = {});
  // Writes to `fd`, which stays the caller's and must outlive the sink.
  [[nodiscard]] static std::unique_ptr<LogSink> to_fd(int fd, LogOptions options = {});

  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
  ~LogSink();  // close() with a bound of one second

  // Opens the path again before anything else is written: for the tool that has moved the file away
  // and says so with SIGUSR1. Nothing happens for stdout and stderr. When the path cannot be
  // opened the old file is kept, and reopen_failures() counts it. Not for signal handlers.
  void reopen();

  // Waits until everything that was handed over is written or dropped, or `bound` has passed; says
  // which. For shutdown and for tests, not for workers.
  [[nodiscard]] bool drain(Duration bound);

  // Writes what is queued for as long as `bound`, drops and counts the rest, and ends the thread.
  // What comes later is dropped and counted. Flush the buffers first.
  void close(Duration bound);

  [[nodiscard]] std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t reopen_failures() const {
    return reopen_failures_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] const LogOptions& options() const { return options_; }

  // Takes the chunk's content and gives an empty one back. Never waits for the writer.
  void submit(LogChunk& chunk);

 private:
  LogSink(std::unique_ptr<LogWriter> writer, LogOptions options);
  void run();
  void write_batch(std::deque<LogChunk>& batch);

  const LogOptions options_;
  const std::unique_ptr<LogWriter> writer_;  // touched by the writer's thread alone
  std::mutex mutex_;
  std::condition_variable work_;  // there is something to write, or the end has come
  std::condition_variable idle_;  // all is written
  std::deque<LogChunk> queue_;
  std::vector<std::string> spare_;  // emptied chunks, so that their memory is used again
  std::size_t in_flight_ = 0;       // chunks that the writer has taken and not finished
  bool reopen_wanted_ = false;
  std::atomic<bool> closing_{false};
  std::atomic<TimePoint> give_up_{kNoDeadline};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> reopen_failures_{0};
  std::thread thread_;
};

// One worker's lines. Not safe to share. The sink must outlive it; what it holds is handed over
// when it goes.
class LogBuffer {
 public:
  explicit LogBuffer(LogSink& sink);
  LogBuffer(const LogBuffer&) = delete;
  LogBuffer& operator=(const LogBuffer&) = delete;
  ~LogBuffer() { flush(); }

  // Where the next line is to be appended, without its newline. The text before it stays as it is.
  [[nodiscard]] std::string& line() { return chunk_.bytes; }
  // Ends the line that was appended since the last commit.
  void commit(TimePoint now);
  void append(std::string_view text, TimePoint now) {
    chunk_.bytes += text;
    commit(now);
  }

  // Hands the chunk over when its first line is older than `chunk_age`.
  void flush_if_due(TimePoint now) {
    if (chunk_.lines > 0 && now - first_ >= sink_->options().chunk_age) flush();
  }
  void flush() {
    if (chunk_.lines > 0) sink_->submit(chunk_);
  }
  [[nodiscard]] bool empty() const { return chunk_.lines == 0; }

 private:
  LogSink* sink_;
  LogChunk chunk_;
  TimePoint first_{};
};

}  // namespace portcullis::telemetry
