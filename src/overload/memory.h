// How much memory the process uses against the ceiling that it is given, and what must wait when it
// comes near. The control thread looks every tenth of a second; workers read one byte.
#pragma once

#include "config/overload.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::overload {

// What goes without, as the ceiling comes nearer: per cent of it at which each begins.
enum class Strain : std::uint8_t {
  kNone,
  kConnections,       // 80: a new connection takes the place of an idle one, or is refused
  kLowRequests,       // 85: requests of priority low get 503
  kNormalRequests,    // 90
  kHighRequests,      // 95
  kCriticalRequests,  // 100
};

[[nodiscard]] Strain strain_of(std::uint64_t used, std::uint64_t ceiling);

// What one worker holds, by its own count; written by it alone.
struct MemoryShare {
  // What a connection holds beside its buffers: the kernel's part is not ours to count.
  static constexpr std::uint64_t kConnection = 2048;
  static constexpr std::uint64_t kTlsSession = 24 * 1024;  // an estimate: OpenSSL says no number

  std::atomic<std::uint64_t> connections{0};  // bytes, as the rest
  std::atomic<std::uint64_t> tls{0};
  std::atomic<std::uint64_t> buffers{0};  // lent, and kept for the next
  [[nodiscard]] std::uint64_t sum() const {
    return connections.load(std::memory_order_relaxed) + tls.load(std::memory_order_relaxed) +
           buffers.load(std::memory_order_relaxed);
  }
};

class Memory {
 public:
  // As the configuration says; 0: kDefaultShare per cent of what there is.
  void use_ceiling(std::uint64_t ceiling);
  [[nodiscard]] std::uint64_t ceiling() const { return ceiling_.load(std::memory_order_relaxed); }

  [[nodiscard]] std::shared_ptr<MemoryShare> open_share();
  // What all workers hold by their own count, part by part or (null) in all.
  [[nodiscard]] std::uint64_t counted(std::atomic<std::uint64_t> MemoryShare::* part) const;

  // On the control thread. `resident` is what the system says that the process has. The larger of
  // that and what is counted is what is used. True when the strain is another than before.
  bool look(std::uint64_t resident);
  [[nodiscard]] std::uint64_t resident() const { return resident_.load(std::memory_order_relaxed); }

  [[nodiscard]] Strain strain() const { return strain_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool admits_connections() const { return strain() == Strain::kNone; }
  [[nodiscard]] bool admits(config::Priority priority) const {
    const auto first = static_cast<std::uint8_t>(Strain::kLowRequests);
    return static_cast<std::uint8_t>(strain()) < first + static_cast<std::uint8_t>(priority);
  }

 private:
  std::atomic<Strain> strain_{Strain::kNone};
  std::atomic<std::uint64_t> ceiling_{0};
  std::atomic<std::uint64_t> resident_{0};
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<MemoryShare>> shares_;
};

// Per cent of the machine's memory, or of the cgroup's limit where that is lower, that the ceiling
// is unless it is said.
inline constexpr std::uint64_t kDefaultShare = 75;

// The lowest limit of the cgroups that this process is in, or what the machine has.
[[nodiscard]] std::uint64_t available_memory();
// What the process has in memory of its own; nothing where the system does not say.
[[nodiscard]] std::optional<std::uint64_t> resident_memory();

// Of the texts of memory.max (cgroup 2) or memory.limit_in_bytes (cgroup 1). Nothing: no limit.
[[nodiscard]] std::optional<std::uint64_t> parse_cgroup_limit(std::string_view text);
// Resident bytes less those that files share, of the text of /proc/self/statm.
[[nodiscard]] std::optional<std::uint64_t> parse_statm(std::string_view text, std::uint64_t page);

}  // namespace portcullis::overload
