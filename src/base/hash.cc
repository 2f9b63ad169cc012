#include "base/hash.h"

#include "base/check.h"

#include <bit>
#include <cstring>
#include <sys/random.h>

namespace portcullis {
namespace {

struct State {
  std::uint64_t v0, v1, v2, v3;
  void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13);
    v1 ^= v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16);
    v3 ^= v2;
    v0 += v3;
    v3 = std::rotl(v3, 21);
    v3 ^= v0;
    v2 += v1;
    v1 = std::rotl(v1, 17);
    v1 ^= v2;
    v2 = std::rotl(v2, 32);
  }
};

// All of `bytes`, up to the last compression.
void absorb(State& s, std::string_view bytes) noexcept {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    s.v3 ^= word;
    s.round();
    s.v0 ^= word;
  }
  std::uint64_t tail = static_cast<std::uint64_t>(bytes.size()) << 56;
  for (std::size_t i = 0; i < left; ++i) {
    tail |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
  }
  s.v3 ^= tail;
  s.round();
  s.v0 ^= tail;
}

std::uint64_t squeeze(State& s) noexcept {
  s.round();
  s.round();
  s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

State begin(const HashKey& key) noexcept {
  return {key.a ^ 0x736f6d6570736575U, key.b ^ 0x646f72616e646f6dU, key.a ^ 0x6c7967656e657261U,
          key.b ^ 0x7465646279746573U};
}

}  // namespace

HashKey HashKey::random() {
  HashKey key;
  PC_CHECK(getrandom(&key, sizeof key, 0) == static_cast<ssize_t>(sizeof key));
  return key;
}

std::uint64_t keyed_hash(const HashKey& key, std::string_view bytes) noexcept {
  State s = begin(key);
  absorb(s, bytes);
  s.v2 ^= 0xff;
  return squeeze(s);
}

Hash128 keyed_hash_128(const HashKey& key, std::string_view bytes) noexcept {
  State s = begin(key);
  s.v1 ^= 0xee;
  absorb(s, bytes);
  s.v2 ^= 0xee;
  const std::uint64_t low = squeeze(s);
  s.v1 ^= 0xdd;
  return {low, squeeze(s)};
}

}  // namespace portcullis
