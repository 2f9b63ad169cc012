// `portcullis run`.
#pragma once

#include <string>

namespace portcullis::cli {

struct RunOptions {
  std::string config = "portcullis.yaml";
  bool watch = false;  // reload when a file of the configuration changes
};

// Runs until SIGTERM or SIGINT. The value is the exit code.
int run(const RunOptions& options);

}  // namespace portcullis::cli
