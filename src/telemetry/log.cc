#include "telemetry/log.h"

#include "telemetry/log_writer.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace portcullis::telemetry {

Result<std::unique_ptr<LogSink>> LogSink::open(std::string_view to, LogOptions options) {
  if (to == "stdout") return to_fd(1, options);
  if (to == "stderr") return to_fd(2, options);
  PC_TRY(LogWriter writer, LogWriter::to_path(std::string(to)));
  return std::unique_ptr<LogSink>(
      new LogSink(std::make_unique<LogWriter>(std::move(writer)), options));
}

std::unique_ptr<LogSink> LogSink::to_fd(int fd, LogOptions options) {
  return std::unique_ptr<LogSink>(
      new LogSink(std::make_unique<LogWriter>(LogWriter::to_fd(fd)), options));
}

LogSink::LogSink(std::unique_ptr<LogWriter> writer, LogOptions options)
    : options_(options), writer_(std::move(writer)), thread_([this] { run(); }) {}

LogSink::~LogSink() { close(std::chrono::seconds(1)); }

void LogSink::submit(LogChunk& chunk) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_ || queue_.size() >= options_.queue_chunks) {
      dropped_.fetch_add(chunk.lines, std::memory_order_relaxed);
      chunk.bytes.clear();
      chunk.lines = 0;
      return;
    }
    queue_.push_back(std::exchange(chunk, {}));
    if (!spare_.empty()) {
      chunk.bytes = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  work_.notify_one();
}

void LogSink::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_wanted_ = true;
  }
  work_.notify_one();
}

bool LogSink::drain(Duration bound) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, bound,
                        [this] { return queue_.empty() && in_flight_ == 0 && !reopen_wanted_; });
}

void LogSink::close(Duration bound) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_.exchange(true)) return;
    give_up_.store(Clock::now() + bound, std::memory_order_relaxed);
  }
  work_.notify_one();
  thread_.join();
}

void LogSink::run() {
  // Signals are for the main thread, and SIGPIPE for nobody: a blocked one leaves EPIPE alone.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);

  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return !queue_.empty() || reopen_wanted_ || closing_; });
    if (queue_.empty() && !reopen_wanted_) return;
    const bool reopen_now = std::exchange(reopen_wanted_, false);
    std::deque<LogChunk> batch = std::exchange(queue_, {});
    // Never zero: a reopening counts as work that drain() waits for.
    in_flight_ = batch.size() + 1;
    lock.unlock();
    if (reopen_now && !writer_->reopen()) {
      reopen_failures_.fetch_add(1, std::memory_order_relaxed);
    }
    write_batch(batch);
    lock.lock();
    in_flight_ = 0;
    for (LogChunk& chunk : batch) {
      if (spare_.size() >= options_.queue_chunks) break;
      chunk.bytes.clear();
      spare_.push_back(std::move(chunk.bytes));
    }
    if (queue_.empty()) idle_.notify_all();
  }
}

void LogSink::write_batch(std::deque<LogChunk>& batch) {
  for (const LogChunk& chunk : batch) {
    const std::size_t bytes = writer_->write(chunk.bytes, give_up_);
    const std::string_view done = std::string_view(chunk.bytes).substr(0, bytes);
    const auto newlines = static_cast<std::size_t>(std::ranges::count(done, '\n'));
    const std::size_t whole = std::min(newlines, chunk.lines);
    written_.fetch_add(whole, std::memory_order_relaxed);
    dropped_.fetch_add(chunk.lines - whole, std::memory_order_relaxed);
  }
}

LogBuffer::LogBuffer(LogSink& sink) : sink_(&sink) {}

void LogBuffer::commit(TimePoint now) {
  chunk_.bytes += '\n';
  if (chunk_.lines++ == 0) first_ = now;
  if (chunk_.bytes.size() >= sink_->options().chunk_bytes) flush();
}

}  // namespace portcullis::telemetry
