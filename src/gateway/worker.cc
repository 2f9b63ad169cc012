#include "gateway/worker.h"

#include "base/check.h"
#include "gateway/accept_counts.h"
#include "gateway/client_address.h"
#include "http/receive_proxy_header.h"
#include "http/server.h"
#include "http2/server.h"
#include "runtime/client_certificate.h"
#include "runtime/socket_address.h"
#include "runtime/tls.h"
#include "telemetry/counter_family.h"
#include "upstream/pools.h"

#include <algorithm>
#include <list>
#include <malloc.h>
#include <optional>
#include <set>
#include <sys/socket.h>
#include <unistd.h>

namespace portcullis::gateway {
namespace {

constexpr std::chrono::seconds kPoolSweep{5};
constexpr std::chrono::seconds kRefusalLines{1};
constexpr std::size_t kWorthTrimming = 256UL * 1024;
// Idle connections that end at once while memory is short.
constexpr int kEvictedAtOnce = 64;
// How long a drain, or a listener that is gone, waits for the first request of a new connection.
constexpr std::chrono::seconds kFirstRequestGrace{1};

}  // namespace

class Worker::State {
 public:
  explicit State(WorkerOptions options);

  struct Connection;

  // One listening socket, through reloads; connections keep it alive.
  class Listening final : public runtime::Acceptor::Handler,
                          public http2::ServerContext,
                          public http::Handler {
   public:
    Listening(State& owner, std::string name);
    // Errors: kMachine.
    Result<void> open(const IpEndpoint& address, const IpEndpoint& of_first_worker);
    void update(std::size_t index, const ListenerPlan& plan,
                std::shared_ptr<ConnectionCounts> counts);
    // No longer in the configuration that is about to be taken: accepts no more, and its
    // connections end after the request in hand, which the configuration decides that had it.
    void retire();
    // Whether connections are made as the plan has it: in clear text or under TLS, by their peers
    // or by proxies.
    [[nodiscard]] bool made_as(const ListenerPlan& plan) const {
      return (tls_ != nullptr) == plan.config.tls.has_value() &&
             proxies_.empty() == plan.proxies.empty();
    }
    // Takes the socket of one that was made otherwise and is about to retire: a request that is not
    // yet in hand there is never decided, since what would be said could be in clear text.
    void succeed(Listening& before);
    [[nodiscard]] bool retired() const { return retired_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const IpEndpoint& wanted() const { return wanted_; }
    [[nodiscard]] IpEndpoint bound() const { return acceptor_ ? acceptor_->address() : wanted_; }
    void stop_accepting() {
      if (acceptor_) acceptor_->stop();
    }

    // Null: clear text.
    void use_tls(std::shared_ptr<const runtime::TlsServerContext> tls) { tls_ = std::move(tls); }

    [[nodiscard]] const http::ServerSettings& settings() const override { return settings_; }
    http::Handler& handler() override { return *this; }
    [[nodiscard]] const http2::ServerSettings& http2() const override { return http2_; }
    [[nodiscard]] bool draining() const override { return retired_ || owner_.draining_; }
    void on_abuse(http2::Abuse abuse, const http::ConnectionInfo& connection) override;
    [[clang::coro_wrapper]] Task<void> handle(http::Exchange& exchange) override {
      if (superseded_) [[unlikely]]
        return drop(exchange);
      // One that was good when the connection was made may have been revoked since.
      if (runtime::ClientCertificate* shown = exchange.connection().certificate; shown != nullptr)
        shown->keep_up_with(clients());
      return serve(exchange, snapshot(), index_, owner_.services_);
    }
    [[clang::coro_wrapper]] Task<void> handle_unreadable(http::Exchange& exchange,
                                                         const Error& error) override {
      if (superseded_) [[unlikely]]
        return drop(exchange);
      return serve_unreadable(exchange, snapshot(), index_, owner_.services_, error);
    }
    void on_connection(int fd, const IpEndpoint& peer) override;
    [[nodiscard]] bool speaks(config::Protocol protocol) const {
      return std::ranges::find(protocols_, protocol) != protocols_.end();
    }
    void on_exhausted() override;
    void on_offence(const IpAddress& client, http::Offence offence) override {
      owner_.note_offence(client, offence);
    }
    void on_slow_client(http::SlowClient slow) override { counts_of_accept_.slow(slow); }
    void on_refused_certificate(std::string_view fault, std::string_view reason,
                                const IpEndpoint& peer);
    // Ends the connection that has been idle longest; null when a request is under way on each.
    Connection* evict_idlest();

   private:
    friend class State;
    [[nodiscard]] std::optional<TurnedAway> make_room(const IpAddress& peer);
    static Task<void> drop(http::Exchange& exchange) {
      exchange.abort();
      co_return;
    }
    // Whose certificates are believed. Null: none are asked for.
    [[nodiscard]] std::shared_ptr<const runtime::Trust> clients() const {
      return tls_ != nullptr ? tls_->clients() : nullptr;
    }
    // index_ means a listener of this one.
    [[nodiscard]] const SnapshotRef& snapshot() const { return retired_ ? last_ : owner_.current_; }

    State& owner_;
    std::string name_;
    IpEndpoint wanted_;
    std::unique_ptr<runtime::Acceptor> acceptor_;
    std::size_t index_ = 0;
    http::ServerSettings settings_;
    http2::ServerSettings http2_;
    std::vector<config::Protocol> protocols_;
    std::shared_ptr<const runtime::TlsServerContext> tls_;
    std::vector<Cidr> proxies_;  // as in ListenerPlan
    bool local_wanted_ = false;
    config::ListenerLimits limits_;
    std::shared_ptr<ConnectionCounts> counts_;
    telemetry::GaugeId open_;
    telemetry::CounterId accepted_;
    AcceptCounts counts_of_accept_;
    http::WaitingRoom room_;
    telemetry::CounterId failed_handshakes_;
    telemetry::CounterFamily unproxied_;
    telemetry::CounterFamily refused_certificates_;
    telemetry::CounterFamily abuses_;
    TimePoint next_refusal_line_{};
    TimePoint next_abuse_line_{};
    bool retired_ = false;
    bool superseded_ = false;
    SnapshotRef last_;  // once retired: the last one that had this listener
  };

  struct Connection final : http::Activity {
    Connection(Listening& came_in_at, Loop& loop, int fd, const IpEndpoint& from)
        : Activity(&came_in_at.room_, loop.now()),
          listening(came_in_at),
          stream(loop, fd, from),
          info{.peer = from, .local = {}, .scheme = http::Scheme::kHttp} {}
    const Listening& listening;
    runtime::Stream stream;
    http::ConnectionInfo info;
    std::unique_ptr<runtime::ClientCertificate> certificate;
    bool counted = false;      // among those of its address
    bool place_taken = false;  // among all of its listener: counted for another by now
  };

  static Task<bool> learn_peer(Listening& listening, ConnectionCounts& counts,
                               Connection& connection);
  static Task<bool> secure(Listening& listening, Connection& connection);
  static Task<bool> choose_protocol(Listening& listening, Connection& connection);
  // `peer` is looked at before the first wait.
  static Task<void> run_connection(std::shared_ptr<Listening> listening, int fd,
                                   const IpEndpoint& peer);
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
    for (Connection* connection : connections_) {
      const Listening& listening = connection->listening;
      const bool may_ask = connection->phase() == http::Phase::kFresh && !listening.superseded_;
      if (connection->is_answering() || may_ask) continue;
      if (listening.draining()) connection->stream.cancel_read();
    }
  }
  void end_silent_connections() {
    bool fresh = false;
    for (Connection* connection : connections_) {
      if (connection->is_answering() || !connection->listening.draining()) continue;
      fresh = fresh || connection->phase() == http::Phase::kFresh;
      connection->stream.cancel_read();
    }
    // One that was not waiting just then begins to.
    if (fresh) fresh_timer_.arm(loop_.now() + kFirstRequestGrace);
  }
  void end_connections() {
    services_.streams.end_all(StreamEnd::kShutdown);
    for (Connection* connection : connections_) connection->stream.hang_up();
  }

  void note_offence(const IpAddress& client, http::Offence offence) {
    services_.offences.note(client, offence, current_->snapshot->ban_rules(),
                            services_.ledger.shard(), loop_.now());
  }
  void share_memory() {
    using overload::MemoryShare;
    memory_->connections.store(connections_.size() * MemoryShare::kConnection,
                               std::memory_order_relaxed);
    memory_->tls.store(secured_ * MemoryShare::kTlsSession, std::memory_order_relaxed);
    memory_->buffers.store(loop_.buffers().held(), std::memory_order_relaxed);
  }
  void ease(bool evict) {
    for (int i = 0; evict && i < kEvictedAtOnce; ++i) {
      for (const auto& listening : listeners_) listening->evict_idlest();
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
  telemetry::DiagnosticLog* log_;
  SnapshotRef current_;
  std::vector<std::shared_ptr<Listening>> listeners_;
  std::list<Connection*> connections_;
  std::size_t secured_ = 0;  // of them, those with TLS
  std::shared_ptr<overload::MemoryShare> memory_;
  Shedders shedders_;
  TaskGroup tasks_;
  bool draining_ = false;
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

// ---- listening

Worker::State::Listening::Listening(State& owner, std::string name)
    : owner_(owner),
      name_(std::move(name)),
      counts_of_accept_(owner.services_.ledger, owner.log_, name_),
      unproxied_(owner.services_.ledger.registry(), "portcullis_proxy_headers_refused_total",
                 "Connections closed, since nobody who may said whose they are.",
                 {"listener", name_}, "reason"),
      refused_certificates_(owner.services_.ledger.registry(),
                            "portcullis_client_certificates_refused_total",
                            "Handshakes that ended since the client's certificate was not good.",
                            {"listener", name_}, "reason"),
      abuses_(owner.services_.ledger.registry(), "portcullis_http2_abuse_total",
              "HTTP/2 connections (kind window: streams) that ended, since their clients went "
              "beyond a bound.",
              {"listener", name_}, "kind") {
  telemetry::Registry& registry = owner_.services_.ledger.registry();
  open_ = registry.gauge("portcullis_connections", "Open connections.", {{"listener", name_}});
  accepted_ = registry.counter("portcullis_connections_total", "Connections accepted.",
                               {{"listener", name_}});
  failed_handshakes_ =
      registry.counter("portcullis_tls_handshakes_failed_total",
                       "Connections that ended before TLS stood.", {{"listener", name_}});
}

Result<void> Worker::State::Listening::open(const IpEndpoint& address,
                                            const IpEndpoint& of_first_worker) {
  wanted_ = address;
  const bool chosen = address.port == 0 && of_first_worker.address == address.address;
  PC_TRY(acceptor_,
         runtime::Acceptor::listen(owner_.loop_, chosen ? of_first_worker : address, *this,
                                   runtime::Acceptor::Sharing::kWithOtherWorkers));
  return {};
}

void Worker::State::Listening::update(std::size_t index, const ListenerPlan& plan,
                                      std::shared_ptr<ConnectionCounts> counts) {
  index_ = index;
  settings_ = plan.settings;
  http2_ = plan.http2;
  protocols_ = plan.config.protocols;
  proxies_ = plan.proxies;
  local_wanted_ = plan.local_wanted;
  limits_ = plan.config.limits;
  counts_ = std::move(counts);
}

void Worker::State::Listening::succeed(Listening& before) {
  wanted_ = before.wanted_;
  acceptor_ = std::move(before.acceptor_);
  acceptor_->hand_to(*this);
  before.superseded_ = true;
}

void Worker::State::Listening::retire() {
  retired_ = true;
  last_ = owner_.current_;
  stop_accepting();
}

void Worker::State::Listening::on_connection(int fd, const IpEndpoint& peer) {
  telemetry::Shard& shard = owner_.services_.ledger.shard();
  const bool proxied = !proxies_.empty();
  if (proxied && !is_trusted(peer.address, proxies_)) {
    shard.add(unproxied_.of("untrusted"));
    close(fd);
    return;
  }
  if (const std::optional<TurnedAway> why = make_room(peer.address)) {
    counts_of_accept_.turned_away(*why, peer.address, owner_.loop_.now());
    // A reset leaves nothing behind in the kernel: who floods us shall not fill that either.
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    return;
  }
  shard.add(accepted_);
  const auto self =
      std::ranges::find_if(owner_.listeners_, [&](const auto& each) { return each.get() == this; });
  owner_.tasks_.spawn(run_connection(*self, fd, peer));
}

// Whether the door opens: then its place is counted. When all places are taken, the one that has
// been idle longest on this worker makes room. (The kernel spreads connections over the workers, so
// each has its share of the idle ones; a worker without any refuses.) Behind a proxy the address
// that counts comes with its header.
std::optional<TurnedAway> Worker::State::Listening::make_room(const IpAddress& peer) {
  const bool proxied = !proxies_.empty();
  Guard& guard = owner_.services_.guard;
  if (!proxied && guard.bans.find(peer, owner_.loop_.now())) return TurnedAway::kBanned;
  if (!proxied && !counts_->open_from(peer, limits_.connections_per_address))
    return TurnedAway::kAddress;
  std::optional<TurnedAway> why;
  if (!guard.memory.admits_connections() && evict_idlest() == nullptr) {
    why = TurnedAway::kMemory;
  } else if (!counts_->open(limits_.connections)) {
    if (Connection* idlest = evict_idlest())
      idlest->place_taken = true;
    else
      why = TurnedAway::kMaximum;
  }
  if (why && !proxied) counts_->close_from(peer);
  return why;
}

Worker::State::Connection* Worker::State::Listening::evict_idlest() {
  auto* const idlest = static_cast<Connection*>(room_.find_idlest(owner_.loop_.now()));
  if (idlest == nullptr) return nullptr;
  counts_of_accept_.evicted(idlest->phase(), owner_.loop_.now());
  const bool between_requests = idlest->phase() == http::Phase::kIdle;
  idlest->give_up();
  if (between_requests)
    idlest->stream.cancel_read();  // ends in order, or answers what arrives just now
  else
    idlest->stream.hang_up();
  return idlest;
}

void Worker::State::Listening::on_exhausted() {
  counts_of_accept_.exhausted(owner_.loop_.now());
  if (evict_idlest() != nullptr) return;
  for (const auto& other : owner_.listeners_) {
    if (other->evict_idlest() != nullptr) return;
  }
}

// Whose connection it is: its peer's, or where a PROXY header must come first, whose that says.
[[gnu::noinline]] Task<bool> Worker::State::learn_peer(Listening& listening,
                                                       ConnectionCounts& counts,
                                                       Connection& connection) {
  connection.counted = listening.proxies_.empty();
  if (connection.counted) co_return true;
  const TimePoint deadline = listening.owner_.loop_.now() + listening.settings_.head_timeout;
  const Result<http::ProxyHeader> header =
      co_await http::receive_proxy_header(connection.stream, deadline);
  if (!header) {
    const ErrorCode code = header.error().code;
    listening.owner_.services_.ledger.shard().add(
        listening.unproxied_.of(code == ErrorCode::kMalformedRequest ? "malformed"
                                : code == ErrorCode::kTimeout        ? "timeout"
                                                                     : "closed"));
    co_return false;
  }
  if (const std::optional<http::ProxyHeader::Ends>& ends = header->ends; ends) {
    connection.info.peer = ends->source;
    connection.info.local = ends->destination;
  }
  const IpAddress& client = connection.info.peer.address;
  const TimePoint now = listening.owner_.loop_.now();
  if (listening.owner_.services_.guard.bans.find(client, now)) {
    listening.counts_of_accept_.turned_away(TurnedAway::kBanned, client, now);
    co_return false;
  }
  connection.counted = counts.open_from(client, listening.limits_.connections_per_address);
  if (!connection.counted)
    listening.counts_of_accept_.turned_away(TurnedAway::kAddress, client, now);
  co_return connection.counted;
}

// Counted each time, and told at most once a second: who sends bad certificates must not fill
// disks.
void Worker::State::Listening::on_refused_certificate(std::string_view fault,
                                                      std::string_view reason,
                                                      const IpEndpoint& peer) {
  owner_.services_.ledger.shard().add(refused_certificates_.of(fault));
  if (owner_.log_ == nullptr || owner_.loop_.now() < next_refusal_line_) return;
  next_refusal_line_ = owner_.loop_.now() + kRefusalLines;
  owner_.log_->warning(
      "client_certificate_refused",
      {{"listener", name_}, {"client", peer.address.to_string()}, {"reason", reason}});
}

void Worker::State::Listening::on_abuse(http2::Abuse abuse,
                                        const http::ConnectionInfo& connection) {
  const std::string_view kind = http2::name_of(abuse);
  owner_.services_.ledger.shard().add(abuses_.of(kind));
  on_offence(connection.peer.address, http::Offence::kHttp2);
  if (owner_.log_ == nullptr || owner_.loop_.now() < next_abuse_line_) return;
  next_abuse_line_ = owner_.loop_.now() + kRefusalLines;
  owner_.log_->warning(
      "http2_abuse",
      {{"listener", name_}, {"client", connection.peer.address.to_string()}, {"kind", kind}});
}

// In clear text, the client speaks what it begins with.
[[gnu::noinline]] Task<bool> Worker::State::choose_protocol(Listening& listening,
                                                            Connection& connection) {
  using config::Protocol;
  connection.info.http2 = listening.speaks(Protocol::kH2);
  if (connection.info.http2 && listening.speaks(Protocol::kHttp11)) {
    const Result<bool> http2 =
        co_await http2::begins_with_preface(connection.stream, listening.settings_);
    if (!http2) co_return false;
    connection.info.http2 = *http2;
  }
  co_return true;
}

// TLS, where the listener has it, and what is spoken behind. Its frame goes before the first
// request comes.
[[gnu::noinline]] Task<bool> Worker::State::secure(Listening& listening, Connection& connection) {
  const std::shared_ptr<const runtime::TlsServerContext> tls = listening.tls_;
  if (tls == nullptr) co_return co_await choose_protocol(listening, connection);
  const TimePoint deadline = listening.owner_.loop_.now() + listening.settings_.head_timeout;
  const Result<void> secured = co_await connection.stream.accept_tls(*tls, deadline);
  const runtime::TlsSession& session = *connection.stream.tls();
  if (!secured) {
    listening.owner_.services_.ledger.shard().add(listening.failed_handshakes_);
    if (!connection.given_up() && !listening.draining())
      listening.on_offence(connection.info.peer.address, http::Offence::kHandshake);
    if (const std::string_view fault = session.certificate_fault(); !fault.empty())
      listening.on_refused_certificate(fault, secured.error().detail, connection.info.peer);
    co_return false;
  }
  connection.certificate = session.client_certificate(*tls);
  connection.info.certificate = connection.certificate.get();
  connection.info.scheme = http::Scheme::kHttps;
  connection.info.tls_version = session.version();
  connection.info.http2 = session.protocol() == "h2";
  // Who chose nothing speaks HTTP/1.1.
  co_return connection.info.http2 || listening.speaks(config::Protocol::kHttp11);
}

Task<void> Worker::State::run_connection(std::shared_ptr<Listening> listening, int fd,
                                         const IpEndpoint& peer) {
  State& state = listening->owner_;
  Connection connection(*listening, state.loop_, fd, peer);
  const auto place = state.connections_.insert(state.connections_.end(), &connection);
  const std::shared_ptr<ConnectionCounts> counts = listening->counts_;
  if (listening->local_wanted_) connection.info.local = runtime::SocketAddress::of_socket(fd);
  state.services_.ledger.shard().up(listening->open_);
  const bool tls = listening->tls_ != nullptr;
  if (tls) ++state.secured_;
  if (co_await learn_peer(*listening, *counts, connection) &&
      co_await secure(*listening, connection)) {
    co_await (connection.info.http2
                  ? http2::serve(connection.stream, *listening, connection.info, connection)
                  : http::serve_http1(connection.stream, *listening, connection.info, connection));
  }
  if (tls) --state.secured_;
  state.services_.ledger.shard().down(listening->open_);
  if (connection.counted) counts->close_from(connection.info.peer.address);
  if (!connection.place_taken) counts->close();
  state.connections_.erase(place);
}

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
      log_(options.log),
      memory_(options.guard.memory.open_share()) {
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
  for (const auto& listening : listeners_) local.ports.push_back(listening->bound().port);
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
  if (current_ && current_->baselines != nullptr) {
    for (std::size_t i = 0; i < current_->baselines->size(); ++i)
      before[current_->snapshot->plans()[i].full_operation] = (*current_->baselines)[i];
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
    const auto same = std::ranges::find_if(listeners_, [&](const auto& listening) {
      return listening->name() == plan.config.name &&
             listening->wanted().to_string() == plan.config.address.to_string();
    });
    if (same != listeners_.end() && (*same)->made_as(plan)) {
      next.push_back(*same);
      continue;
    }
    auto fresh = std::make_shared<Listening>(*this, plan.config.name);
    if (same != listeners_.end())
      successions.emplace_back(fresh.get(), same->get());
    else
      PC_CHECK_OK(fresh->open(plan.config.address, shared.at(plan.config.name).bound));
    next.push_back(std::move(fresh));
  }
  for (const auto& [fresh, before] : successions) fresh->succeed(*before);
  for (const auto& listening : listeners_) {
    if (std::ranges::find(next, listening) != next.end()) continue;
    listening->retire();
    fresh_timer_.arm(loop_.now() + kFirstRequestGrace);
  }
  end_idle_connections();
  listeners_ = std::move(next);
  resolver_.use_servers(snapshot->config().resolver);
  current_ = SnapshotRef(localise(snapshot));
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    const ListenerPlan& plan = snapshot->listeners()[i];
    listeners_[i]->update(i, plan, shared.at(plan.config.name).counts);
  }
  secure_listeners(*snapshot);
  return {};
}

void Worker::State::secure_listeners(const Snapshot& snapshot) {
  const std::shared_ptr<const TlsContexts> tls = snapshot.tls();
  for (const auto& listening : listeners_) {
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
  for (const Connection* connection : connections_) {
    if (shown.contains(connection->certificate.get()))
      connection->certificate->keep_up_with(connection->listening.clients());
  }
  services_.streams.end_revoked(loop_.wall_now());
}

// Requests under way go on with the connections that they have.
void Worker::State::renew_tls() {
  if (!current_) return;
  const std::shared_ptr<const Snapshot> snapshot = current_->snapshot;
  current_ = SnapshotRef(localise(snapshot));
  secure_listeners(*snapshot);
}

void Worker::State::drain(TimePoint deadline) {
  draining_ = true;
  for (const auto& listening : listeners_) listening->stop_accepting();
  end_idle_connections();
  fresh_timer_.arm(std::min(deadline, loop_.now() + kFirstRequestGrace));
  drain_timer_.arm(deadline);
  tasks_.spawn(finish_draining());
}

Task<void> Worker::State::finish_draining() {
  while (!connections_.empty())
    co_await loop_.sleep_until(loop_.now() + std::chrono::milliseconds(10));
  current_ = SnapshotRef();
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
  for (const auto& listening : state_->listeners_) {
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
