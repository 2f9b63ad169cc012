#include "gateway/process.h"

#include "base/check.h"
#include "config/load.h"
#include "gateway/check_files.h"
#include "http/fetch.h"
#include "jose/jwk.h"
#include "runtime/stream.h"

#include <algorithm>
#include <csignal>
#include <future>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace portcullis::gateway {
namespace {

constexpr std::chrono::seconds kFetchTimeout{5};
constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::seconds kLogFlush{1};

std::uint64_t random_word() { return HashKey::random().a; }

}  // namespace

// Signals arrive as readable bytes on the control loop; every thread has them blocked.
class Process::Signals final : public runtime::Pollable {
 public:
  explicit Signals(Process& owner) : owner_(owner) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    PC_CHECK(fd_ >= 0 && owner_.loop_.add(fd_, *this, EPOLLIN, runtime::Trigger::kLevel));
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() {
    owner_.loop_.remove(fd_, *this);
    close(fd_);
  }
  void on_events(std::uint32_t) override {
    signalfd_siginfo info{};
    while (read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      owner_.on_signal(static_cast<int>(info.ssi_signo));
    }
  }

 private:
  Process& owner_;
  int fd_ = -1;
};

Process::Process(std::string config_path, telemetry::DiagnosticLog& log)
    : config_path_(std::move(config_path)),
      log_(log),
      shard_(registry_.open_shard()),
      standings_([this](const upstream::TargetEvent& event) { on_target_event(event); }),
      prober_(loop_, resolver_, standings_),
      limits_(loop_.now()),
      guard_(loop_.now()),
      keys_(random_word()),
      certificates_(registry_, log_, tickets_),
      tick_(
          loop_.timers(), [](void* self) { static_cast<Process*>(self)->on_tick(); }, this),
      memory_timer_(
          loop_.timers(), [](void* self) { static_cast<Process*>(self)->look_at_memory(); }, this) {
}

Process::~Process() = default;

// ---- configurations

Result<std::shared_ptr<const Snapshot>> Process::compile(std::uint64_t revision) {
  config::Diagnostics diagnostics;
  std::optional<config::Config> unsound;
  std::optional<config::Config> config = config::load(config_path_, diagnostics, unsound);
  std::shared_ptr<const Snapshot> snapshot;
  if (config) {
    files_ = config->files;
    const std::vector<std::string> renewed_by_themselves = certificate_files(*config);
    snapshot = Snapshot::compile(std::move(*config), revision,
                                 {registry_, limits_, keys_, tickets_,
                                  snapshot_ != nullptr ? snapshot_->tls() : nullptr, &guard_.gates},
                                 diagnostics);
    if (snapshot != nullptr) {
      std::erase_if(files_, [&](const std::string& file) {
        return std::ranges::find(renewed_by_themselves, file) != renewed_by_themselves.end();
      });
    }
    stamps_ = stamps_of_files(files_);
  } else {
    // A broken file is watched too, so that mending it is seen.
    files_ = diagnostics.files();
    stamps_ = stamps_of_files(files_);
    if (unsound) check_files(*unsound, diagnostics);
  }
  if (snapshot == nullptr) return fail(ErrorCode::kBadConfig, diagnostics.to_string());
  compiled_from_ = diagnostics.files();
  for (const config::Diagnostic& diagnostic : diagnostics.all()) {
    if (diagnostic.severity != config::Severity::kWarning) continue;
    log_.warning("configuration", {{"file", diagnostics.files().at(diagnostic.at.file)},
                                   {"line", static_cast<std::int64_t>(diagnostic.at.line)},
                                   {"key", diagnostic.key},
                                   {"message", diagnostic.message}});
  }
  return snapshot;
}

// Workers share their addresses with one another, and must not with another gateway. A port that is
// ours already is not asked for: it is taken, by us.
Result<void> Process::check_addresses(const Snapshot& next) const {
  for (const ListenerPlan& listener : next.listeners()) {
    const IpEndpoint& address = listener.config.address;
    const auto has_port = [&](const ListenerPlan& ours) {
      return ours.config.address.port == address.port;
    };
    if (snapshot_ != nullptr && std::ranges::any_of(snapshot_->listeners(), has_port)) continue;
    PC_CHECK_OK(runtime::Acceptor::check_free(address));
  }
  return {};
}

void Process::prepare_shared(const Snapshot& snapshot) {
  for (const ListenerPlan& listener : snapshot.listeners())
    shared_.try_emplace(listener.config.name);
}

Result<void> Process::open_access_log(const config::AccessLog& wanted) {
  const std::string target = wanted.enabled ? wanted.to : std::string();
  if (target == access_log_target_) return {};
  std::shared_ptr<telemetry::LogSink> fresh;
  if (wanted.enabled) {
    PC_TRY(fresh, telemetry::LogSink::open(wanted.to));
  }
  for (const auto& worker : workers_) {
    PC_CHECK_OK(call(*worker, [&](Worker& one) {
      one.use_log(fresh.get());
      return Result<void>{};
    }));
  }
  if (access_log_ != nullptr) {
    access_log_->close(kLogFlush);
    log_written_before_ += access_log_->written();
    log_dropped_before_ += access_log_->dropped();
  }
  access_log_ = std::move(fresh);
  access_log_target_ = target;
  return {};
}

// Runs `work` on the worker's thread and waits for it; before the workers run, right here.
Result<void> Process::call(Worker& worker, const std::function<Result<void>(Worker&)>& work) {
  if (!running_) return work(worker);
  std::promise<Result<void>> done;
  worker.loop().post([&] { done.set_value(work(worker)); });
  return done.get_future().get();
}

// A worker that cannot open a socket changes nothing; those before it take the old configuration
// again.
Result<void> Process::adopt_everywhere(const std::shared_ptr<const Snapshot>& snapshot) {
  PC_CHECK_OK(check_addresses(*snapshot));
  prepare_shared(*snapshot);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Result<void> adopted =
        call(*workers_[i], [&](Worker& worker) { return worker.adopt(snapshot, shared_); });
    if (!adopted) {
      for (std::size_t back = 0; back < i && snapshot_ != nullptr; ++back) {
        const Result<void> returned =
            call(*workers_[back], [&](Worker& worker) { return worker.adopt(snapshot_, shared_); });
        if (!returned) log_.error("worker_not_restored", {{"reason", returned.error().detail}});
      }
      return adopted;
    }
    if (i > 0) continue;
    PC_CHECK_OK(call(*workers_[0], [&](Worker& worker) {
      for (const ListenerPlan& listener : snapshot->listeners()) {
        shared_.at(listener.config.name).bound = worker.address_of(listener.config.name);
      }
      return Result<void>{};
    }));
  }
  return {};
}

Result<void> Process::start() {
  signals_ = std::make_unique<Signals>(*this);
  PC_TRY(std::shared_ptr<const Snapshot> snapshot, compile(1));
  last_revision_ = 1;
  PC_CHECK_OK(open_access_log(snapshot->config().access_log));
  const std::uint32_t wanted = snapshot->config().workers;
  const std::uint32_t count =
      wanted != 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
  const HashKey cache_key = HashKey::random();
  for (std::uint32_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(
        WorkerOptions{.registry = registry_,
                      .access_log = access_log_.get(),
                      .standings = standings_,
                      .guard = guard_,
                      .cache_key = cache_key,
                      .id_seed = random_word(),
                      .fetch_keys =
                          [this](std::shared_ptr<authn::KeySource> source) {
                            loop_.post([this, source = std::move(source)] {
                              if (source->begin_requested_fetch()) tasks_.spawn(fetch(source));
                            });
                          },
                      .log = &log_}));
  }
  PC_CHECK_OK(adopt_everywhere(snapshot));
  snapshot_ = std::move(snapshot);
  use_bounds();
  follow_upstreams();
  certificates_.adopt(snapshot_, compiled_from_);
  register_metrics();
  if (on_snapshot) PC_CHECK_OK(on_snapshot(*snapshot_));
  for (const auto& [name, listener] : shared_) {
    log_.info("listening", {{"listener", name}, {"address", listener.bound.to_string()}});
  }
  return {};
}

void Process::reload() {
  if (draining_) return;
  auto refused = [&](const Error& error) {
    shard_->add(registry_.counter("portcullis_reloads_total", "Reloads, by what became of them.",
                                  {{"result", "refused"}}));
    log_.error("reload_refused", {{"errors", error.detail}});
  };
  Result<std::shared_ptr<const Snapshot>> compiled = compile(last_revision_ + 1);
  if (!compiled) return refused(compiled.error());
  if (Result<void> adopted = adopt_everywhere(*compiled); !adopted) return refused(adopted.error());
  ++last_revision_;
  snapshot_ = *std::move(compiled);
  use_bounds();
  follow_upstreams();
  certificates_.adopt(snapshot_, compiled_from_);
  if (Result<void> opened = open_access_log(snapshot_->config().access_log); !opened) {
    log_.error("access_log_unchanged", {{"reason", opened.error().detail}});
  }
  if (on_snapshot) {
    if (Result<void> followed = on_snapshot(*snapshot_); !followed) {
      log_.error("admin_unchanged", {{"reason", followed.error().detail}});
    }
  }
  std::erase_if(shared_, [&](const auto& entry) {
    return std::ranges::none_of(snapshot_->listeners(), [&](const ListenerPlan& plan) {
      return plan.config.name == entry.first;
    });
  });
  shard_->add(registry_.counter("portcullis_reloads_total", "Reloads, by what became of them.",
                                {{"result", "reloaded"}}));
  log_.info("reloaded", {{"revision", static_cast<std::int64_t>(last_revision_)}});
  fetch_what_is_due();
}

// ---- upstreams

void Process::follow_upstreams() {
  const std::vector<config::Upstream>& upstreams = snapshot_->config().upstreams;
  resolver_.use_servers(snapshot_->config().resolver);
  constexpr std::string_view kHealthy = "portcullis_upstream_healthy";
  constexpr std::string_view kEjections = "portcullis_upstream_ejections_total";
  for (const auto& gone : standings_.keep_only(upstreams)) {
    const telemetry::Label labels[] = {{"upstream", gone->upstream()}, {"target", gone->target()}};
    for (const std::string_view name : {kHealthy, kEjections})
      registry_.forget_callback(name, labels);
  }
  for (const config::Upstream& upstream : upstreams) {
    for (const config::Text& target : upstream.targets) {
      const telemetry::Label labels[] = {{"upstream", upstream.name}, {"target", target.value}};
      const auto standing = standings_.find(upstream.name, target.value);
      registry_.gauge_callback(kHealthy, "1 while the target takes its turn.", labels,
                               [this, standing] { return standing->is_out(loop_.now()) ? 0 : 1; });
      registry_.counter_callback(
          kEjections, "How often the target was left alone after errors.", labels,
          [standing] { return static_cast<std::int64_t>(standing->ejections()); });
    }
  }
  if (running_) probe_upstreams();
}

void Process::probe_upstreams() {
  const std::shared_ptr<const TlsContexts> tls = snapshot_->tls();
  prober_.adopt(snapshot_->config().upstreams,
                [&](const std::string& upstream) { return tls->upstream(upstream); });
}

// On any thread.
void Process::on_target_event(const upstream::TargetEvent& event) {
  using Kind = upstream::TargetEvent::Kind;
  const std::initializer_list<telemetry::LogField> fields = {
      {"upstream", event.upstream}, {"target", event.target}, {"reason", event.reason}};
  switch (event.kind) {
    case Kind::kUnhealthy:
      return log_.warning("target_unhealthy", fields);
    case Kind::kHealthy:
      return log_.info("target_healthy", fields);
    case Kind::kEjected:
      return log_.warning("target_ejected", fields);
    case Kind::kAddressRefused:
      return log_.warning("target_address_refused", fields);
  }
}

// ---- keys of issuers

// Reading the system's certification authorities takes longer than all else at start, so it waits
// for the first use.
Result<std::shared_ptr<const runtime::TlsClientContext>> Process::tls_client() {
  if (tls_client_ == nullptr) {
    PC_TRY(tls_client_, runtime::TlsClientContext::create());
  }
  return tls_client_;
}

Task<Result<std::string>> Process::fetch_text(const std::string& text) {
  const auto url = http::parse_url(text);
  if (!url) co_return fail(ErrorCode::kUpstreamUnreachable, "not a URL");
  PC_CO_TRY(const auto tls, tls_client());
  co_return co_await http::fetch(loop_, resolver_, *tls, *url, jose::kMaximumKeySetSize,
                                 loop_.now() + kFetchTimeout);
}

Task<void> Process::fetch(std::shared_ptr<authn::KeySource> source) {
  const std::string& text = source->settings().url;
  Result<std::string> body = co_await fetch_text(text);
  Result<void> outcome;
  if (body) {
    outcome = source->fetch_succeeded(*body, loop_.now());
  } else {
    source->fetch_failed(body.error().detail, loop_.now());
    outcome = std::unexpected(std::move(body).error());
  }
  const std::string_view result = outcome ? "fetched" : "failed";
  shard_->add(registry_.counter("portcullis_key_fetches_total", "Fetches of issuers' keys.",
                                {{"url", text}, {"result", result}}));
  if (!outcome)
    log_.warning("keys_not_fetched", {{"url", text}, {"reason", outcome.error().detail}});
}

void Process::fetch_what_is_due() {
  if (draining_) return;
  for (const auto& source : keys_.living()) {
    if (source->next_fetch_at() <= loop_.now() && source->begin_fetch())
      tasks_.spawn(fetch(source));
  }
}

// ---- the control thread

void Process::register_metrics() {
  const auto gauge = [&](std::string_view name, std::string_view help,
                         telemetry::Registry::Callback value) {
    registry_.gauge_callback(name, help, {}, std::move(value));
  };
  const auto counter = [&](std::string_view name, std::string_view help,
                           telemetry::Registry::Callback value) {
    registry_.counter_callback(name, help, {}, std::move(value));
  };
  gauge("portcullis_snapshots", "Configurations that are alive.",
        [] { return Snapshot::living(); });
  counter("portcullis_limits_overflowed_total", "Requests that had to share an overflow bucket.",
          [this] { return static_cast<std::int64_t>(limits_.overflowed()); });
  gauge("portcullis_limits_slots_used", "Slots of the limits' table that were ever used.",
        [this] { return static_cast<std::int64_t>(limits_.used()); });
  counter("portcullis_access_log_lines_total", "Lines of the access log that were written.",
          [this] {
            return static_cast<std::int64_t>(log_written_before_ +
                                             (access_log_ != nullptr ? access_log_->written() : 0));
          });
  counter("portcullis_access_log_dropped_total", "Lines of the access log that were dropped.",
          [this] {
            return static_cast<std::int64_t>(log_dropped_before_ +
                                             (access_log_ != nullptr ? access_log_->dropped() : 0));
          });
  counter("portcullis_log_dropped_total", "Lines about the process itself that were dropped.",
          [this] { return static_cast<std::int64_t>(log_.dropped()); });
  register_guard_metrics();
}

void Process::on_tick() {
  guard_.bans.tidy(loop_.now());
  fetch_what_is_due();
  if (watch_ == Watch::kYes && stamps_of_files(files_) != stamps_) reload();
  if (!draining_) certificates_.look(loop_.wall_now(), [this] { renew_tls_everywhere(); });
  if (!draining_) tick_.arm(loop_.now() + kTick);
}

void Process::renew_tls_everywhere() {
  for (const auto& worker : workers_) {
    const Result<void> renewed = call(*worker, [](Worker& one) {
      one.renew_tls();
      return Result<void>{};
    });
    PC_CHECK(renewed);
  }
  probe_upstreams();
}

void Process::on_signal(int number) {
  switch (number) {
    case SIGHUP:
      return reload();
    case SIGUSR1:
      if (access_log_ != nullptr) access_log_->reopen();
      log_.info("access_log_reopened");
      return;
    default:
      return begin_drain();
  }
}

// A second signal ends the patience.
void Process::begin_drain() {
  const bool again = draining_;
  draining_ = true;
  ready_ = false;
  prober_.stop();
  const auto patience = again ? std::chrono::milliseconds(0) : snapshot_->config().drain_timeout;
  log_.info("draining", {{"at_most_ms", patience.count()}});
  const TimePoint deadline = loop_.now() + patience;
  for (const auto& worker : workers_) {
    worker->loop().post(
        [one = worker.get(), deadline, again] { again ? one->hurry() : one->drain(deadline); });
  }
}

// What is under way on the control thread is bounded by its own deadlines.
Task<void> Process::end_control() {
  while (tasks_.running() > 0 || prober_.running() > 0)
    co_await loop_.sleep_until(loop_.now() + std::chrono::milliseconds(5));
  loop_.stop();
}

void Process::run(Watch watch, const std::function<void()>& on_drained) {
  watch_ = watch;
  running_ = true;
  for (const auto& worker : workers_) {
    threads_.emplace_back([this, one = worker.get(), &on_drained] {
      one->run();
      loop_.post([this, &on_drained] {
        if (++finished_ < workers_.size()) return;
        on_drained();
        ending_.spawn(end_control());
      });
    });
  }
  probe_upstreams();
  ready_ = true;
  on_tick();
  look_at_memory();
  log_.info("ready", {{"workers", static_cast<std::int64_t>(workers_.size())}});
  loop_.run();
  for (std::thread& thread : threads_) thread.join();
  running_ = false;
  workers_.clear();  // hands the last lines over
  if (access_log_ != nullptr) access_log_->close(kLogFlush);
  log_.info("stopped");
}

}  // namespace portcullis::gateway
