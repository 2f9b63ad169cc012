// Who is refused for a time, for what it did again and again. Bounded, shared by all workers, and
// kept through reloads.
//
// Asking costs one relaxed load while nobody is banned, and a hash and a window of sixteen slots
// otherwise; it takes no lock. A ban that is in force is never given up for another: a flood of
// offenders fills the table, and those that find no room are not banned (and counted), while their
// connections and requests are held by the limits as before. An attacker cannot choose who shares a
// window, since places are drawn by a hash whose key is made at start.
#pragma once

#include "base/clock.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/result.h"
#include "config/overload.h"
#include "http/offence.h"
#include "ratelimit/gcra.h"
#include "ratelimit/table.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::overload {

// `bans:`, compiled: what counts, for how long, and who is spared.
struct BanRules {
  // `trusted` are the proxies that are believed: they are never banned, since others stand behind.
  static BanRules compile(const config::Bans& config, std::span<const Cidr> trusted);

  std::array<std::optional<ratelimit::Gcra>, http::kOffences> counters;
  Duration first{};
  Duration maximum{};
  Duration forgiven_after{};
  std::vector<Cidr> never;

  [[nodiscard]] bool counts(http::Offence offence) const {
    return counters[static_cast<std::size_t>(offence)].has_value();
  }
  [[nodiscard]] bool spares(const IpAddress& address) const;
};

// Whom a ban holds: an address, which for IPv6 is its /64, or an API key by `<authenticator>|<id>`.
class Culprit {
 public:
  [[nodiscard]] static Culprit address(const IpAddress& address);
  [[nodiscard]] static Culprit key(std::string_view subject);

  [[nodiscard]] bool is_key() const { return is_key_; }
  // `203.0.113.9`, `2001:db8:1:2::/64`, or the key's name.
  [[nodiscard]] std::string text() const;
  // Of an address its sixteen bytes, of a key its name.
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  friend bool operator==(const Culprit&, const Culprit&) = default;

 private:
  Culprit(bool is_key, std::string bytes) : is_key_(is_key), bytes_(std::move(bytes)) {}
  bool is_key_;
  std::string bytes_;
};

// One that is in force.
struct Ban {
  Culprit whom;
  std::string reason;         // an offence's name, or `operator`
  std::uint32_t strikes = 1;  // which of its bans in a row this is
  Duration lasts{};
  TimePoint until = {};
};

class Bans {
 public:
  static constexpr std::size_t kWindow = 16;
  static constexpr std::size_t kDefaultSlots = std::size_t{1} << 16U;  // of 16 bytes
  static constexpr std::string_view kByOperator = "operator";

  explicit Bans(TimePoint start, std::size_t slots = kDefaultSlots);
  Bans(const Bans&) = delete;
  Bans& operator=(const Bans&) = delete;

  // Until when the address is banned; nothing: it is not. From any thread.
  [[nodiscard]] std::optional<TimePoint> find(const IpAddress& address, TimePoint now) const {
    if (in_force_.load(std::memory_order_relaxed) == 0) [[likely]]
      return std::nullopt;
    return look(hash_of(address), now);
  }
  [[nodiscard]] std::optional<TimePoint> find_key(std::string_view subject, TimePoint now) const {
    if (in_force_.load(std::memory_order_relaxed) == 0) [[likely]]
      return std::nullopt;
    return look(hash_of_key(subject), now);
  }

  // Counts an offence; the ban that it began, if it was one too many. From any thread.
  std::optional<Ban> note(const IpAddress& address, http::Offence offence, const BanRules& rules,
                          TimePoint now);
  std::optional<Ban> note_key(std::string_view subject, http::Offence offence,
                              const BanRules& rules, TimePoint now);

  // By hand, in place of one that is in force. Errors: kForbidden when the rules spare the address,
  // kUnavailable when the table has no room.
  Result<Ban> add(const Culprit& whom, Duration lasts, const BanRules& rules, TimePoint now);
  // False when there was none in force. What it had been banned for, and what has been counted
  // against it, is forgiven.
  bool remove(const Culprit& whom, TimePoint now);
  // In order of their ends, the next first.
  [[nodiscard]] std::vector<Ban> list(TimePoint now) const;
  // Forgets what is forgiven: to be called every second or so.
  void tidy(TimePoint now);

  [[nodiscard]] std::uint32_t in_force() const { return in_force_.load(std::memory_order_relaxed); }
  // Bans that found no room.
  [[nodiscard]] std::uint64_t overflowed() const {
    return overflowed_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t slots() const { return windows_ * kWindow; }

 private:
  struct Slot {
    std::atomic<std::uint64_t> until{0};  // ns since the start; 0: nobody's, or changing hands
    std::atomic<std::uint64_t> tag{0};
  };
  struct Record {
    Ban ban;
    TimePoint forgiven;
  };

  [[nodiscard]] Hash128 hash_of(const IpAddress& address) const;
  [[nodiscard]] Hash128 hash_of_key(std::string_view subject) const;
  [[nodiscard]] Hash128 hash_of(const Culprit& whom) const;
  [[nodiscard]] std::optional<TimePoint> look(const Hash128& hash, TimePoint now) const;
  [[nodiscard]] Slot* window(const Hash128& hash) const {
    return slots_.get() + (hash.low & (windows_ - 1)) * kWindow;
  }
  [[nodiscard]] std::uint64_t elapsed(TimePoint now) const;
  [[nodiscard]] ratelimit::KeyHash counter_of(const Culprit& whom, std::size_t offence) const;
  std::optional<Ban> count(const Culprit& whom, http::Offence offence, const BanRules& rules,
                           TimePoint now);
  std::optional<Ban> begin(Ban ban, const BanRules& rules, TimePoint now, bool by_operator);
  Slot* find_place(const Hash128& hash, TimePoint now);

  const TimePoint start_;
  const HashKey hash_key_ = HashKey::random();
  const std::size_t windows_;
  std::unique_ptr<Slot[]> slots_;
  std::atomic<std::uint32_t> in_force_{0};
  std::atomic<std::uint64_t> overflowed_{0};
  ratelimit::Table counters_;
  ratelimit::SharedBuckets nobody_;        // what the counters have no room for is not counted
  mutable std::mutex mutex_;               // of all that is below, and of changes to slots
  std::map<std::size_t, Record> records_;  // by slot
};

}  // namespace portcullis::overload
