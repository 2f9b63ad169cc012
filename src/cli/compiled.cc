#include "cli/compiled.h"

#include "base/clock.h"
#include "config/load.h"
#include "gateway/check_files.h"

#include <optional>
#include <utility>

namespace portcullis::cli {

Compiled::Compiled() : limits_(Clock::now()) {}
Compiled::~Compiled() = default;

std::unique_ptr<const Compiled> Compiled::from_file(const std::string& path,
                                                    config::Diagnostics& diagnostics) {
  std::optional<config::Config> unsound;
  std::optional<config::Config> config = config::load(path, diagnostics, unsound);
  if (!config) {
    if (unsound) gateway::check_files(*unsound, diagnostics);
    return nullptr;
  }
  auto compiled = std::make_unique<Compiled>();
  compiled->snapshot_ = gateway::Snapshot::compile(
      std::move(*config), 1,
      {compiled->registry_, compiled->limits_, compiled->keys_, compiled->tickets_}, diagnostics);
  if (compiled->snapshot_ == nullptr) return nullptr;
  return compiled;
}

}  // namespace portcullis::cli
