#include "upstream/upstream.h"

#include "base/check.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace portcullis::upstream {
namespace {

// How long a name's addresses are used before it is asked for again.
constexpr std::chrono::seconds kResolveEvery{10};
// Requests that may wait for a connection, as a multiple of the connections that there may be.
constexpr std::size_t kQueueFactor = 4;

// How long a target that could not be reached is passed over.
constexpr std::chrono::seconds kRest{1};

}  // namespace

Target::Target(Upstream& upstream, std::string name) : upstream_(upstream), name_(std::move(name)) {
  const std::size_t colon = name_.rfind(':');
  host_ = name_.substr(0, colon);
  if (host_.size() > 2 && host_.front() == '[') host_ = host_.substr(1, host_.size() - 2);
  std::from_chars(name_.data() + colon + 1, name_.data() + name_.size(), port_);
  if (const auto literal = IpAddress::parse(host_)) {
    addresses_.push_back(*literal);
    resolved_ = kNoDeadline;
  }
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
  if (connection_->release()) {
    connection_->idle_since = target_->upstream_.loop_.now();
    target_->idle_.push_back(std::move(connection_));
  }
  end();
}

void Lease::end() {
  if (target_ == nullptr) return;
  connection_.reset();
  Target& target = *std::exchange(target_, nullptr);
  --target.active_;
  target.upstream_.one_ended();
}

Upstream::Upstream(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config)
    : loop_(loop),
      resolver_(resolver),
      name_(config.name),
      balance_(config.balance),
      maximum_(config.maximum_connections),
      connect_timeout_(config.connect_timeout),
      idle_timeout_(config.idle_timeout) {
  for (const config::Text& target : config.targets) {
    targets_.push_back(std::make_unique<Target>(*this, target.value));
  }
  PC_CHECK(!targets_.empty());
}

Upstream::~Upstream() { PC_CHECK(active() == 0 && waiters_.empty()); }

std::size_t Upstream::active() const {
  std::size_t sum = 0;
  for (const auto& target : targets_) sum += target->active_;
  return sum;
}

// Does not move the turn: a look at what stands idle is not a request yet. Begins at the target
// whose turn it is, so that ties go round; one that could not be reached a moment ago is passed
// over while there are others.
Target& Upstream::choose() {
  const std::size_t turn = (turn_ + 1) % targets_.size();
  Target* best = nullptr;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    Target& target = *targets_[(turn + i) % targets_.size()];
    if (target.rests_until_ > loop_.now()) continue;
    if (balance_ == config::Balance::kRoundRobin) return target;
    if (best == nullptr || target.active_ < best->active_) best = &target;
  }
  return best != nullptr ? *best : *targets_[turn];
}

void Upstream::next_turn() { turn_ = (turn_ + 1) % targets_.size(); }

Target& Upstream::after(const Target& target) {
  const auto at = std::ranges::find(targets_, &target, &std::unique_ptr<Target>::get);
  return *targets_[static_cast<std::size_t>(at - targets_.begin() + 1) % targets_.size()];
}

std::optional<Lease> Upstream::take_idle(Target& target) {
  if (target.active_ >= maximum_) return std::nullopt;
  while (!target.idle_.empty()) {
    std::unique_ptr<http::ClientConnection> connection = std::move(target.idle_.back());
    target.idle_.pop_back();
    if (!connection->is_usable()) continue;
    ++target.active_;
    return Lease(target, std::move(connection), true);
  }
  return std::nullopt;
}

std::optional<Lease> Upstream::try_acquire() {
  if (!waiters_.empty()) return std::nullopt;
  std::optional<Lease> lease = take_idle(choose());
  if (lease) next_turn();
  return lease;
}

Task<Result<Lease>> Upstream::acquire(Freshness freshness) {
  const TimePoint deadline = loop_.now() + connect_timeout_;
  Error last{
      ErrorCode::kUpstreamUnreachable, ErrorSource::kUpstream, "no target could be reached", {}};
  const Target* failed = nullptr;
  for (std::size_t tries = 0; tries < targets_.size();) {
    // Behind one that cannot be reached comes its neighbour: it has the fewest requests of all, and
    // would be chosen again.
    Target& target = failed != nullptr ? after(*failed) : choose();
    if (failed == nullptr) next_turn();
    if (freshness == Freshness::kAny) {
      if (auto lease = take_idle(target)) co_return std::move(*lease);
    }
    if (target.active_ >= maximum_) {
      if (failed != nullptr) {
        ++tries;
        failed = &target;
        continue;
      }
      if (std::ranges::any_of(targets_,
                              [&](const auto& other) { return other->active_ < maximum_; }))
        continue;
      if (waiters_.size() >= kQueueFactor * maximum_) {
        co_return fail(ErrorCode::kUnavailable,
                       "too many requests wait for upstream `" + name_ + "`",
                       ErrorSource::kUpstream);
      }
      Waiter waiter(*this);
      waiter.timer.arm(deadline);
      waiters_.push_back(&waiter);
      const bool woken = co_await waiter;
      if (!woken) {
        co_return fail(ErrorCode::kUnavailable,
                       "no connection of upstream `" + name_ + "` came free in time",
                       ErrorSource::kUpstream);
      }
      continue;
    }
    ++tries;
    Result<Lease> made = co_await connect(target);
    if (made) co_return std::move(*made);
    last = std::move(made).error();
    failed = &target;
  }
  last.code = ErrorCode::kUpstreamUnreachable;
  last.source = ErrorSource::kUpstream;
  co_return std::unexpected(std::move(last));
}

Task<Result<Lease>> Upstream::connect(Target& target) {
  const TimePoint deadline = loop_.now() + connect_timeout_;
  ++target.active_;
  Lease lease(target, nullptr, false);  // counts from now on, and stops counting if this fails
  PC_CO_CHECK(co_await resolve(target));
  // What stands idle makes room, so that there are never more than `maximum` connections.
  if (!target.idle_.empty() && target.active_ + target.idle_.size() > maximum_)
    target.idle_.erase(target.idle_.begin());
  // A name may have an address that nobody answers at (`localhost` of a server without IPv6): each
  // is tried. A copy, since another request may resolve the name anew.
  const std::vector<IpAddress> addresses = target.addresses_;
  const std::size_t first = target.next_address_++;
  Error last;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const IpAddress address = addresses[(first + i) % addresses.size()];
    Result<std::unique_ptr<runtime::Stream>> stream =
        co_await runtime::Stream::connect(loop_, {address, target.port_}, deadline);
    if (stream) {
      lease.connection_ = std::make_unique<http::ClientConnection>(std::move(*stream));
      co_return lease;
    }
    last = std::move(stream).error();
    last.detail = target.name_ + ": " + last.detail;
  }
  target.rests_until_ = loop_.now() + kRest;
  co_return std::unexpected(std::move(last));
}

// Keeps the last good answer when the name cannot be resolved again.
Task<Result<void>> Upstream::resolve(Target& target) {
  // A literal is never asked for; nothing may be added to its time, the last that there is.
  if (target.resolved_ == kNoDeadline) co_return Result<void>{};
  if (!target.addresses_.empty() && loop_.now() < target.resolved_ + kResolveEvery)
    co_return Result<void>{};
  Result<std::vector<IpAddress>> addresses = co_await resolver_.resolve(target.host_);
  if (addresses) {
    target.addresses_ = std::move(*addresses);
  } else if (target.addresses_.empty()) {
    co_return std::unexpected(std::move(addresses).error());
  }
  target.resolved_ = loop_.now();
  co_return Result<void>{};
}

void Upstream::one_ended() {
  if (waiters_.empty()) return;
  Waiter& waiter = *waiters_.front();
  waiters_.pop_front();
  waiter.woken = true;
  waiter.timer.disarm();
  loop_.ready(waiter.handle);
}

void Upstream::Waiter::await_suspend(std::coroutine_handle<> waiter) { handle = waiter; }

void Upstream::Waiter::give_up() {
  std::erase(upstream.waiters_, this);
  upstream.loop_.ready(handle);
}

void Upstream::close_idle(TimePoint now) {
  for (const auto& target : targets_) {
    // The least recently used come first.
    const auto first_young = std::ranges::find_if(target->idle_, [&](const auto& connection) {
      return now - connection->idle_since < idle_timeout_;
    });
    target->idle_.erase(target->idle_.begin(), first_young);
    std::erase_if(target->idle_, [](const auto& connection) { return !connection->is_usable(); });
  }
}

void Upstream::close_all_idle() {
  for (const auto& target : targets_) target->idle_.clear();
}

}  // namespace portcullis::upstream
