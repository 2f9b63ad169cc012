// `portcullis policy format`: policies in one layout, comments kept.
#pragma once

#include "cli/command.h"

namespace portcullis::cli {

[[nodiscard]] Command policy_format_command();

}  // namespace portcullis::cli
