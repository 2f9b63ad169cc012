// Where the text of a configuration comes from: an interface, so that tests and the fuzz target
// read nothing from the machine.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <optional>
#include <string>

namespace portcullis::config {

class Sources {
 public:
  Sources() = default;
  Sources(const Sources&) = delete;
  Sources& operator=(const Sources&) = delete;
  virtual ~Sources() = default;

  // The whole of a file of at most `most` bytes. Errors: kMachine, with the reason in `detail`.
  [[nodiscard]] virtual Result<std::string> read(const std::string& path, std::size_t most) = 0;
  // A variable of the environment, or nothing when it is not set.
  [[nodiscard]] virtual std::optional<std::string> environment(const std::string& name) = 0;
};

// The files and the environment of this process.
[[nodiscard]] Sources& system_sources();

// Has no file and no variable.
[[nodiscard]] Sources& no_sources();

}  // namespace portcullis::config
