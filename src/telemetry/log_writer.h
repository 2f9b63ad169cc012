// The descriptor under a LogSink: writes that are partial, that would block, or that fail.
#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace portcullis::telemetry {

class LogWriter {
 public:
  [[nodiscard]] static Result<LogWriter> to_path(std::string path);
  // Borrows `fd`. Never changes its flags: it may be shared with a terminal or another process.
  [[nodiscard]] static LogWriter to_fd(int fd);
  LogWriter(LogWriter&& other) noexcept;
  LogWriter& operator=(LogWriter&&) = delete;
  ~LogWriter();

  // Opens the path again and keeps the old file when that fails. Always true without a path.
  [[nodiscard]] bool reopen();

  // Writes all of `bytes`, waiting for the reader where it must, until `give_up` has passed. The
  // number of bytes that were written; fewer than all means that the rest is lost. After a loss in
  // the middle of a line the next write begins with a newline, so that only that line is torn.
  std::size_t write(std::string_view bytes, const std::atomic<TimePoint>& give_up);

 private:
  enum class Kind : std::uint8_t { kPlain, kSocket, kBlocking };
  LogWriter() = default;
  // True when the descriptor can take more; false once `give_up` has passed.
  [[nodiscard]] bool wait(const std::atomic<TimePoint>& give_up) const;
  [[nodiscard]] std::size_t write_plainly(std::string_view bytes,
                                          const std::atomic<TimePoint>& give_up) const;

  int fd_ = -1;
  bool owned_ = false;
  Kind kind_ = Kind::kPlain;
  bool torn_ = false;
  std::string path_;
};

}  // namespace portcullis::telemetry
