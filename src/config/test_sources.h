// Files and variables that a test makes up.
#pragma once

#include "config/sources.h"

#include <map>
#include <string>

namespace portcullis::config {

class TestSources final : public Sources {
 public:
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> variables;

  Result<std::string> read(const std::string& path, std::size_t most) override {
    const auto found = files.find(path);
    if (found == files.end()) return fail(ErrorCode::kMachine, "No such file or directory");
    if (found->second.size() > most) return fail(ErrorCode::kMachine, "too large");
    return found->second;
  }
  std::optional<std::string> environment(const std::string& name) override {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  }
};

}  // namespace portcullis::config
