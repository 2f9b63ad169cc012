// Certificate files as they change under a running gateway: renewed without a reload, watched for
// their end, and told as metrics. On the control thread.
#pragma once

#include "base/clock.h"
#include "gateway/snapshot.h"
#include "gateway/tls_contexts.h"
#include "telemetry/diagnostic_log.h"
#include "telemetry/metrics.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace portcullis::gateway {

// Of each file: when it was written, its size and its place; -1 for one that is not there. What
// differs when a file has changed.
[[nodiscard]] std::vector<std::int64_t> stamps_of_files(const std::vector<std::string>& files);

class CertificateWatch {
 public:
  CertificateWatch(telemetry::Registry& registry, telemetry::DiagnosticLog& log,
                   runtime::TicketKeys& tickets)
      : registry_(registry), log_(log), tickets_(tickets) {}

  // A snapshot is in force: its files are those to watch from now on. `config_files` are the names
  // that its positions mean.
  void adopt(std::shared_ptr<const Snapshot> snapshot, std::vector<std::string> config_files);

  // For every second or so. When files have changed and then stood still for a call, they are read
  // again; one that is broken is told of once, and what it held before goes on being used. When the
  // snapshot has new certificates, `take` is called: when it returns they must be in use, which is
  // then logged.
  void look(WallTime now, const std::function<void()>& take);

 private:
  void renew(WallTime now, const std::function<void()>& take);
  void report(const CertificateFileFault& fault);
  void warn_of_ends(WallTime now);
  void publish();
  [[nodiscard]] std::string place_of(const config::Position& at) const;

  telemetry::Registry& registry_;
  telemetry::DiagnosticLog& log_;
  runtime::TicketKeys& tickets_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::vector<std::string> config_files_;
  std::vector<std::string> files_;
  std::vector<std::int64_t> taken_;  // stamps of what is in use
  std::vector<std::int64_t> seen_;   // stamps at the last look
  std::set<std::string> broken_;     // what was wrong when they were last read, with the file
  std::set<std::string> warned_;
  // By file and kind. Shared with the registry, which may ask until the process ends.
  std::map<std::pair<std::string, std::string>, std::shared_ptr<std::atomic<std::int64_t>>> ends_;
};

}  // namespace portcullis::gateway
