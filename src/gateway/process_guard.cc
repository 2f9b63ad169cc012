// The process's part in holding out: how much memory it takes, and what is shown of bans.
#include "gateway/descriptors.h"
#include "gateway/process.h"

namespace portcullis::gateway {
namespace {

constexpr std::chrono::milliseconds kMemoryLook{100};
constexpr std::chrono::seconds kBetweenEases{1};

}  // namespace

void Process::register_guard_metrics() {
  using overload::MemoryShare;
  registry_.gauge_callback("portcullis_bans", "Bans that are in force.", {},
                           [this] { return std::int64_t{guard_.bans.in_force()}; });
  registry_.counter_callback(
      "portcullis_bans_overflowed_total", "Bans that found no room.", {},
      [this] { return static_cast<std::int64_t>(guard_.bans.overflowed()); });
  registry_.gauge_callback("portcullis_memory_ceiling_bytes", "What memory may come to.", {},
                           [this] { return static_cast<std::int64_t>(guard_.memory.ceiling()); });
  registry_.gauge_callback("portcullis_memory_strain",
                           "0 while there is room; 1 to 5 as the ceiling comes near.", {},
                           [this] { return static_cast<std::int64_t>(guard_.memory.strain()); });
  const auto bytes = [this](std::string_view of, telemetry::Registry::Callback value) {
    const telemetry::Label labels[] = {{"of", of}};
    registry_.gauge_callback("portcullis_memory_bytes", "Memory: of the process, and parts of it.",
                             labels, std::move(value));
  };
  const auto part = [this, &bytes](std::string_view of,
                                   std::atomic<std::uint64_t> MemoryShare::* counted) {
    bytes(of,
          [this, counted] { return static_cast<std::int64_t>(guard_.memory.counted(counted)); });
  };
  bytes("process", [this] { return static_cast<std::int64_t>(guard_.memory.resident()); });
  part("connections", &MemoryShare::connections);
  part("tls", &MemoryShare::tls);
  part("buffers", &MemoryShare::buffers);
  constexpr std::int64_t kSlot = 16;
  bytes("limits", [this] { return kSlot * static_cast<std::int64_t>(limits_.used()); });
  bytes("bans", [this] { return kSlot * static_cast<std::int64_t>(guard_.bans.slots()); });
}

// What the configuration in force says of all listeners and workers together.
void Process::use_bounds() {
  const config::Config& config = snapshot_->config();
  guard_.memory.use_ceiling(config.memory.ceiling);
  guard_.most_connections.store(most_connections(config, descriptor_limit()),
                                std::memory_order_relaxed);
}

// What the allocator keeps for later counts as used: while memory is short it is asked to give it
// back, or the strain would outlast its reason.
void Process::look_at_memory() {
  memory_timer_.arm(loop_.now() + kMemoryLook);
  const auto resident = overload::resident_memory();
  if (!resident) return;
  const bool changed = guard_.memory.look(*resident);
  const overload::Strain strain = guard_.memory.strain();
  if (changed) {
    log_.warning("memory_strain",
                 {{"strain", static_cast<std::int64_t>(strain)},
                  {"resident", static_cast<std::int64_t>(*resident)},
                  {"ceiling", static_cast<std::int64_t>(guard_.memory.ceiling())}});
  }
  if (strain == overload::Strain::kNone || loop_.now() < next_ease_) return;
  next_ease_ = loop_.now() + kBetweenEases;
  const bool evict = strain >= overload::Strain::kLowRequests;
  for (const auto& worker : workers_)
    worker->loop().post([one = worker.get(), evict] { one->ease(evict); });
}

}  // namespace portcullis::gateway
