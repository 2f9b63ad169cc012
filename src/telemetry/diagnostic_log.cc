#include "telemetry/diagnostic_log.h"

#include "base/json_text.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <poll.h>
#include <unistd.h>

namespace portcullis::telemetry {
namespace {

constexpr std::size_t kMaximumString = 1024;
// PIPE_BUF: a pipe that polls as writable takes this much without blocking, and as one piece.
constexpr std::size_t kMaximumLine = 4096;

std::string_view level(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "debug";
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "error";
}

void append_value(std::string& out, const LogField& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    append_json_string(out, text->substr(0, kMaximumString));
  } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    out += std::to_string(*number);
  } else {
    out += std::get<bool>(field.value) ? "true" : "false";
  }
}

}  // namespace

std::string format_time(WallTime time) {
  using std::chrono::floor;
  const auto in_ms = floor<std::chrono::milliseconds>(time);
  const auto day = floor<std::chrono::days>(in_ms);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(in_ms - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

void DiagnosticLog::write(Severity severity, std::string_view event,
                          std::initializer_list<LogField> fields, WallTime now) {
  if (severity < minimum_) return;
  std::string line = "{\"time\":\"" + format_time(now) + "\",\"level\":\"";
  line += level(severity);
  line += "\",\"event\":";
  append_json_string(line, event.substr(0, kMaximumString));
  for (const LogField& field : fields) {
    const std::size_t before = line.size();
    line += ',';
    append_json_string(line, field.name);
    line += ':';
    append_value(line, field);
    if (line.size() + 2 > kMaximumLine) {
      line.resize(before);
      break;
    }
  }
  line += "}\n";

  const std::lock_guard lock(mutex_);
  pollfd writable{fd_, POLLOUT, 0};
  const bool fits = poll(&writable, 1, 0) == 1 && (writable.revents & POLLOUT) != 0;
  ssize_t written = -1;
  if (fits) {
    do written = ::write(fd_, line.data(), line.size());
    while (written < 0 && errno == EINTR);
  }
  if (written != static_cast<ssize_t>(line.size())) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace portcullis::telemetry
