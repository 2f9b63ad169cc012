// The running gateway: its workers, and the control thread that compiles configurations, fetches
// keys, hears signals and ends it all in order.
#pragma once

#include "authn/key_source.h"
#include "config/diagnostics.h"
#include "gateway/certificate_watch.h"
#include "gateway/guard.h"
#include "gateway/snapshot.h"
#include "gateway/worker.h"
#include "ratelimit/table.h"
#include "runtime/loop.h"
#include "runtime/resolver.h"
#include "runtime/tls.h"
#include "telemetry/diagnostic_log.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "upstream/prober.h"
#include "upstream/standing.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace portcullis::gateway {

enum class Watch : std::uint8_t { kNo, kYes };

class Process {
 public:
  Process(std::string config_path, telemetry::DiagnosticLog& log);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Loads the configuration and opens every socket. Errors: kBadConfig, with the diagnostics as
  // they are printed; kMachine.
  Result<void> start();

  // Called on the control thread with each snapshot that was adopted, the first one by start().
  std::function<Result<void>(const Snapshot&)> on_snapshot;

  // Runs until SIGTERM or SIGINT and the drain that follows. SIGHUP reloads; SIGUSR1 reopens the
  // access log.
  // `on_drained` is called on the control thread when the workers have ended: what else runs there
  // must then end too.
  void run(Watch watch, const std::function<void()>& on_drained);

  // On the control thread.
  void reload();
  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] telemetry::Registry& registry() { return registry_; }
  [[nodiscard]] telemetry::DiagnosticLog& log() { return log_; }
  [[nodiscard]] TaskGroup& tasks() { return tasks_; }
  // The bans, for who lists and changes them, and the rules that are in force.
  [[nodiscard]] overload::Bans& bans() { return guard_.bans; }
  [[nodiscard]] const overload::BanRules& ban_rules() const { return snapshot_->ban_rules(); }
  void tell_ban(const overload::Ban& ban) { gateway::tell_ban(ban, &log_, registry_, *shard_); }

 private:
  class Signals;
  friend class Signals;

  Result<std::shared_ptr<const Snapshot>> compile(std::uint64_t revision);
  Result<void> open_access_log(const config::AccessLog& wanted);
  Result<void> adopt_everywhere(const std::shared_ptr<const Snapshot>& snapshot);
  [[nodiscard]] Result<void> check_addresses(const Snapshot& next) const;
  void renew_tls_everywhere();
  void prepare_shared(const Snapshot& snapshot);
  Result<void> call(Worker& worker, const std::function<Result<void>(Worker&)>& work);
  void register_metrics();
  // Probes, names and metrics as the snapshot in force says.
  void follow_upstreams();
  void probe_upstreams();
  void on_target_event(const upstream::TargetEvent& event);
  void on_signal(int number);
  void begin_drain();
  Result<std::shared_ptr<const runtime::TlsClientContext>> tls_client();
  Task<Result<std::string>> fetch_text(const std::string& text);
  // Of a source whose fetch has begun.
  Task<void> fetch(std::shared_ptr<authn::KeySource> source);
  void fetch_what_is_due();
  Task<void> end_control();
  void on_tick();
  void register_guard_metrics();
  void use_bounds();
  void look_at_memory();

  std::string config_path_;
  telemetry::DiagnosticLog& log_;
  Loop loop_;
  runtime::Resolver resolver_{loop_};
  telemetry::Registry registry_;
  telemetry::ShardHandle shard_;
  upstream::Standings standings_;
  upstream::Prober prober_;
  ratelimit::Table limits_;
  Guard guard_;
  authn::KeySources keys_;
  runtime::TicketKeys tickets_;
  CertificateWatch certificates_;
  std::shared_ptr<const runtime::TlsClientContext> tls_client_;
  TaskGroup tasks_;
  TaskGroup ending_;
  std::unique_ptr<Signals> signals_;
  runtime::Timer tick_;
  runtime::Timer memory_timer_;
  TimePoint next_ease_{};

  std::shared_ptr<telemetry::LogSink> access_log_;
  std::string access_log_target_;
  std::uint64_t log_written_before_ = 0;  // by sinks that are closed
  std::uint64_t log_dropped_before_ = 0;
  SharedListeners shared_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::uint64_t last_revision_ = 0;
  std::vector<std::string> files_;          // of the configuration in force, to watch for a reload
  std::vector<std::string> compiled_from_;  // of the last one that compiled, as positions mean them
  std::vector<std::int64_t> stamps_;
  Watch watch_ = Watch::kNo;
  bool ready_ = false;
  bool running_ = false;
  bool draining_ = false;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::size_t finished_ = 0;
};

}  // namespace portcullis::gateway
