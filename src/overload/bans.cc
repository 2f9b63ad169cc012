#include "overload/bans.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace portcullis::overload {
namespace {

constexpr std::size_t kCounterSlots = std::size_t{1} << 16U;
// Beyond this a doubling would say nothing more.
constexpr std::uint32_t kMostStrikes = 32;

std::uint64_t tag_of(const Hash128& hash) { return hash.high == 0 ? 1 : hash.high; }

// What one subscriber has.
IpAddress subscriber(const IpAddress& address) {
  return address.is_v4() ? address : address.prefix(64);
}

IpAddress address_of(const Culprit& whom) {
  IpAddress address;
  std::memcpy(address.bytes.data(), whom.bytes().data(), address.bytes.size());
  return address;
}

Duration growing(const BanRules& rules, std::uint32_t strikes) {
  Duration lasts = rules.first;
  for (std::uint32_t i = 1; i < strikes && lasts < rules.maximum; ++i) lasts *= 2;
  return std::min(lasts, rules.maximum);
}

}  // namespace

BanRules BanRules::compile(const config::Bans& config, std::span<const Cidr> trusted) {
  BanRules rules;
  const auto set = [&](http::Offence offence, const std::optional<config::Rate>& rate) {
    if (!rate) return;
    rules.counters[static_cast<std::size_t>(offence)].emplace(
        rate->count, static_cast<std::uint64_t>(rate->per.count()), rate->count);
  };
  set(http::Offence::kMalformed, config.counters.malformed);
  set(http::Offence::kUnauthenticated, config.counters.unauthenticated);
  set(http::Offence::kRateLimited, config.counters.rate_limited);
  set(http::Offence::kHandshake, config.counters.handshakes);
  set(http::Offence::kSlow, config.counters.slow);
  set(http::Offence::kHttp2, config.counters.http2);
  set(http::Offence::kConnections, config.counters.connections);
  rules.first = config.first;
  rules.maximum = config.maximum;
  rules.forgiven_after = config.forgiven_after;
  rules.never = config.never;
  rules.never.insert(rules.never.end(), trusted.begin(), trusted.end());
  return rules;
}

bool BanRules::spares(const IpAddress& address) const {
  return std::ranges::any_of(never, [&](const Cidr& cidr) { return cidr.contains(address); });
}

Culprit Culprit::address(const IpAddress& address) {
  const IpAddress whom = subscriber(address);
  return {false, std::string(whom.view())};
}

Culprit Culprit::key(std::string_view subject) { return {true, std::string(subject)}; }

std::string Culprit::text() const {
  if (is_key_) return bytes_;
  const IpAddress address = address_of(*this);
  return address.is_v4() ? address.to_string() : address.to_string() + "/64";
}

Bans::Bans(TimePoint start, std::size_t slots)
    : start_(start),
      windows_(std::bit_ceil(std::max(slots, kWindow)) / kWindow),
      slots_(new Slot[windows_ * kWindow]),
      counters_(start, kCounterSlots) {}

// Never 0: that is nobody's.
std::uint64_t Bans::elapsed(TimePoint now) const {
  return now > start_ ? static_cast<std::uint64_t>(std::chrono::nanoseconds(now - start_).count())
                      : 1;
}

Hash128 Bans::hash_of(const IpAddress& address) const {
  return keyed_hash_128(hash_key_, subscriber(address).view());
}

// A key may be named like the bytes of an address.
Hash128 Bans::hash_of_key(std::string_view subject) const {
  Hash128 hash = keyed_hash_128(hash_key_, subject);
  hash.low = ~hash.low;
  return hash;
}

Hash128 Bans::hash_of(const Culprit& whom) const {
  return whom.is_key() ? hash_of_key(whom.bytes()) : hash_of(address_of(whom));
}

std::optional<TimePoint> Bans::look(const Hash128& hash, TimePoint now) const {
  const std::uint64_t tag = tag_of(hash);
  const Slot* const first = window(hash);
  for (const Slot* slot = first; slot != first + kWindow; ++slot) {
    if (slot->tag.load(std::memory_order_acquire) != tag) continue;
    const std::uint64_t until = slot->until.load(std::memory_order_acquire);
    // The slot may have become another's between the two.
    if (slot->tag.load(std::memory_order_relaxed) != tag) continue;
    if (until > elapsed(now)) return start_ + std::chrono::nanoseconds(until);
  }
  return std::nullopt;
}

std::optional<Ban> Bans::note(const IpAddress& address, http::Offence offence,
                              const BanRules& rules, TimePoint now) {
  if (!rules.counts(offence) || rules.spares(address)) return std::nullopt;
  return count(Culprit::address(address), offence, rules, now);
}

std::optional<Ban> Bans::note_key(std::string_view subject, http::Offence offence,
                                  const BanRules& rules, TimePoint now) {
  if (!rules.counts(offence)) return std::nullopt;
  return count(Culprit::key(subject), offence, rules, now);
}

ratelimit::KeyHash Bans::counter_of(const Culprit& whom, std::size_t offence) const {
  std::string counted(1, static_cast<char>('0' + offence));
  counted.append(whom.is_key() ? "k" : "a").append(whom.bytes());
  return counters_.hash(counted);
}

std::optional<Ban> Bans::count(const Culprit& whom, http::Offence offence, const BanRules& rules,
                               TimePoint now) {
  const auto kind = static_cast<std::size_t>(offence);
  const ratelimit::Taken taken = counters_.take(counter_of(whom, kind), nobody_,
                                                *rules.counters[kind], counters_.elapsed(now));
  // Without a tag the bucket is shared: what others did is nobody's fault.
  if (taken.allowed || taken.tag == 0) return std::nullopt;
  return begin({.whom = whom, .reason = std::string(offence_name(offence))}, rules, now, false);
}

// Where a ban of that hash is or may begin; null when all that is there is in force.
Bans::Slot* Bans::find_place(const Hash128& hash, TimePoint now) {
  Slot* const first = window(hash);
  Slot* place = nullptr;
  for (Slot* slot = first; slot != first + kWindow; ++slot) {
    const std::uint64_t tag = slot->tag.load(std::memory_order_relaxed);
    if (tag == tag_of(hash)) return slot;
    const std::uint64_t until = slot->until.load(std::memory_order_relaxed);
    if (until > elapsed(now)) continue;
    if (place == nullptr || until < place->until.load(std::memory_order_relaxed)) place = slot;
  }
  return place;
}

std::optional<Ban> Bans::begin(Ban ban, const BanRules& rules, TimePoint now, bool by_operator) {
  const Hash128 hash = hash_of(ban.whom);
  const std::lock_guard lock(mutex_);
  Slot* const slot = find_place(hash, now);
  if (slot == nullptr) {
    overflowed_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  const auto index = static_cast<std::size_t>(slot - slots_.get());
  const auto before = records_.find(index);
  bool replaces = false;
  if (before != records_.end() && before->second.ban.whom == ban.whom) {
    const Record& earlier = before->second;
    replaces = earlier.ban.until > now;
    if (!by_operator && replaces) return std::nullopt;
    if (now < earlier.forgiven) ban.strikes = std::min(earlier.ban.strikes + 1, kMostStrikes);
  }
  if (!by_operator) ban.lasts = growing(rules, ban.strikes);
  ban.until = now + ban.lasts;
  slot->until.store(0, std::memory_order_release);
  slot->tag.store(tag_of(hash), std::memory_order_release);
  slot->until.store(elapsed(ban.until), std::memory_order_release);
  records_.insert_or_assign(index, Record{ban, ban.until + rules.forgiven_after});
  if (!replaces) in_force_.fetch_add(1, std::memory_order_relaxed);
  return ban;
}

Result<Ban> Bans::add(const Culprit& whom, Duration lasts, const BanRules& rules, TimePoint now) {
  if (!whom.is_key() && rules.spares(address_of(whom)))
    return refuse(ErrorCode::kForbidden,
                  "`bans.never` or `trusted_proxies` has the address: it is never banned");
  std::optional<Ban> begun =
      begin({.whom = whom, .reason = std::string(kByOperator), .lasts = lasts}, rules, now, true);
  if (!begun) return fail(ErrorCode::kUnavailable, "the table of bans has no room for it");
  return *std::move(begun);
}

bool Bans::remove(const Culprit& whom, TimePoint now) {
  // Or the next offence would be one too many again.
  for (std::size_t offence = 0; offence < http::kOffences; ++offence)
    counters_.refill(counter_of(whom, offence));
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(
      records_, [&](const auto& entry) { return entry.second.ban.whom == whom; });
  if (found == records_.end()) return false;
  const bool was_in_force = found->second.ban.until > now;
  slots_[found->first].until.store(0, std::memory_order_release);
  slots_[found->first].tag.store(0, std::memory_order_release);
  records_.erase(found);
  if (was_in_force) in_force_.fetch_sub(1, std::memory_order_relaxed);
  return was_in_force;
}

std::vector<Ban> Bans::list(TimePoint now) const {
  std::vector<Ban> bans;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [slot, record] : records_) {
      if (record.ban.until > now) bans.push_back(record.ban);
    }
  }
  std::ranges::sort(bans, {}, &Ban::until);
  return bans;
}

void Bans::tidy(TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (records_.empty()) return;
  for (auto entry = records_.begin(); entry != records_.end();) {
    if (entry->second.forgiven > now) {
      ++entry;
      continue;
    }
    slots_[entry->first].until.store(0, std::memory_order_release);
    slots_[entry->first].tag.store(0, std::memory_order_release);
    entry = records_.erase(entry);
  }
  const auto active = std::ranges::count_if(
      records_, [&](const auto& entry) { return entry.second.ban.until > now; });
  in_force_.store(static_cast<std::uint32_t>(active), std::memory_order_relaxed);
}

}  // namespace portcullis::overload
