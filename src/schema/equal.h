// Whether two values are the same to JSON Schema: numbers by what they are worth, strings by their
// characters, arrays by order, objects without.
#pragma once

#include "base/hash.h"
#include "schema/text.h"

#include <cstdint>

namespace portcullis::schema {

// What work may still be spent; comparing takes from it. At 0 every answer is "cannot tell", which
// the caller must take for a refusal.
struct Budget {
  std::uint64_t left = 0;
  [[nodiscard]] bool take(std::uint64_t steps) {
    if (left < steps) {
      left = 0;
      return false;
    }
    left -= steps;
    return true;
  }
};

// Values that are the same have the same hash. Keyed, since instances are written by attackers.
[[nodiscard]] std::uint64_t hash_value(const HashKey& key, const Text& text, At at);

[[nodiscard]] bool same_value(const Text& a, At at_a, const Text& b, At at_b, Budget& budget);

}  // namespace portcullis::schema
