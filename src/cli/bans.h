// `portcullis bans list|add|remove`: what the admin listener of a running gateway knows of bans.
#pragma once

#include "cli/command.h"

namespace portcullis::cli {

[[nodiscard]] Command bans_list_command();
[[nodiscard]] Command bans_add_command();
[[nodiscard]] Command bans_remove_command();

}  // namespace portcullis::cli
