// A configuration compiled for a command that serves nothing by it.
#pragma once

#include "authn/key_source.h"
#include "config/diagnostics.h"
#include "gateway/snapshot.h"
#include "ratelimit/table.h"
#include "runtime/tls.h"
#include "telemetry/metrics.h"

#include <memory>
#include <string>

namespace portcullis::cli {

class Compiled {
 public:
  // Null, with diagnostics, when anything is wrong. Nothing is fetched and no socket is opened.
  [[nodiscard]] static std::unique_ptr<const Compiled> from_file(const std::string& path,
                                                                 config::Diagnostics& diagnostics);
  Compiled();
  ~Compiled();
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  [[nodiscard]] const std::shared_ptr<const gateway::Snapshot>& snapshot() const {
    return snapshot_;
  }

 private:
  // What a snapshot refers to goes after it.
  telemetry::Registry registry_;
  ratelimit::Table limits_;
  authn::KeySources keys_{0};
  runtime::TicketKeys tickets_;
  std::shared_ptr<const gateway::Snapshot> snapshot_;
};

}  // namespace portcullis::cli
