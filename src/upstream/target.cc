#include "upstream/target.h"

#include "base/check.h"
#include "upstream/upstream.h"

#include <algorithm>

namespace portcullis::upstream {

Target::Target(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config,
               const std::string& name)
    : loop_(loop),
      name_(name),
      dialer_(loop, resolver, config, name),
      idle_timeout_(config.idle_timeout) {}

Target::~Target() { PC_CHECK(active_ == 0 && upstreams_.empty()); }

void Target::retire() {
  retired_ = true;
  idle_.clear();
}

void Target::serve(const config::Upstream& config) {
  retired_ = false;
  idle_timeout_ = config.idle_timeout;
}

void Target::close_idle(TimePoint now) {
  // The least recently used come first.
  const auto first_young = std::ranges::find_if(
      idle_, [&](const auto& connection) { return now - connection->idle_since < idle_timeout_; });
  idle_.erase(idle_.begin(), first_young);
  std::erase_if(idle_, [](const auto& connection) { return !connection->is_usable(); });
}

void Target::give_back(std::unique_ptr<http::ClientConnection> connection) {
  if (!connection->release() || retired_) return;
  connection->idle_since = loop_.now();
  idle_.push_back(std::move(connection));
}

std::unique_ptr<http::ClientConnection> Target::take_idle() {
  while (!idle_.empty()) {
    std::unique_ptr<http::ClientConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->is_usable()) return connection;
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
