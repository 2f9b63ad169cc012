// What one worker remembers for authentication: verified tokens, its copies of the issuers' keys,
// and the identities that never change. Used on its thread alone; lives through reloads.
#pragma once

#include "authn/identity.h"
#include "authn/key_source.h"
#include "authn/token_cache.h"
#include "base/hash.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace portcullis::authn {

class WorkerState {
 public:
  explicit WorkerState(HashKey key, TokenCache::Bounds bounds = {});

  [[nodiscard]] TokenCache& tokens() { return tokens_; }
  [[nodiscard]] const IdentityRef& anonymous() const { return anonymous_; }

  // One authenticator's, of one configuration.
  struct Slot {
    std::uint64_t key_revision = 0;
    std::shared_ptr<const jose::KeySet> keys;  // null: none yet
    std::vector<IdentityRef> api_keys;         // by place in its table; null: not used yet

    // Takes the source's newest keys when they have changed.
    void update_keys(const KeySource& source);
  };
  // Forgets the slots of another generation. While requests of two configurations are under way at
  // once, that costs copies and nothing else.
  [[nodiscard]] Slot& slot(std::uint64_t generation, std::uint32_t authenticator);

  // Counted for metrics.
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;

 private:
  TokenCache tokens_;
  IdentityRef anonymous_;
  std::uint64_t generation_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace portcullis::authn
