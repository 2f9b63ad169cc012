#include "upstream/target.h"

#include "base/check.h"
#include "upstream/upstream.h"

#include <algorithm>

namespace portcullis::upstream {

Target::Target(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config,
               const std::string& name, std::shared_ptr<Standing> standing,
               std::shared_ptr<const runtime::TlsClientContext> tls)
    : loop_(loop),
      name_(name),
      standing_(std::move(standing)),
      dialer_(loop, resolver, config, name, *standing_, std::move(tls)) {
  serve(config);
}

Target::~Target() { PC_CHECK(active_ == 0 && upstreams_.empty()); }

void Target::retire() {
  retired_ = true;
  idle_.clear();
}

void Target::serve(const config::Upstream& config) {
  retired_ = false;
  idle_timeout_ = config.idle_timeout;
  eject_ = config.eject;
}

void Target::close_idle(TimePoint now) {
  // The least recently used come first.
  const auto first_young = std::ranges::find_if(
      idle_, [&](const auto& connection) { return now - connection->idle_since < idle_timeout_; });
  idle_.erase(idle_.begin(), first_young);
  // Nobody asks for the name of a target that nobody uses.
  if (active_ > 0 || !idle_.empty()) follow_name();
}

void Target::follow_name() {
  if (!dialer_.refresh()) return;
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

void Target::one_ended() {
  --active_;
  for (Upstream* upstream : upstreams_) upstream->one_ended();
}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  end();
  target_ = std::exchange(other.target_, nullptr);
  connection_ = std::move(other.connection_);
  reused_ = other.reused_;
  return *this;
}

void Lease::keep() {
  if (target_ == nullptr) return;
  target_->give_back(std::move(connection_));
  end();
}

void Lease::end() {
  if (target_ == nullptr) return;
  connection_.reset();
  std::exchange(target_, nullptr)->one_ended();
}

}  // namespace portcullis::upstream
