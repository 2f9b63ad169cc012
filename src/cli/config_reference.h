// `portcullis config reference`
#pragma once

#include "cli/command.h"

namespace portcullis::cli {

[[nodiscard]] Command config_reference_command();

}  // namespace portcullis::cli
