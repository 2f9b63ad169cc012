// A listening socket of one worker, through reloads: whom it lets in, and the connections that are
// made at it, which keep it alive.
#pragma once

#include "gateway/accept_counts.h"
#include "gateway/connection_limits.h"
#include "gateway/serve.h"
#include "gateway/snapshot.h"
#include "http/activity.h"
#include "http/server.h"
#include "http2/server.h"
#include "ratelimit/gcra.h"
#include "runtime/client_certificate.h"
#include "runtime/stream.h"
#include "runtime/task.h"
#include "runtime/tls.h"
#include "telemetry/counter_family.h"
#include "telemetry/diagnostic_log.h"

#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portcullis::gateway {

class Listening;

struct Connection final : http::Activity {
  Connection(Listening& came_in_at, http::WaitingRoom& room, Loop& loop, int fd,
             const IpEndpoint& from)
      : Activity(&room, loop.now()),
        listening(came_in_at),
        stream(loop, fd, from),
        info{.peer = from, .local = {}, .scheme = http::Scheme::kHttp} {}
  const Listening& listening;
  runtime::Stream stream;
  http::ConnectionInfo info;
  std::unique_ptr<runtime::ClientCertificate> certificate;
  // Which counts it is in. A place among all goes to the connection for which this one was evicted.
  bool of_address = false;
  bool of_listener = true;
  bool of_process = true;
};

// What the listeners of one worker share, and the worker with them.
struct Reception {
  Loop& loop;
  WorkerServices& services;
  telemetry::DiagnosticLog* log;  // null: none
  SnapshotRef current = {};
  std::vector<std::shared_ptr<Listening>> listeners = {};
  std::list<Connection*> connections = {};
  std::size_t secured = 0;  // of them, those with TLS
  bool draining = false;
  TaskGroup tasks = {};

  // Ends the connection of this worker that has been idle longest; null when a request is under way
  // on each.
  Connection* evict_idlest();
};

class Listening final : public runtime::Acceptor::Handler,
                        public http2::ServerContext,
                        public http::Handler {
 public:
  Listening(Reception& reception, std::string name);
  // Errors: kMachine.
  Result<void> open(const IpEndpoint& address, const IpEndpoint& of_first_worker);
  void update(std::size_t index, const ListenerPlan& plan,
              std::shared_ptr<ConnectionCounts> counts);
  // Null: clear text.
  void use_tls(std::shared_ptr<const runtime::TlsServerContext> tls) { tls_ = std::move(tls); }
  // No longer in the configuration that is about to be taken: accepts no more, and its connections
  // end after the request in hand, which the configuration decides that had it.
  void retire();
  // Whether connections are made as the plan has it: in clear text or under TLS, by their peers or
  // by proxies.
  [[nodiscard]] bool made_as(const ListenerPlan& plan) const {
    return (tls_ != nullptr) == plan.config.tls.has_value() &&
           proxies_.empty() == plan.proxies.empty();
  }
  // Takes the socket of one that was made otherwise and is about to retire: a request that is not
  // yet in hand there is never decided, since what would be said could be in clear text.
  void succeed(Listening& before);
  void stop_accepting() {
    if (acceptor_) acceptor_->stop();
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const IpEndpoint& wanted() const { return wanted_; }
  [[nodiscard]] IpEndpoint bound() const { return acceptor_ ? acceptor_->address() : wanted_; }
  [[nodiscard]] bool superseded() const { return superseded_; }
  // Whose certificates are believed. Null: none are asked for.
  [[nodiscard]] std::shared_ptr<const runtime::Trust> clients() const {
    return tls_ != nullptr ? tls_->clients() : nullptr;
  }
  [[nodiscard]] const http::WaitingRoom& waiting() const { return room_; }
  void evict(Connection& idlest);

  // ---- for its connections

  [[nodiscard]] const http::ServerSettings& settings() const override { return settings_; }
  http::Handler& handler() override { return *this; }
  [[nodiscard]] const http2::ServerSettings& http2() const override { return http2_; }
  [[nodiscard]] bool draining() const override { return retired_ || reception_.draining; }
  [[clang::coro_wrapper]] Task<void> handle(http::Exchange& exchange) override;
  [[clang::coro_wrapper]] Task<void> handle_unreadable(http::Exchange& exchange,
                                                       const Error& error) override;
  void on_abuse(http2::Abuse abuse, const http::ConnectionInfo& connection) override;
  void on_offence(const IpAddress& client, http::Offence offence) override;
  void on_slow_client(http::SlowClient slow, const http::ConnectionInfo& connection) override;

  // ---- for its socket

  void on_connection(int fd, const IpEndpoint& peer) override;
  void on_exhausted() override;

 private:
  [[nodiscard]] telemetry::Shard& shard() const { return reception_.services.ledger.shard(); }
  // index_ means a listener of this one.
  [[nodiscard]] const SnapshotRef& snapshot() const {
    return retired_ ? last_ : reception_.current;
  }
  static Task<void> drop(http::Exchange& exchange) {
    exchange.abort();
    co_return;
  }
  // The door: nothing, once the places are counted.
  [[nodiscard]] std::optional<TurnedAway> make_room(const IpAddress& peer);
  [[nodiscard]] std::optional<TurnedAway> admit_address(const IpAddress& peer);
  [[nodiscard]] std::optional<TurnedAway> take_places();
  [[nodiscard]] bool comes_too_often(const IpAddress& peer, TimePoint now) const;

  // A connection's way (connection.cc).
  static Task<void> run_connection(std::shared_ptr<Listening> self, int fd, const IpEndpoint& peer);
  Task<bool> learn_peer(Connection& connection);
  Task<bool> secure(Connection& connection);
  Task<bool> choose_protocol(Connection& connection);
  void on_failed_handshake(const Connection& connection, const Error& error);
  [[nodiscard]] bool speaks(config::Protocol protocol) const {
    return std::ranges::find(protocols_, protocol) != protocols_.end();
  }
  [[nodiscard]] bool may_tell(TimePoint& next_line) const;

  Reception& reception_;
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
  std::optional<ratelimit::Gcra> arrivals_;  // of one address
  std::shared_ptr<ConnectionCounts> counts_;
  telemetry::GaugeId open_;
  telemetry::CounterId accepted_;
  AcceptCounts counts_of_accept_;
  http::WaitingRoom room_;
  telemetry::CounterFamily failed_handshakes_;
  telemetry::CounterFamily unproxied_;
  telemetry::CounterFamily refused_certificates_;
  telemetry::CounterFamily abuses_;
  TimePoint next_refusal_line_{};
  TimePoint next_abuse_line_{};
  bool retired_ = false;
  bool superseded_ = false;
  SnapshotRef last_;  // once retired: the last one that had this listener
};

}  // namespace portcullis::gateway
