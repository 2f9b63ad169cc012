// SipHash-1-3 with a key drawn at start: for tables whose keys come from outside, so that nobody
// can choose keys that collide. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF"
// (2012), with 1 and 3 rounds.
#pragma once

#include <cstdint>
#include <string_view>

namespace portcullis {

struct HashKey {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  // From the system's random source; aborts if there is none.
  static HashKey random();
};

[[nodiscard]] std::uint64_t keyed_hash(const HashKey& key, std::string_view bytes) noexcept;

struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

// The same with 128 bits of output (the authors' extension of 2014), for where two keys that meet
// would be taken for one.
[[nodiscard]] Hash128 keyed_hash_128(const HashKey& key, std::string_view bytes) noexcept;

}  // namespace portcullis
