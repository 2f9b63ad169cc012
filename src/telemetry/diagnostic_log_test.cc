#include "telemetry/diagnostic_log.h"

#include <gtest/gtest.h>

#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace portcullis::telemetry {
namespace {

using namespace std::chrono_literals;

struct Pipe {
  std::array<int, 2> ends{};
  Pipe() { EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0); }
  ~Pipe() {
    for (const int fd : ends) close(fd);
  }
  std::string read_some() const {
    std::string text(8192, '\0');
    const ssize_t n = read(ends[0], text.data(), text.size());
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
  }
};

constexpr WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 6h + 33min + 5s +
                        7ms};

TEST(FormatTime, IsUtcWithMilliseconds) {
  EXPECT_EQ(format_time(kNow), "2026-11-24T06:33:05.007Z");
  EXPECT_EQ(format_time(WallTime{}), "1970-01-01T00:00:00.000Z");
}

TEST(DiagnosticLog, WritesOneJsonObjectALine) {
  const Pipe pipe;
  DiagnosticLog log(pipe.ends[1]);
  log.write(Severity::kWarning, "config_reloaded",
            {{"file", "a\nb"}, {"revision", std::int64_t{12}}, {"changed", true}}, kNow);
  EXPECT_EQ(pipe.read_some(),
            "{\"time\":\"2026-11-24T06:33:05.007Z\",\"level\":\"warning\",\"event\":\"config_"
            "reloaded\",\"file\":\"a\\nb\",\"revision\":12,\"changed\":true}\n");
}

TEST(DiagnosticLog, LeavesOutWhatIsBelowItsLevel) {
  const Pipe pipe;
  DiagnosticLog log(pipe.ends[1], Severity::kWarning);
  log.write(Severity::kInfo, "quiet", {}, kNow);
  log.write(Severity::kError, "loud", {}, kNow);
  const std::string text = pipe.read_some();
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("loud"), std::string::npos);
}

TEST(DiagnosticLog, KeepsLinesWithinOneAtomicWrite) {
  const Pipe pipe;
  DiagnosticLog log(pipe.ends[1]);
  const std::string text(5000, 'x');
  const std::string worst(1024, '\x01');  // six bytes each
  log.write(Severity::kInfo, "long", {{"kept", text}, {"left_out", worst}, {"also", text}}, kNow);
  const std::string line = pipe.read_some();
  EXPECT_LE(line.size(), 4096U);
  EXPECT_TRUE(line.ends_with("x\"}\n")) << line;
  EXPECT_EQ(line.find("left_out"), std::string::npos);
}

TEST(DiagnosticLog, DropsAndCountsWhenNobodyReads) {
  const Pipe pipe;
  DiagnosticLog log(pipe.ends[1]);
  const std::string text(1000, 'x');
  for (int i = 0; i < 200; ++i) log.info("flood", {{"text", text}});
  EXPECT_GT(log.dropped(), 0U);
  EXPECT_LT(log.dropped(), 200U);
}

}  // namespace
}  // namespace portcullis::telemetry
