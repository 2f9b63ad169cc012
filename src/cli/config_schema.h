// `portcullis config schema`
#pragma once

#include "cli/command.h"

namespace portcullis::cli {

[[nodiscard]] Command config_schema_command();

}  // namespace portcullis::cli
