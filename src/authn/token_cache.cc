#include "authn/token_cache.h"

#include "base/check.h"
#include "base/secret.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace portcullis::authn {
namespace {

constexpr std::size_t kHashedTail = 64;

// What an entry costs, near enough: strings live on the heap.
std::size_t cost_of(std::string_view token, const Identity& identity) {
  constexpr std::size_t kString = sizeof(std::string);
  std::size_t bytes = 256 + token.size() + identity.subject.size() + identity.issuer.size() +
                      identity.authenticator.size();
  for (const std::string& role : identity.roles) bytes += kString + role.size();
  for (const std::string& scope : identity.scopes) bytes += kString + scope.size();
  for (const auto& [name, value] : identity.claims) {
    bytes += 2 * kString + name.size() + value.size();
  }
  return bytes;
}

}  // namespace

TokenCache::TokenCache(HashKey key, Bounds bounds) : hash_key_(key), bounds_(bounds) {
  PC_CHECK(bounds_.entries > 0 && bounds_.entries < kNone);
  buckets_.assign(std::bit_ceil(bounds_.entries), kNone);
}

TokenCache::~TokenCache() {
  for (Entry& entry : entries_) wipe(entry.token.data(), entry.token.size());
}

std::uint64_t TokenCache::hash_of(Scope scope, std::string_view token) const {
  char bytes[kHashedTail + sizeof scope.authenticator + sizeof scope.generation];
  const std::size_t tail = std::min(token.size(), kHashedTail);
  std::memcpy(bytes, token.data() + token.size() - tail, tail);
  std::memcpy(bytes + tail, &scope.authenticator, sizeof scope.authenticator);
  std::memcpy(bytes + tail + sizeof scope.authenticator, &scope.generation,
              sizeof scope.generation);
  return keyed_hash(hash_key_,
                    {bytes, tail + sizeof scope.authenticator + sizeof scope.generation});
}

TokenCache::Entry* TokenCache::find(Scope scope, std::string_view token) {
  if (count_ == 0 || token.empty()) return nullptr;
  const std::uint64_t hash = hash_of(scope, token);
  for (std::uint32_t at = bucket_of(hash); at != kNone; at = entries_[at].next) {
    Entry& entry = entries_[at];
    if (entry.hash != hash || entry.scope != scope) continue;
    if (!constant_time_equal(entry.token, token)) continue;
    entry.referenced = true;
    return &entry;
  }
  return nullptr;
}

std::uint32_t TokenCache::take_slot() {
  if (!free_.empty()) {
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  entries_.emplace_back();
  return static_cast<std::uint32_t>(entries_.size() - 1);
}

void TokenCache::insert(Scope scope, std::string_view token, IdentityRef identity,
                        const crypto::Sha256& key, std::uint64_t key_revision, WallTime now) {
  const std::size_t cost = cost_of(token, *identity);
  if (token.empty() || cost > bounds_.bytes) return;
  while (count_ >= bounds_.entries || bytes_ + cost > bounds_.bytes) evict_one(now);
  const std::uint32_t slot = take_slot();
  Entry& entry = entries_[slot];
  entry.identity = std::move(identity);
  entry.key = key;
  entry.key_revision = key_revision;
  entry.scope = scope;
  entry.token = token;
  entry.hash = hash_of(scope, token);
  entry.referenced = false;
  entry.used = true;
  std::uint32_t& bucket = bucket_of(entry.hash);
  entry.next = bucket;
  bucket = slot;
  ++count_;
  bytes_ += cost;
}

void TokenCache::erase(Entry* entry) {
  PC_CHECK(entry->used);
  const auto slot = static_cast<std::uint32_t>(entry - entries_.data());
  std::uint32_t* link = &bucket_of(entry->hash);
  while (*link != slot) link = &entries_[*link].next;
  *link = entry->next;
  bytes_ -= cost_of(entry->token, *entry->identity);
  --count_;
  wipe(entry->token.data(), entry->token.size());
  *entry = Entry();
  free_.push_back(slot);
}

// CLOCK: an entry that was used since the hand came by gets another round, unless it has expired.
void TokenCache::evict_one(WallTime now) {
  while (true) {
    if (hand_ >= entries_.size()) hand_ = 0;
    Entry& entry = entries_[hand_++];
    if (!entry.used) continue;
    if (entry.referenced && entry.identity->expires > now) {
      entry.referenced = false;
      continue;
    }
    erase(&entry);
    return;
  }
}

}  // namespace portcullis::authn
