#include "authn/token_cache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

// Counted for this whole test binary, so that a test can say "without allocation"; the sanitizers
// have an allocator of their own.
#if defined(__has_feature) && (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#define PC_COUNTS_ALLOCATIONS 0
#else
#define PC_COUNTS_ALLOCATIONS 1
namespace {
thread_local std::size_t allocations = 0;
}  // namespace
void* operator new(std::size_t size) {
  ++allocations;
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace portcullis::authn {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow{1'800'000'000s};
constexpr TokenCache::Scope kScope{.authenticator = 1, .generation = 7};

IdentityRef identity(std::string subject, WallTime expires = kNow + 60s) {
  Identity made;
  made.subject = std::move(subject);
  made.expires = expires;
  return IdentityRef(std::move(made));
}

std::string token(int number) {
  return std::string(600, 'h') + "." + std::to_string(number) + std::string(60, 's');
}

TEST(TokenCache, FindsByScopeAndAllBytes) {
  TokenCache cache(HashKey::random());
  EXPECT_EQ(cache.find(kScope, token(1)), nullptr);
  cache.insert(kScope, token(1), identity("a"), {}, 3, kNow);
  TokenCache::Entry* const entry = cache.find(kScope, token(1));
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->identity->subject, "a");
  EXPECT_EQ(entry->key_revision, 3U);
  EXPECT_EQ(cache.find({.authenticator = 2, .generation = 7}, token(1)), nullptr);
  EXPECT_EQ(cache.find({.authenticator = 1, .generation = 8}, token(1)), nullptr);
  EXPECT_EQ(cache.find(kScope, ""), nullptr);
  const std::string good = token(1);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = '#';
    ASSERT_EQ(cache.find(kScope, changed), nullptr)
        << "byte " << i << ": the hash sees the end alone, the comparison sees all";
  }
  EXPECT_EQ(cache.find(kScope, good + "s"), nullptr);
  EXPECT_EQ(cache.find(kScope, good.substr(1)), nullptr) << "same last bytes";
}

TEST(TokenCache, HitsWithoutAllocation) {
#if PC_COUNTS_ALLOCATIONS
  TokenCache cache(HashKey::random());
  const std::string text = token(1);
  cache.insert(kScope, text, identity("a"), {}, 1, kNow);
  const std::size_t before = allocations;
  const TokenCache::Entry* const entry = cache.find(kScope, text);
  const IdentityRef held = entry->identity;
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(held->subject, "a");
#else
  GTEST_SKIP() << "allocations are not counted under a sanitizer";
#endif
}

TEST(TokenCache, HoldsItsBounds) {
  TokenCache cache(HashKey::random(), {.entries = 100, .bytes = 1 << 20});
  for (int i = 0; i < 1000; ++i) cache.insert(kScope, token(i), identity("a"), {}, 1, kNow);
  EXPECT_EQ(cache.size(), 100U);
  EXPECT_LE(cache.bytes(), std::size_t{1} << 20);
  EXPECT_NE(cache.find(kScope, token(999)), nullptr);
  EXPECT_EQ(cache.find(kScope, token(0)), nullptr);

  TokenCache small(HashKey::random(), {.entries = 100, .bytes = 10'000});
  for (int i = 0; i < 100; ++i) small.insert(kScope, token(i), identity("a"), {}, 1, kNow);
  EXPECT_LE(small.bytes(), 10'000U);
  EXPECT_GE(small.size(), 5U);
  const std::size_t size = small.size();
  small.insert(kScope, std::string(20'000, 't'), identity("a"), {}, 1, kNow);
  EXPECT_EQ(small.size(), size) << "one that can never fit pushes nothing out";
}

TEST(TokenCache, KeepsWhatIsUsed) {
  TokenCache cache(HashKey::random(), {.entries = 64, .bytes = 1 << 20});
  cache.insert(kScope, token(0), identity("used"), {}, 1, kNow);
  for (int i = 1; i < 1000; ++i) {
    cache.insert(kScope, token(i), identity("once"), {}, 1, kNow);
    ASSERT_NE(cache.find(kScope, token(0)), nullptr) << i;
  }
}

TEST(TokenCache, LetsTheExpiredGoFirst) {
  TokenCache cache(HashKey::random(), {.entries = 3, .bytes = 1 << 20});
  cache.insert(kScope, token(0), identity("a", kNow + 1s), {}, 1, kNow);
  cache.insert(kScope, token(1), identity("b"), {}, 1, kNow);
  cache.insert(kScope, token(2), identity("c"), {}, 1, kNow);
  for (int i = 0; i < 3; ++i) ASSERT_NE(cache.find(kScope, token(i)), nullptr);
  cache.insert(kScope, token(3), identity("d"), {}, 1, kNow + 2s);
  EXPECT_EQ(cache.find(kScope, token(0)), nullptr);
  EXPECT_NE(cache.find(kScope, token(1)), nullptr);
  EXPECT_NE(cache.find(kScope, token(2)), nullptr);
}

TEST(TokenCache, ErasesOneAndKeepsItsNeighbours) {
  TokenCache cache(HashKey::random(),
                   {.entries = 4, .bytes = 1 << 20});  // few buckets: long chains
  for (int i = 0; i < 4; ++i) cache.insert(kScope, token(i), identity("a"), {}, 1, kNow);
  cache.erase(cache.find(kScope, token(2)));
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_EQ(cache.find(kScope, token(2)), nullptr);
  for (const int i : {0, 1, 3}) EXPECT_NE(cache.find(kScope, token(i)), nullptr) << i;
  for (const int i : {0, 1, 3}) cache.erase(cache.find(kScope, token(i)));
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.bytes(), 0U);
  cache.insert(kScope, token(9), identity("a"), {}, 1, kNow);
  EXPECT_NE(cache.find(kScope, token(9)), nullptr);
}

TEST(IdentityRef, OutlivesTheCache) {
  IdentityRef held;
  EXPECT_FALSE(held);
  {
    TokenCache cache(HashKey::random());
    cache.insert(kScope, token(1), identity("a"), {}, 1, kNow);
    held = cache.find(kScope, token(1))->identity;
  }
  IdentityRef copy = held;
  held = IdentityRef();
  EXPECT_EQ(copy->subject, "a");
  const IdentityRef moved = std::move(copy);
  EXPECT_EQ(moved->subject, "a");
  EXPECT_EQ(moved->claim("x"), nullptr);
}

}  // namespace
}  // namespace portcullis::authn
