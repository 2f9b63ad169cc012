#include "upstream/standing.h"

#include <algorithm>

namespace portcullis::upstream {
namespace {

constexpr std::chrono::seconds kUnreachableRest{1};

// Never to an earlier time.
void move_on(std::atomic<Clock::rep>& time, TimePoint to) {
  const Clock::rep wanted = to.time_since_epoch().count();
  Clock::rep now = time.load(std::memory_order_relaxed);
  while (now < wanted && !time.compare_exchange_weak(now, wanted, std::memory_order_relaxed)) {
  }
}

}  // namespace

void Standing::failed(TimePoint now, const std::optional<config::Eject>& eject,
                      std::string_view reason) {
  if (!eject) return;
  Clock::rep until = ejected_until_.load(std::memory_order_relaxed);
  if (until > now.time_since_epoch().count()) return;
  if (errors_.fetch_add(1, std::memory_order_relaxed) + 1 < eject->consecutive_errors) return;
  // One of several workers, the one that moves the time.
  const Clock::rep end = (now + eject->rest).time_since_epoch().count();
  if (!ejected_until_.compare_exchange_strong(until, end, std::memory_order_relaxed)) return;
  errors_.store(0, std::memory_order_relaxed);
  move_on(rests_until_, now + eject->rest);
  ejections_.fetch_add(1, std::memory_order_relaxed);
  tell(TargetEvent::Kind::kEjected, reason);
}

void Standing::unreachable(TimePoint now, const std::optional<config::Eject>& eject,
                           std::string_view reason) {
  move_on(rests_until_, now + kUnreachableRest);
  failed(now, eject, reason);
}

void Standing::set_healthy(bool healthy, std::string_view reason) {
  if (healthy_.exchange(healthy, std::memory_order_relaxed) == healthy) return;
  tell(healthy ? TargetEvent::Kind::kHealthy : TargetEvent::Kind::kUnhealthy, reason);
}

void Standing::address_refused(std::string_view reason) {
  {
    const std::lock_guard lock(refused_mutex_);
    if (refused_ == reason) return;
    refused_ = reason;
  }
  tell(TargetEvent::Kind::kAddressRefused, reason);
}

void Standing::tell(TargetEvent::Kind kind, std::string_view reason) const {
  if (observer_) observer_({kind, upstream_, target_, reason});
}

std::shared_ptr<Standing> Standings::find(const std::string& upstream, const std::string& target) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Standing>& known = all_[{upstream, target}];
  if (known == nullptr) known = std::make_shared<Standing>(upstream, target, observer_);
  return known;
}

std::vector<std::shared_ptr<Standing>> Standings::keep_only(
    const std::vector<config::Upstream>& upstreams) {
  const auto stays = [&](const Standing& standing) {
    return std::ranges::any_of(upstreams, [&](const config::Upstream& one) {
      return one.name == standing.upstream() &&
             std::ranges::any_of(one.targets, [&](const config::Text& target) {
               return target.value == standing.target();
             });
    });
  };
  std::vector<std::shared_ptr<Standing>> gone;
  const std::lock_guard lock(mutex_);
  std::erase_if(all_, [&](auto& entry) {
    if (stays(*entry.second)) return false;
    gone.push_back(std::move(entry.second));
    return true;
  });
  return gone;
}

}  // namespace portcullis::upstream
