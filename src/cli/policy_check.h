// `portcullis policy check`: whether policies can go wrong under a schema.
#pragma once

#include "cli/command.h"

namespace portcullis::cli {

[[nodiscard]] Command policy_check_command();

}  // namespace portcullis::cli
