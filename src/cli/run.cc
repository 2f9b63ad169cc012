#include "cli/run.h"

#include "admin/admin.h"
#include "gateway/descriptors.h"
#include "gateway/process.h"
#include "telemetry/diagnostic_log.h"

#include <cstdio>

namespace portcullis::cli {

int run(const RunOptions& options) {
  gateway::raise_descriptor_limit();
  telemetry::DiagnosticLog log;
  gateway::Process process(options.config, log);
  admin::Server admin(
      process.loop(), process.tasks(),
      {.ready = [&] { return process.ready(); },
       .metrics = [&] { return process.registry().scrape(); },
       .bans = {.bans = &process.bans(),
                .rules = [&]() -> const overload::BanRules& { return process.ban_rules(); },
                .tell = [&](const overload::Ban& ban) { process.tell_ban(ban); }}});
  process.on_snapshot = [&](const gateway::Snapshot& snapshot) -> Result<void> {
    const auto& wanted = snapshot.config().admin;
    const auto before = admin.address();
    PC_CHECK_OK(admin.configure(wanted ? &*wanted : nullptr));
    if (const auto address = admin.address();
        address && (!before || before->to_string() != address->to_string())) {
      log.info("listening", {{"listener", "admin"}, {"address", address->to_string()}});
    }
    return {};
  };
  if (const Result<void> started = process.start(); !started) {
    if (started.error().code == ErrorCode::kBadConfig) {
      std::fputs(started.error().detail.c_str(), stderr);
      return 2;
    }
    log.error("not_started", {{"reason", started.error().detail}});
    return 3;
  }
  process.run(options.watch ? gateway::Watch::kYes : gateway::Watch::kNo, [&] { admin.stop(); });
  return 0;
}

}  // namespace portcullis::cli
