// `portcullis hash key`: a new API key, and what the configuration keeps of it.
#pragma once

#include "cli/command.h"

namespace portcullis::cli {

[[nodiscard]] Command hash_key_command();

}  // namespace portcullis::cli
