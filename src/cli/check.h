// `portcullis check`: everything that `run` does with a configuration before it opens a socket.
#pragma once

#include "cli/command.h"

#include <cstdint>
#include <string>

namespace portcullis::cli {

enum class CheckFormat : std::uint8_t { kText, kJson };

// Loads and compiles the file. kFine when it may be run, else kUsage. Text: diagnostics on
// `console.err`, a summary on `console.out`. JSON: all of it on `console.out`. Nothing is fetched,
// and no secret is in what is said.
[[nodiscard]] int check(const std::string& path, CheckFormat format, Console& console);

[[nodiscard]] Command check_command();

}  // namespace portcullis::cli
