#include "authn/key_source.h"

#include <algorithm>
#include <utility>

namespace portcullis::authn {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kFirstRetry{1'000};
constexpr milliseconds kLastRetry{60'000};

// A part of a duration; exact enough for times of fetching.
Duration part(Duration whole, double factor) {
  return duration_cast<Duration>(std::chrono::duration<double>(whole) * factor);
}

}  // namespace

KeySource::KeySource(KeySourceSettings settings, std::uint64_t seed)
    : settings_(std::move(settings)), random_(seed) {}

KeySource::KeySource(jose::KeySet keys)
    : revision_(1),
      fresh_until_(TimePoint::max()),
      usable_until_(TimePoint::max()),
      keys_(std::make_shared<const jose::KeySet>(std::move(keys))),
      next_fetch_(kNoDeadline),
      random_(0) {}

std::shared_ptr<const jose::KeySet> KeySource::current() const {
  const std::scoped_lock lock(mutex_);
  return keys_;
}

KeyState KeySource::state(TimePoint now) const {
  if (now < fresh_until_.load(std::memory_order_relaxed)) return KeyState::kFresh;
  if (now < usable_until_.load(std::memory_order_relaxed)) return KeyState::kStale;
  return KeyState::kUnavailable;
}

bool KeySource::may_fetch(TimePoint now) const {
  if (!is_fetched()) return false;
  return requested_ || fetching_ || now >= next_for_callers_;
}

bool KeySource::fetch_could_help(TimePoint now) const {
  const std::scoped_lock lock(mutex_);
  return may_fetch(now);
}

bool KeySource::may_fetch_for_unknown_kid(TimePoint now) {
  const std::scoped_lock lock(mutex_);
  if (!may_fetch(now)) return false;
  if (!requested_ && !fetching_) {
    requested_ = true;
    next_for_callers_ = now + kUnknownKeyPause;
  }
  return true;
}

std::optional<KeySource::WaitId> KeySource::wait(std::move_only_function<void()> done) {
  const std::scoped_lock lock(mutex_);
  if (!requested_ && !fetching_) return std::nullopt;
  waiters_.push_back({++last_wait_, std::move(done)});
  return last_wait_;
}

void KeySource::stop_waiting(WaitId id) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(waiters_, [id](const Waiter& waiter) { return waiter.id == id; });
}

TimePoint KeySource::next_fetch_at() const {
  const std::scoped_lock lock(mutex_);
  return next_fetch_;
}

bool KeySource::begin_fetch() {
  const std::scoped_lock lock(mutex_);
  if (fetching_ || !is_fetched()) return false;
  fetching_ = true;
  ++fetches_;
  return true;
}

bool KeySource::begin_requested_fetch() {
  const std::scoped_lock lock(mutex_);
  if (fetching_ || !requested_) return false;
  fetching_ = true;
  ++fetches_;
  return true;
}

Result<void> KeySource::fetch_succeeded(std::string_view text, TimePoint now) {
  Result<jose::KeySet> keys = jose::KeySet::parse(text);
  const std::scoped_lock lock(mutex_);
  if (!keys) {
    fail_fetch(keys.error().detail, now);
    return fail(ErrorCode::kUpstreamBroken, std::move(keys.error().detail), ErrorSource::kUpstream);
  }
  keys_ = std::make_shared<const jose::KeySet>(*std::move(keys));
  revision_.fetch_add(1, std::memory_order_release);
  fresh_until_.store(now + settings_.refresh, std::memory_order_relaxed);
  usable_until_.store(now + std::max(settings_.refresh, settings_.stale_for),
                      std::memory_order_relaxed);
  failures_in_a_row_ = 0;
  last_failure_.clear();
  next_fetch_ = now + part(settings_.refresh, 0.8 + 0.1 * jitter());
  end_fetch();
  return {};
}

void KeySource::fetch_failed(std::string reason, TimePoint now) {
  const std::scoped_lock lock(mutex_);
  fail_fetch(std::move(reason), now);
}

void KeySource::fail_fetch(std::string reason, TimePoint now) {
  ++failures_;
  last_failure_ = std::move(reason);
  const unsigned doublings = std::min(failures_in_a_row_, 10U);
  ++failures_in_a_row_;
  const milliseconds pause = std::min(kFirstRetry * (1U << doublings), kLastRetry);
  next_fetch_ = now + part(pause, 0.5 + 0.5 * jitter());
  end_fetch();
}

// The waiters are told under the lock: that is what makes stop_waiting() final.
void KeySource::end_fetch() {
  fetching_ = false;
  requested_ = false;
  for (Waiter& waiter : std::exchange(waiters_, {})) waiter.done();
}

// splitmix64: it only has to differ between gateways and between calls.
double KeySource::jitter() {
  random_ += 0x9e3779b97f4a7c15U;
  std::uint64_t z = random_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

KeySource::Report KeySource::report(TimePoint now) const {
  Report report;
  report.state = state(now);
  const std::scoped_lock lock(mutex_);
  if (keys_ != nullptr) {
    report.keys = keys_->keys().size();
    report.skipped = keys_->skipped().size();
  }
  report.fetches = fetches_;
  report.failures = failures_;
  report.last_failure = last_failure_;
  return report;
}

std::shared_ptr<KeySource> KeySources::find_or_make(const KeySourceSettings& settings) {
  for (const std::shared_ptr<KeySource>& source : living()) {
    if (source->settings() == settings) return source;
  }
  auto source = std::make_shared<KeySource>(settings, ++seed_);
  sources_.push_back(source);
  return source;
}

std::vector<std::shared_ptr<KeySource>> KeySources::living() {
  std::erase_if(sources_, [](const std::weak_ptr<KeySource>& source) { return source.expired(); });
  std::vector<std::shared_ptr<KeySource>> all;
  for (const std::weak_ptr<KeySource>& each : sources_) {
    if (std::shared_ptr<KeySource> source = each.lock()) all.push_back(std::move(source));
  }
  return all;
}

}  // namespace portcullis::authn
