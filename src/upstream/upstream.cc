#include "upstream/upstream.h"

#include "base/check.h"

#include <algorithm>
#include <utility>

namespace portcullis::upstream {
namespace {

// Requests that may wait for a connection, as a multiple of the connections that there may be.
constexpr std::size_t kQueueFactor = 4;

}  // namespace

Upstream::Upstream(Loop& loop, const config::Upstream& config,
                   std::vector<std::shared_ptr<Target>> targets)
    : loop_(loop),
      name_(config.name),
      balance_(config.balance),
      maximum_(config.maximum_connections),
      connect_timeout_(config.connect_timeout),
      tells_client_(config.proxy_protocol != config::ProxyProtocol::kNone),
      shares_(config.protocol == config::UpstreamProtocol::kHttp2),
      tls_(config.tls.has_value()),
      targets_(std::move(targets)) {
  PC_CHECK(!targets_.empty());
  for (const auto& target : targets_) target->upstreams_.push_back(this);
}

Upstream::~Upstream() {
  PC_CHECK(waiters_.empty());
  for (const auto& target : targets_) std::erase(target->upstreams_, this);
}

std::size_t Upstream::active() const {
  std::size_t sum = 0;
  for (const auto& target : targets_) sum += target->active_;
  return sum;
}

// Does not move the turn: a look at what stands idle is not a request yet. Begins at the target
// whose turn it is, so that ties go round. One that is out is passed over while there are others,
// also when those are full: their connections come free. When all are out, each has its turn: a
// probe may be wrong, and an answer is worth a try. The one that is chosen is full only when there
// is none to be preferred.
Target& Upstream::choose() {
  const TimePoint now = loop_.now();
  const bool all_out =
      std::ranges::all_of(targets_, [&](const auto& one) { return one->standing_->is_out(now); });
  const bool by_turn = all_out || balance_ == config::Balance::kRoundRobin;
  const std::size_t turn = (turn_ + 1) % targets_.size();
  Target* best = nullptr;
  bool best_has_room = false;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    Target& target = *targets_[(turn + i) % targets_.size()];
    if (!all_out && target.standing_->is_out(now)) continue;
    const bool room = target.has_room(maximum_);
    if (by_turn && room) return target;
    const bool better =
        best_has_room == room ? best == nullptr || target.active_ < best->active_ : room;
    if (best != nullptr && !better) continue;
    best = &target;
    best_has_room = room;
  }
  // Other threads move standings: all may be out by now.
  return best != nullptr ? *best : *targets_[turn];
}

void Upstream::next_turn() { turn_ = (turn_ + 1) % targets_.size(); }

Target& Upstream::after(const Target& target) {
  const auto at = std::ranges::find(targets_, &target, &std::shared_ptr<Target>::get);
  return *targets_[static_cast<std::size_t>(at - targets_.begin() + 1) % targets_.size()];
}

std::optional<Lease> Upstream::try_acquire() {
  if (!waiters_.empty()) return std::nullopt;
  std::optional<Lease> lease = choose().try_lend(maximum_);
  if (lease) next_turn();
  return lease;
}

Task<Result<Lease>> Upstream::acquire(Freshness freshness, const Ends* ends) {
  const TimePoint deadline = loop_.now() + connect_timeout_;
  Error last{
      ErrorCode::kUpstreamUnreachable, ErrorSource::kUpstream, "no target could be reached", {}};
  const Target* failed = nullptr;
  for (std::size_t tries = 0; tries < targets_.size();) {
    // Behind one that cannot be reached comes its neighbour: it has the fewest requests of all, and
    // would be chosen again.
    Target& target = failed != nullptr ? after(*failed) : choose();
    if (failed == nullptr) next_turn();
    // A shared connection that failed takes no more requests, and is not lent again.
    if (freshness == Freshness::kAny || shares_) {
      if (auto lease = target.try_lend(maximum_)) co_return std::move(*lease);
    }
    if (!target.may_connect(maximum_)) {
      if (failed != nullptr) {
        ++tries;
        failed = &target;
        continue;
      }
      if (waiters_.size() >= most_waiting()) {
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
    std::optional<Ends> told;
    if (ends != nullptr) told = *ends;
    Result<Lease> made = co_await target.connect(loop_.now() + connect_timeout_, maximum_, told);
    if (made) co_return std::move(*made);
    // Others took what room it made: wait with the rest.
    if (made.error().code == ErrorCode::kUnavailable && loop_.now() < deadline) {
      --tries;
      continue;
    }
    last = std::move(made).error();
    failed = &target;
  }
  if (last.code != ErrorCode::kUpstreamBroken) last.code = ErrorCode::kUpstreamUnreachable;
  last.source = ErrorSource::kUpstream;
  co_return std::unexpected(std::move(last));
}

std::size_t Upstream::most_waiting() const {
  return kQueueFactor * std::max<std::size_t>(maximum_, shares_ ? http2::kMostClientStreams : 0);
}

void Upstream::wake(std::size_t most) {
  for (; most > 0 && !waiters_.empty(); --most) {
    Waiter& waiter = *waiters_.front();
    waiters_.pop_front();
    waiter.woken = true;
    waiter.timer.disarm();
    loop_.ready(waiter.handle);
  }
}

void Upstream::Waiter::await_suspend(std::coroutine_handle<> waiter) { handle = waiter; }

void Upstream::Waiter::give_up() {
  std::erase(upstream.waiters_, this);
  upstream.loop_.ready(handle);
}

}  // namespace portcullis::upstream
