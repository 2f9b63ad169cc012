// `portcullis explain`: what would become of a request, step by step, and by which line.
#pragma once

#include "cli/command.h"

namespace portcullis::cli {

[[nodiscard]] Command explain_command();

}  // namespace portcullis::cli
