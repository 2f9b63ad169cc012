#include "overload/concurrency_gate.h"

#include "base/check.h"

namespace portcullis::overload {

std::shared_ptr<ConcurrencyGate::Count> ConcurrencyGates::find(const std::string& rule) {
  const std::lock_guard lock(mutex_);
  std::erase_if(counts_, [](const auto& entry) { return entry.second.expired(); });
  if (const auto found = counts_.find(rule); found != counts_.end()) {
    if (auto living = found->second.lock()) return living;
  }
  auto made = std::make_shared<ConcurrencyGate::Count>();
  counts_[rule] = made;
  return made;
}

Result<void> Inside::enter(const ConcurrencyGate& gate) {
  PC_CHECK(count_ < kMost);
  if (!gate.enter()) {
    return fail(ErrorCode::kOverloaded, "as many requests are under way as there may be",
                ErrorSource::kInternal, gate.rule());
  }
  gates_[count_++] = &gate;
  return {};
}

}  // namespace portcullis::overload
