// `portcullis json validate`: are these JSON texts valid by this JSON Schema.
#pragma once

#include "cli/command.h"

namespace portcullis::cli {

[[nodiscard]] Command json_validate_command();

}  // namespace portcullis::cli
