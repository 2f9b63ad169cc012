#include "telemetry/log_writer.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace portcullis::telemetry {
namespace {

int open_path(const std::string& path) {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  return ::open(path.c_str(), kFlags, 0640);
}

}  // namespace

Result<LogWriter> LogWriter::to_path(std::string path) {
  LogWriter writer;
  writer.fd_ = open_path(path);
  if (writer.fd_ < 0) {
    return fail(ErrorCode::kMachine, "cannot open `" + path + "`: " + std::strerror(errno));
  }
  writer.owned_ = true;
  writer.path_ = std::move(path);
  return writer;
}

LogWriter LogWriter::to_fd(int fd) {
  LogWriter writer;
  writer.fd_ = fd;
  struct stat status{};
  if (fstat(fd, &status) != 0) return writer;
  if (S_ISSOCK(status.st_mode)) {
    writer.kind_ = Kind::kSocket;  // what a service manager gives as standard output
  } else if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
    // A description of our own of the same pipe or terminal may be non-blocking without changing
    // the one that we were given.
    const std::string self = "/proc/self/fd/" + std::to_string(fd);
    const int own = ::open(self.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (own >= 0) {
      writer.fd_ = own;
      writer.owned_ = true;
    } else {
      writer.kind_ = Kind::kBlocking;
    }
  }
  return writer;
}

LogWriter::LogWriter(LogWriter&& other) noexcept
    : fd_(other.fd_),
      owned_(std::exchange(other.owned_, false)),
      kind_(other.kind_),
      torn_(other.torn_),
      path_(std::move(other.path_)) {}

LogWriter::~LogWriter() {
  if (owned_) ::close(fd_);
}

bool LogWriter::reopen() {
  if (path_.empty()) return true;
  const int fresh = open_path(path_);
  if (fresh < 0) return false;
  ::close(std::exchange(fd_, fresh));
  torn_ = false;
  return true;
}

bool LogWriter::wait(const std::atomic<TimePoint>& give_up) const {
  // In slices, since the deadline may be set while we wait.
  constexpr int kSliceMs = 50;
  while (Clock::now() < give_up.load(std::memory_order_relaxed)) {
    pollfd writable{fd_, POLLOUT, 0};
    const int ready = poll(&writable, 1, kSliceMs);
    if (ready > 0) return true;  // also on an error, which the write then tells
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

std::size_t LogWriter::write_plainly(std::string_view bytes,
                                     const std::atomic<TimePoint>& give_up) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const char* at = bytes.data() + done;
    std::size_t size = bytes.size() - done;
    ssize_t n = 0;
    if (kind_ == Kind::kSocket) {
      n = send(fd_, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
      if (kind_ == Kind::kBlocking) {
        // A pipe that polls as writable takes this much without blocking.
        if (!wait(give_up)) return done;
        size = std::min<std::size_t>(size, PIPE_BUF);
      }
      n = ::write(fd_, at, size);
    }
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else {
      // EPIPE, ENOSPC, EIO: the reader or the disk is gone for these lines.
      const bool again = n < 0 && (errno == EINTR || (errno == EAGAIN && wait(give_up)));
      if (!again) return done;
    }
  }
  return done;
}

std::size_t LogWriter::write(std::string_view bytes, const std::atomic<TimePoint>& give_up) {
  if (torn_) {
    if (write_plainly("\n", give_up) != 1) return 0;
    torn_ = false;
  }
  const std::size_t done = write_plainly(bytes, give_up);
  torn_ = done > 0 && bytes[done - 1] != '\n';
  return done;
}

}  // namespace portcullis::telemetry
