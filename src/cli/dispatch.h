// From the words of a command line to the command that they mean, or to help.
#pragma once

#include "cli/command.h"

#include <span>
#include <string_view>

namespace portcullis::cli {

// `words` are those behind the program's name. Help that was asked for goes to `console.out` with
// kFine; a command line that means nothing gives a message, and nothing on `console.out`, with
// kUsage. Otherwise what the command returned.
[[nodiscard]] int dispatch(std::span<const std::string_view> words,
                           std::span<const Command> commands, Console& console);

}  // namespace portcullis::cli
