#include "authn/worker_state.h"

namespace portcullis::authn {

WorkerState::WorkerState(HashKey key, TokenCache::Bounds bounds)
    : tokens_(key, bounds), anonymous_(Identity()) {}

void WorkerState::Slot::update_keys(const KeySource& source) {
  const std::uint64_t revision = source.revision();
  if (revision == key_revision) return;
  // Read before the copy: newer keys than the revision says are copied once more, never missed.
  key_revision = revision;
  keys = source.current();
}

WorkerState::Slot& WorkerState::slot(std::uint64_t generation, std::uint32_t authenticator) {
  if (generation != generation_) {
    slots_.clear();
    generation_ = generation;
  }
  if (authenticator >= slots_.size()) slots_.resize(authenticator + 1);
  return slots_[authenticator];
}

}  // namespace portcullis::authn
