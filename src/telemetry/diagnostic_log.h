// What the process says about itself: one JSON object a line, to standard error. Requests are not
// logged here; they have the access log (telemetry/log.h).
#pragma once

#include "base/clock.h"

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>

namespace portcullis::telemetry {

enum class Severity : std::uint8_t { kDebug, kInfo, kWarning, kError };

// A member of the line. Values are for people who operate the gateway: never a secret, a token or
// anything else that must not be read by whoever reads logs.
struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, bool> value;
};

// `2026-11-24T06:33:00.123Z`, as both logs write it.
[[nodiscard]] std::string format_time(WallTime time);

// Safe from any thread. Each line is one write of at most 4096 bytes, and a line that could not be
// written at once (a pipe that nobody empties) is dropped and counted: nothing here ever waits for
// the reader.
class DiagnosticLog {
 public:
  explicit DiagnosticLog(int fd = 2, Severity minimum = Severity::kInfo)
      : fd_(fd), minimum_(minimum) {}
  DiagnosticLog(const DiagnosticLog&) = delete;
  DiagnosticLog& operator=(const DiagnosticLog&) = delete;

  // `{"time":…,"level":"info","event":event,fields…}`. Strings longer than 1 KiB are cut; a line
  // that is still too long loses its last fields.
  void write(Severity severity, std::string_view event, std::initializer_list<LogField> fields = {},
             WallTime now = WallClock::now());

  void info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(Severity::kInfo, event, fields);
  }
  void warning(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(Severity::kWarning, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(Severity::kError, event, fields);
  }

  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  const int fd_;
  const Severity minimum_;
  std::mutex mutex_;  // between asking whether a line fits and writing it
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace portcullis::telemetry
