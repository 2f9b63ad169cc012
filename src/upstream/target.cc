#include "upstream/target.h"

#include "base/check.h"
#include "upstream/upstream.h"

#include <algorithm>

namespace portcullis::upstream {

Target::Target(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config,
               const std::string& name, std::shared_ptr<Standing> standing,
               std::shared_ptr<const runtime::TlsClientContext> tls, TaskGroup& tasks)
    : loop_(loop),
      name_(name),
      standing_(std::move(standing)),
      dialer_(loop, resolver, config, name, *standing_, std::move(tls)) {
  if (config.protocol == config::UpstreamProtocol::kHttp2)
    sessions_ = std::make_unique<Sessions>(loop, dialer_, *this, tasks);
  serve(config);
}

Target::~Target() { PC_CHECK(active_ == 0 && upstreams_.empty()); }

void Target::retire() {
  retired_ = true;
  idle_.clear();
  if (sessions_ != nullptr) sessions_->retire();
}

void Target::serve(const config::Upstream& config) {
  retired_ = false;
  idle_timeout_ = config.idle_timeout;
  eject_ = config.eject;
}

void Target::close_idle(TimePoint now) {
  if (sessions_ != nullptr) {
    sessions_->close_idle(now, idle_timeout_);
    if (!sessions_->empty()) follow_name();
    return;
  }
  // The least recently used come first.
  const auto first_young = std::ranges::find_if(
      idle_, [&](const auto& connection) { return now - connection->idle_since < idle_timeout_; });
  idle_.erase(idle_.begin(), first_young);
  // Nobody asks for the name of a target that nobody uses.
  if (active_ > 0 || !idle_.empty()) follow_name();
}

void Target::follow_name() {
  if (!dialer_.refresh()) return;
  if (sessions_ != nullptr) return sessions_->leave_addresses();
  std::erase_if(idle_, [&](const auto& connection) {
    return !dialer_.leads_to(connection->http.stream().peer().address);
  });
}

void Target::give_back(std::unique_ptr<PooledConnection> connection) {
  runtime::Stream& stream = connection->http.stream();
  if (!connection->http.release() || retired_ || dialer_.tells_client() ||
      !dialer_.leads_to(stream.peer().address) || !connection->http.is_usable()) {
    return;
  }
  connection->idle_since = loop_.now();
  stream.when_stirred(&Target::on_stirred, connection.get());
  idle_.push_back(std::move(connection));
}

void Target::on_stirred(void* connection) {
  auto& idle = static_cast<PooledConnection*>(connection)->target.idle_;
  std::erase_if(idle, [&](const auto& one) { return one.get() == connection; });
}

std::unique_ptr<PooledConnection> Target::take_idle() {
  // Requests that need no new connection would else not notice that the name has moved.
  if (!idle_.empty()) follow_name();
  while (!idle_.empty()) {
    std::unique_ptr<PooledConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    connection->http.stream().when_stirred(nullptr, nullptr);
    if (connection->http.is_usable()) return connection;
  }
  return nullptr;
}

std::optional<Lease> Target::try_lend(std::uint32_t maximum) {
  if (sessions_ != nullptr) {
    if (!sessions_->empty()) follow_name();
    bool reused = false;
    std::unique_ptr<http2::ClientStream> stream = sessions_->open(reused);
    if (stream == nullptr) return std::nullopt;
    Lease lease(*this);
    lease.stream_ = std::move(stream);
    lease.reused_ = reused;
    return lease;
  }
  if (active_ >= maximum) return std::nullopt;
  std::unique_ptr<PooledConnection> connection = take_idle();
  if (connection == nullptr) return std::nullopt;
  Lease lease(*this);
  lease.connection_ = std::move(connection);
  lease.connection_->http.begin();
  lease.reused_ = true;
  return lease;
}

bool Target::may_connect(std::uint32_t maximum) const {
  return sessions_ != nullptr ? sessions_->may_connect(maximum) : active_ < maximum;
}

bool Target::has_room(std::uint32_t maximum) const {
  return may_connect(maximum) || (sessions_ != nullptr && sessions_->room() > 0);
}

Task<Result<Lease>> Target::connect(TimePoint deadline, std::uint32_t maximum,
                                    std::optional<http::ProxyHeader::Ends> ends) {
  if (sessions_ != nullptr) co_return co_await connect_shared(deadline, maximum);
  Lease lease(*this);  // stops counting if this fails
  // What stands idle makes room, so that there are never more than `maximum` connections.
  if (!idle_.empty() && active_ + idle_.size() > maximum) idle_.erase(idle_.begin());
  Result<std::unique_ptr<runtime::Stream>> stream = co_await dialer_.open(deadline, ends);
  if (!stream) {
    unreachable(stream.error());
    co_return std::unexpected(std::move(stream).error());
  }
  lease.connection_ = std::make_unique<PooledConnection>(*this, std::move(*stream));
  lease.connection_->http.begin();
  co_return lease;
}

Task<Result<Lease>> Target::connect_shared(TimePoint deadline, std::uint32_t maximum) {
  Lease lease(*this);
  while (loop_.now() < deadline && sessions_->may_connect(maximum)) {
    bool dialled = false;
    const Result<void> made = co_await sessions_->connect(deadline, dialled);
    if (!made) {
      if (dialled) unreachable(made.error());
      co_return std::unexpected(made.error());
    }
    lease.stream_ = sessions_->open(lease.reused_);
    if (lease.stream_ != nullptr) {
      room_changed();
      co_return lease;
    }
  }
  co_return fail(ErrorCode::kUnavailable, "no connection had room in time", ErrorSource::kUpstream);
}

void Target::room_changed() {
  const std::size_t room = std::max<std::size_t>(sessions_->room(), 1);
  for (Upstream* upstream : upstreams_) upstream->wake(room);
}

void Target::one_ended() {
  --active_;
  if (sessions_ != nullptr) return;  // room_changed() says it
  for (Upstream* upstream : upstreams_) upstream->wake(1);
}

Lease::Lease(Target& target) : target_(&target) { ++target.active_; }

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  end();
  target_ = std::exchange(other.target_, nullptr);
  connection_ = std::move(other.connection_);
  stream_ = std::move(other.stream_);
  reused_ = other.reused_;
  return *this;
}

void Lease::keep() {
  if (target_ == nullptr) return;
  if (connection_ != nullptr) target_->give_back(std::move(connection_));
  end();
}

void Lease::end() {
  if (target_ == nullptr) return;
  connection_.reset();
  stream_.reset();
  std::exchange(target_, nullptr)->one_ended();
}

}  // namespace portcullis::upstream
