// The door of this folder: a file, with what it includes, as a checked Config.
#pragma once

#include "config/config.h"
#include "config/sources.h"

#include <optional>
#include <string>
#include <string_view>

namespace portcullis::config {

// Reads `path` and the files that it includes, resolves secrets, and checks everything that can be
// known without the network. All that is wrong is reported at once; nothing is returned when there
// is an error. Warnings and notes are given only when there is none, since a half-read file would
// cause false ones. Relative paths mean the folder of the file that names them. That certificates
// and key sets exist and are sound is for who compiles the configuration.
[[nodiscard]] std::optional<Config> load(const std::string& path, Diagnostics& diagnostics);
[[nodiscard]] std::optional<Config> load(const std::string& path, Diagnostics& diagnostics,
                                         Sources& sources);
// The same. Where there are errors, `unsound` gets what could be read nevertheless, so that further
// mistakes can be looked for in it; it must not be run.
[[nodiscard]] std::optional<Config> load(const std::string& path, Diagnostics& diagnostics,
                                         std::optional<Config>& unsound);

// The same for a text; `name` stands for the file in messages and relative paths. Reads nothing
// but `sources`.
[[nodiscard]] std::optional<Config> load_text(std::string_view text, const std::string& name,
                                              Diagnostics& diagnostics,
                                              Sources& sources = no_sources());

}  // namespace portcullis::config
