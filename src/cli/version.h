// `portcullis version`
#pragma once

#include "cli/command.h"

namespace portcullis::cli {

[[nodiscard]] Command version_command();

}  // namespace portcullis::cli
