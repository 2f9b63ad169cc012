#include "gateway/worker.h"

#include "base/check.h"
#include "gateway/listening.h"
#include "runtime/client_certificate.h"
#include "upstream/pools.h"

#include <algorithm>
#include <malloc.h>
#include <set>

namespace portcullis::gateway {
namespace {

constexpr std::chrono::seconds kPoolSweep{5};
constexpr std::size_t kWorthTrimming = 256UL * 1024;
// Idle connections that end at once while memory is short.
constexpr int kEvictedAtOnce = 64;
// How long a drain, or a listener that is gone, waits for the first request of a new connection.
constexpr std::chrono::seconds kFirstRequestGrace{1};

}  // namespace

class Worker::State {
 public:
  explicit State(WorkerOptions options);

  Result<void> adopt(const std::shared_ptr<const Snapshot>& snapshot,
                     const SharedListeners& shared);
  LocalSnapshot localise(const std::shared_ptr<const Snapshot>& snapshot);
  void localise_shedding(LocalSnapshot& local);
  void secure_listeners(const Snapshot& snapshot);
  void end_revoked_streams();
  void renew_tls();
  void drain(TimePoint deadline);
  Task<void> finish_draining();
  // Where no further request is wanted.
  void end_idle_connections() {
    for (Connection* connection : reception_.connections) {
      const Listening& listening = connection->listening;
      const bool may_ask = connection->phase() == http::Phase::kFresh && !listening.superseded();
      if (connection->is_answering() || may_ask) continue;
      if (listening.draining()) connection->stream.cancel_read();
    }
  }
  void end_silent_connections() {
    bool fresh = false;
    for (Connection* connection : reception_.connections) {
      if (connection->is_answering() || !connection->listening.draining()) continue;
      fresh = fresh || connection->phase() == http::Phase::kFresh;
      connection->stream.cancel_read();
    }
    // One that was not waiting just then begins to.
    if (fresh) fresh_timer_.arm(loop_.now() + kFirstRequestGrace);
  }
  void end_connections() {
    services_.streams.end_all(StreamEnd::kShutdown);
    for (Connection* connection : reception_.connections) connection->stream.hang_up();
  }

  void share_memory() {
    using overload::MemoryShare;
    memory_->connections.store(reception_.connections.size() * MemoryShare::kConnection,
                               std::memory_order_relaxed);
    memory_->tls.store(reception_.secured * MemoryShare::kTlsSession, std::memory_order_relaxed);
    memory_->buffers.store(loop_.buffers().held(), std::memory_order_relaxed);
  }
  void ease(bool evict) {
    for (int i = 0; evict && i < kEvictedAtOnce && reception_.evict_idlest() != nullptr; ++i) {
    }
    services_.codecs.coders.trim();
    loop_.buffers().trim();
    malloc_trim(0);
  }
  void on_log_timer() {
    share_memory();
    telemetry::LogBuffer* log = services_.ledger.log();
    if (log != nullptr) log->flush_if_due(loop_.now());
    log_timer_.arm(loop_.now() + std::chrono::milliseconds(100));
  }
  void on_sweep_timer() {
    pools_.sweep(loop_.now());
    services_.codecs.coders.trim();
    // After a burst the heap holds what nobody needs; the system may have it back.
    if (loop_.buffers().trim() >= kWorthTrimming) malloc_trim(0);
    sweep_timer_.arm(loop_.now() + kPoolSweep);
  }

 private:
  friend class Worker;
  Loop loop_;
  runtime::Resolver resolver_{loop_};
  WorkerServices services_;
  upstream::Pools pools_;
  std::shared_ptr<overload::MemoryShare> memory_;
  Shedders shedders_;
  Reception reception_;
  runtime::Timer log_timer_{loop_.timers(),
                            [](void* self) { static_cast<State*>(self)->on_log_timer(); }, this};
  runtime::Timer sweep_timer_{
      loop_.timers(), [](void* self) { static_cast<State*>(self)->on_sweep_timer(); }, this};
  runtime::Timer fresh_timer_{
      loop_.timers(), [](void* self) { static_cast<State*>(self)->end_silent_connections(); },
      this};
  runtime::Timer drain_timer_{
      loop_.timers(), [](void* self) { static_cast<State*>(self)->end_connections(); }, this};
};

// ---- the worker

Worker::State::State(WorkerOptions options)
    : services_{.ledger = Ledger(options.registry, options.access_log),
                .authentication = authn::WorkerState(options.cache_key),
                .key_refresher = authn::LoopKeyRefresher(loop_, std::move(options.fetch_keys)),
                .request_ids = RequestIds(options.id_seed),
                .codecs = Codecs(options.registry),
                .streams = OpenStreams(options.registry),
                .guard = options.guard,
                .offences = Offences(options.guard.bans, options.registry, options.log)},
      pools_(loop_, resolver_, options.standings),
      memory_(options.guard.memory.open_share()),
      reception_{.loop = loop_, .services = services_, .log = options.log} {
  on_log_timer();
  on_sweep_timer();
}

LocalSnapshot Worker::State::localise(const std::shared_ptr<const Snapshot>& snapshot) {
  LocalSnapshot local;
  local.snapshot = snapshot;
  const std::shared_ptr<const TlsContexts> tls = snapshot->tls();
  local.upstreams = pools_.adopt(snapshot->config().upstreams, [&](const std::string& upstream) {
    return tls->upstream(upstream);
  });
  for (const config::Upstream& config : snapshot->config().upstreams) {
    local.upstream_seconds.push_back(services_.ledger.registry().histogram(
        "portcullis_upstream_seconds",
        "From sending a request to the head of the upstream's answer.",
        {{"upstream", config.name}}));
  }
  for (const auto& listening : reception_.listeners) local.ports.push_back(listening->bound().port);
  localise_shedding(local);
  return local;
}

// What is known of each operation's latency goes over to the next snapshot.
void Worker::State::localise_shedding(LocalSnapshot& local) {
  Ledger& ledger = services_.ledger;
  local.shedders =
      shedders_.adopt(local.snapshot->config(), ledger.registry(), ledger.shard(), loop_.now());
  if (local.shedders.empty()) return;
  std::map<std::string, overload::LatencyBaseline> before;
  if (reception_.current && reception_.current->baselines != nullptr) {
    for (std::size_t i = 0; i < reception_.current->baselines->size(); ++i)
      before[reception_.current->snapshot->plans()[i].full_operation] =
          (*reception_.current->baselines)[i];
  }
  local.baselines = std::make_shared<std::vector<overload::LatencyBaseline>>();
  for (const Plan& plan : local.snapshot->plans())
    local.baselines->push_back(before[plan.full_operation]);
}

Result<void> Worker::State::adopt(const std::shared_ptr<const Snapshot>& snapshot,
                                  const SharedListeners& shared) {
  // First what can fail: new sockets.
  std::vector<std::shared_ptr<Listening>> next;
  std::vector<std::pair<Listening*, Listening*>> successions;
  for (const ListenerPlan& plan : snapshot->listeners()) {
    const auto same = std::ranges::find_if(reception_.listeners, [&](const auto& listening) {
      return listening->name() == plan.config.name &&
             listening->wanted().to_string() == plan.config.address.to_string();
    });
    if (same != reception_.listeners.end() && (*same)->made_as(plan)) {
      next.push_back(*same);
      continue;
    }
    auto fresh = std::make_shared<Listening>(reception_, plan.config.name);
    if (same != reception_.listeners.end())
      successions.emplace_back(fresh.get(), same->get());
    else
      PC_CHECK_OK(fresh->open(plan.config.address, shared.at(plan.config.name).bound));
    next.push_back(std::move(fresh));
  }
  for (const auto& [fresh, before] : successions) fresh->succeed(*before);
  for (const auto& listening : reception_.listeners) {
    if (std::ranges::find(next, listening) != next.end()) continue;
    listening->retire();
    fresh_timer_.arm(loop_.now() + kFirstRequestGrace);
  }
  end_idle_connections();
  reception_.listeners = std::move(next);
  resolver_.use_servers(snapshot->config().resolver);
  reception_.current = SnapshotRef(localise(snapshot));
  for (std::size_t i = 0; i < reception_.listeners.size(); ++i) {
    const ListenerPlan& plan = snapshot->listeners()[i];
    reception_.listeners[i]->update(i, plan, shared.at(plan.config.name).counts);
  }
  secure_listeners(*snapshot);
  return {};
}

void Worker::State::secure_listeners(const Snapshot& snapshot) {
  const std::shared_ptr<const TlsContexts> tls = snapshot.tls();
  for (const auto& listening : reception_.listeners) {
    auto context = tls->listener(listening->name());
    const auto plan = std::ranges::find(snapshot.listeners(), listening->name(),
                                        [](const ListenerPlan& one) { return one.config.name; });
    // What should be TLS must never be clear text.
    PC_CHECK(plan->config.tls.has_value() == (context != nullptr));
    listening->use_tls(std::move(context));
  }
  end_revoked_streams();
}

// Where no further request comes that would ask.
void Worker::State::end_revoked_streams() {
  const std::set<runtime::ClientCertificate*> shown = services_.streams.certificates();
  if (shown.empty()) return;
  for (const Connection* connection : reception_.connections) {
    if (shown.contains(connection->certificate.get()))
      connection->certificate->keep_up_with(connection->listening.clients());
  }
  services_.streams.end_revoked(loop_.wall_now());
}

// Requests under way go on with the connections that they have.
void Worker::State::renew_tls() {
  if (!reception_.current) return;
  const std::shared_ptr<const Snapshot> snapshot = reception_.current->snapshot;
  reception_.current = SnapshotRef(localise(snapshot));
  secure_listeners(*snapshot);
}

void Worker::State::drain(TimePoint deadline) {
  reception_.draining = true;
  for (const auto& listening : reception_.listeners) listening->stop_accepting();
  end_idle_connections();
  fresh_timer_.arm(std::min(deadline, loop_.now() + kFirstRequestGrace));
  drain_timer_.arm(deadline);
  reception_.tasks.spawn(finish_draining());
}

Task<void> Worker::State::finish_draining() {
  while (!reception_.connections.empty())
    co_await loop_.sleep_until(loop_.now() + std::chrono::milliseconds(10));
  reception_.current = SnapshotRef();
  co_await pools_.finish();
  loop_.stop();
}

Worker::Worker(WorkerOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Worker::~Worker() = default;

Loop& Worker::loop() { return state_->loop_; }

Result<void> Worker::adopt(const std::shared_ptr<const Snapshot>& snapshot,
                           const SharedListeners& shared) {
  return state_->adopt(snapshot, shared);
}

void Worker::renew_tls() { state_->renew_tls(); }

IpEndpoint Worker::address_of(std::string_view listener) const {
  for (const auto& listening : state_->reception_.listeners) {
    if (listening->name() == listener) return listening->bound();
  }
  return {};
}

void Worker::use_log(telemetry::LogSink* access_log) {
  state_->services_.ledger.use_log(access_log);
}

void Worker::run() { state_->loop_.run(); }

void Worker::drain(TimePoint deadline) { state_->drain(deadline); }

void Worker::ease(bool evict) { state_->ease(evict); }

void Worker::hurry() { state_->end_connections(); }

}  // namespace portcullis::gateway
