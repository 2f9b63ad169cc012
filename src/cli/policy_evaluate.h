// `portcullis policy evaluate`.
#pragma once

#include "cli/command.h"

namespace portcullis::cli {

[[nodiscard]] Command policy_evaluate_command();

}  // namespace portcullis::cli
