#include "gateway/listening.h"

#include "gateway/client_address.h"

#include <array>
#include <cstring>
#include <functional>
#include <sys/socket.h>
#include <unistd.h>

namespace portcullis::gateway {
namespace {

constexpr std::chrono::seconds kBetweenLines{1};

// Whose place another has first: of who has not sent a request in time, then of who stands between
// two, then of who has only just come.
int patience_left(const http::Activity& activity, TimePoint now) {
  if (activity.phase() == http::Phase::kIdle) return 1;
  return now - activity.since() >= http::WaitingRoom::kPatience ? 0 : 2;
}

}  // namespace

Connection* Reception::evict_idlest() {
  const TimePoint now = loop.now();
  http::Activity* idlest = nullptr;
  Listening* of = nullptr;
  for (const auto& listening : listeners) {
    http::Activity* const one = listening->waiting().find_idlest(now);
    if (one == nullptr) continue;
    const bool sooner =
        idlest == nullptr || std::pair(patience_left(*one, now), one->since()) <
                                 std::pair(patience_left(*idlest, now), idlest->since());
    if (!sooner) continue;
    idlest = one;
    of = listening.get();
  }
  if (idlest == nullptr) return nullptr;
  auto* const connection = static_cast<Connection*>(idlest);
  of->evict(*connection);
  return connection;
}

Listening::Listening(Reception& reception, std::string name)
    : reception_(reception),
      name_(std::move(name)),
      counts_of_accept_(reception.services.ledger, reception.log, name_),
      failed_handshakes_(reception.services.ledger.registry(),
                         "portcullis_tls_handshakes_failed_total",
                         "Connections that ended before TLS stood.", {"listener", name_}, "reason"),
      unproxied_(reception.services.ledger.registry(), "portcullis_proxy_headers_refused_total",
                 "Connections closed, since nobody who may said whose they are.",
                 {"listener", name_}, "reason"),
      refused_certificates_(reception.services.ledger.registry(),
                            "portcullis_client_certificates_refused_total",
                            "Handshakes that ended since the client's certificate was not good.",
                            {"listener", name_}, "reason"),
      abuses_(reception.services.ledger.registry(), "portcullis_http2_abuse_total",
              "HTTP/2 connections (kind window: streams) that ended, since their clients went "
              "beyond a bound.",
              {"listener", name_}, "kind") {
  telemetry::Registry& registry = reception_.services.ledger.registry();
  open_ = registry.gauge("portcullis_connections", "Open connections.", {{"listener", name_}});
  accepted_ = registry.counter("portcullis_connections_total", "Connections accepted.",
                               {{"listener", name_}});
}

// ---- configurations

Result<void> Listening::open(const IpEndpoint& address, const IpEndpoint& of_first_worker) {
  wanted_ = address;
  const bool chosen = address.port == 0 && of_first_worker.address == address.address;
  PC_TRY(acceptor_,
         runtime::Acceptor::listen(reception_.loop, chosen ? of_first_worker : address, *this,
                                   runtime::Acceptor::Sharing::kWithOtherWorkers));
  return {};
}

void Listening::update(std::size_t index, const ListenerPlan& plan,
                       std::shared_ptr<ConnectionCounts> counts) {
  index_ = index;
  settings_ = plan.settings;
  http2_ = plan.http2;
  protocols_ = plan.config.protocols;
  proxies_ = plan.proxies;
  local_wanted_ = plan.local_wanted;
  limits_ = plan.config.limits;
  const config::Rate& rate = limits_.connection_rate_per_address;
  arrivals_.emplace(rate.count, static_cast<std::uint64_t>(rate.per.count()), rate.count);
  counts_ = std::move(counts);
}

void Listening::succeed(Listening& before) {
  wanted_ = before.wanted_;
  acceptor_ = std::move(before.acceptor_);
  acceptor_->hand_to(*this);
  before.superseded_ = true;
}

void Listening::retire() {
  retired_ = true;
  last_ = reception_.current;
  stop_accepting();
}

// ---- the door

void Listening::on_connection(int fd, const IpEndpoint& peer) {
  if (!proxies_.empty() && !is_trusted(peer.address, proxies_)) {
    shard().add(unproxied_.of("untrusted"));
    close(fd);
    return;
  }
  if (const std::optional<TurnedAway> why = make_room(peer.address)) {
    counts_of_accept_.turned_away(*why, peer.address, reception_.loop.now());
    // A reset leaves nothing behind in the kernel: who floods us shall not fill that either.
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    return;
  }
  shard().add(accepted_);
  const auto self = std::ranges::find_if(reception_.listeners,
                                         [&](const auto& each) { return each.get() == this; });
  reception_.tasks.spawn(run_connection(*self, fd, peer));
}

// Behind a proxy the address that counts comes with its header.
std::optional<TurnedAway> Listening::make_room(const IpAddress& peer) {
  const bool proxied = !proxies_.empty();
  if (!proxied) {
    if (const auto why = admit_address(peer)) return why;
  }
  const std::optional<TurnedAway> why = take_places();
  if (why && !proxied) counts_->close_from(peer);
  return why;
}

std::optional<TurnedAway> Listening::admit_address(const IpAddress& peer) {
  const TimePoint now = reception_.loop.now();
  if (reception_.services.guard.bans.find(peer, now)) return TurnedAway::kBanned;
  std::optional<TurnedAway> why;
  if (comes_too_often(peer, now))
    why = TurnedAway::kRate;
  else if (!counts_->open_from(peer, limits_.connections_per_address))
    why = TurnedAway::kAddress;
  if (why) on_offence(peer, http::Offence::kConnections);
  return why;
}

// Whom the table has no room for is let in: the other bounds still hold it. So is a proxy that is
// trusted, since it comes for many.
bool Listening::comes_too_often(const IpAddress& peer, TimePoint now) const {
  Guard& guard = reception_.services.guard;
  const IpAddress subscriber = peer.is_v4() ? peer : peer.prefix(64);
  const std::size_t listener = std::hash<std::string>{}(name_);
  std::array<char, sizeof subscriber.bytes + sizeof listener> key{};
  std::memcpy(key.data(), subscriber.bytes.data(), sizeof subscriber.bytes);
  std::memcpy(key.data() + sizeof subscriber.bytes, &listener, sizeof listener);
  const ratelimit::Taken taken =
      guard.arrivals.take(guard.arrivals.hash({key.data(), key.size()}), guard.arrivals_beyond,
                          *arrivals_, guard.arrivals.elapsed(now));
  if (taken.allowed || taken.tag == 0) [[likely]]
    return false;
  return !is_trusted(peer, reception_.current->snapshot->config().trusted_proxies);
}

// When all places are taken, the one that has been idle longest on this worker makes room. (The
// kernel spreads connections over the workers, so each has its share of the idle ones; a worker
// without any refuses.)
std::optional<TurnedAway> Listening::take_places() {
  Guard& guard = reception_.services.guard;
  if (!guard.memory.admits_connections() && reception_.evict_idlest() == nullptr)
    return TurnedAway::kMemory;
  Connection* evicted = nullptr;
  if (!counts_->open(limits_.connections)) {
    evicted = static_cast<Connection*>(room_.find_idlest(reception_.loop.now()));
    if (evicted == nullptr) return TurnedAway::kMaximum;
    evict(*evicted);
    evicted->of_listener = false;
  }
  if (guard.connections.open(guard.most_connections.load(std::memory_order_relaxed))) return {};
  if (evicted == nullptr) evicted = reception_.evict_idlest();
  if (evicted == nullptr) {
    counts_->close();
    return TurnedAway::kProcess;
  }
  evicted->of_process = false;
  return {};
}

void Listening::evict(Connection& idlest) {
  counts_of_accept_.evicted(idlest.phase(), reception_.loop.now());
  const bool between_requests = idlest.phase() == http::Phase::kIdle;
  idlest.give_up();
  if (between_requests)
    idlest.stream.cancel_read();  // ends in order, or answers what arrives just now
  else
    idlest.stream.hang_up();
}

void Listening::on_exhausted() {
  counts_of_accept_.exhausted(reception_.loop.now());
  reception_.evict_idlest();
}

// ---- requests

Task<void> Listening::handle(http::Exchange& exchange) {
  if (superseded_) [[unlikely]]
    return drop(exchange);
  // One that was good when the connection was made may have been revoked since.
  if (runtime::ClientCertificate* shown = exchange.connection().certificate; shown != nullptr)
    shown->keep_up_with(clients());
  return serve(exchange, snapshot(), index_, reception_.services);
}

Task<void> Listening::handle_unreadable(http::Exchange& exchange, const Error& error) {
  if (superseded_) [[unlikely]]
    return drop(exchange);
  return serve_unreadable(exchange, snapshot(), index_, reception_.services, error);
}

// ---- what clients do

void Listening::on_offence(const IpAddress& client, http::Offence offence) {
  reception_.services.offences.note(client, offence, reception_.current->snapshot->ban_rules(),
                                    shard(), reception_.loop.now());
}

// A body that was too slow is refused, and counts with that.
void Listening::on_slow_client(http::SlowClient slow, const http::ConnectionInfo& connection) {
  counts_of_accept_.slow(slow);
  if (slow == http::SlowClient::kSend) on_offence(connection.peer.address, http::Offence::kSlow);
}

// Counted each time, and told at most once a second: who misbehaves must not fill disks.
bool Listening::may_tell(TimePoint& next_line) const {
  const TimePoint now = reception_.loop.now();
  if (reception_.log == nullptr || now < next_line) return false;
  next_line = now + kBetweenLines;
  return true;
}

void Listening::on_abuse(http2::Abuse abuse, const http::ConnectionInfo& connection) {
  const std::string_view kind = http2::name_of(abuse);
  shard().add(abuses_.of(kind));
  on_offence(connection.peer.address, http::Offence::kHttp2);
  if (!may_tell(next_abuse_line_)) return;
  reception_.log->warning(
      "http2_abuse",
      {{"listener", name_}, {"client", connection.peer.address.to_string()}, {"kind", kind}});
}

void Listening::on_failed_handshake(const Connection& connection, const Error& error) {
  const runtime::TlsSession& session = *connection.stream.tls();
  const IpAddress& client = connection.info.peer.address;
  const std::string_view fault = session.certificate_fault();
  shard().add(failed_handshakes_.of(connection.given_up()                 ? "evicted"
                                    : !fault.empty()                      ? "certificate"
                                    : error.code == ErrorCode::kTimeout   ? "timeout"
                                    : error.code == ErrorCode::kClosed    ? "closed"
                                    : error.code == ErrorCode::kCancelled ? "drained"
                                                                          : "protocol"));
  if (!connection.given_up() && !draining()) on_offence(client, http::Offence::kHandshake);
  if (fault.empty()) return;
  shard().add(refused_certificates_.of(fault));
  if (!may_tell(next_refusal_line_)) return;
  reception_.log->warning(
      "client_certificate_refused",
      {{"listener", name_}, {"client", client.to_string()}, {"reason", error.detail}});
}

}  // namespace portcullis::gateway
