// Verified tokens of one worker, so that a signature is checked once. Bounded in number and in
// bytes; what is least lately used goes (CLOCK).
#pragma once

#include "authn/identity.h"
#include "base/hash.h"
#include "crypto/digest.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::authn {

class TokenCache {
 public:
  struct Bounds {
    std::size_t entries = 16'384;
    std::size_t bytes = 16 * 1024 * 1024;  // of tokens and identities
  };

  // What a token was verified for: it means nothing to another authenticator, nor to another
  // configuration.
  struct Scope {
    std::uint32_t authenticator = 0;
    std::uint64_t generation = 0;
    friend bool operator==(const Scope&, const Scope&) = default;
  };

  struct Entry {
    IdentityRef identity;
    crypto::Sha256 key{};            // thumbprint of the key that signed it
    std::uint64_t key_revision = 0;  // of the key set in which that key was last seen

    // The rest is for the cache alone.
    Scope scope;
    std::string token;
    std::uint64_t hash = 0;
    std::uint32_t next = 0;  // in the same bucket
    bool referenced = false;
    bool used = false;
  };

  TokenCache(HashKey key, Bounds bounds);
  explicit TokenCache(HashKey key) : TokenCache(key, Bounds()) {}
  TokenCache(const TokenCache&) = delete;
  TokenCache& operator=(const TokenCache&) = delete;
  ~TokenCache();

  // Null when it is not there. All bytes of the token are compared, in a time that does not tell
  // where they differ. No allocation. The entry is valid until the next insert() or erase().
  [[nodiscard]] Entry* find(Scope scope, std::string_view token);

  // `token` was verified and is not there yet. One that is larger than the bounds is not kept.
  void insert(Scope scope, std::string_view token, IdentityRef identity, const crypto::Sha256& key,
              std::uint64_t key_revision, WallTime now);
  void erase(Entry* entry);

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // Only the token's last bytes are hashed: of a signature, they differ between any two tokens.
  // Only verified tokens are ever kept, so nobody but an issuer could make them collide, and the
  // key of the hash is ours.
  [[nodiscard]] std::uint64_t hash_of(Scope scope, std::string_view token) const;
  [[nodiscard]] std::uint32_t& bucket_of(std::uint64_t hash) {
    return buckets_[hash & (buckets_.size() - 1)];
  }
  [[nodiscard]] std::uint32_t take_slot();
  void evict_one(WallTime now);

  HashKey hash_key_;
  Bounds bounds_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> buckets_;  // a power of two
  std::size_t hand_ = 0;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace portcullis::authn
