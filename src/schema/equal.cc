#include "schema/equal.h"

#include "schema/decimal.h"

#include <array>
#include <cstring>
#include <string_view>

namespace portcullis::schema {
namespace {

// A tag for each kind, so that "1" and 1 differ, and two words.
std::uint64_t hash_words(const HashKey& key, char tag, std::uint64_t a, std::uint64_t b) {
  std::array<char, 1 + 2 * sizeof(std::uint64_t)> bytes{tag};
  std::memcpy(bytes.data() + 1, &a, sizeof a);
  std::memcpy(bytes.data() + 1 + sizeof a, &b, sizeof b);
  return keyed_hash(key, {bytes.data(), bytes.size()});
}

std::uint64_t hash_number(const HashKey& key, const Number& number) {
  if (number.is_small()) return hash_words(key, 'i', static_cast<std::uint64_t>(number.small()), 0);
  const Decimal& decimal = number.decimal();
  // By blocks of digits and not by the two parts, which depend on how it was written.
  std::uint64_t state = decimal.negative ? 1 : 0;
  std::array<char, 32> block{};
  for (std::size_t at = 0; at < decimal.size();) {
    std::size_t filled = 0;
    while (filled < block.size() && at < decimal.size()) block[filled++] = decimal.digit(at++);
    state = hash_words(key, 'd', state, keyed_hash(key, {block.data(), filled}));
  }
  return hash_words(key, 'n', state, static_cast<std::uint64_t>(decimal.point));
}

bool same_objects(const Text& a, At at_a, const Text& b, At at_b, Budget& budget) {
  const std::uint32_t count = a.count(at_a);
  if (count != b.count(at_b)) return false;
  At name_b = at_b + 1;  // where the search goes on: mostly the order is the same
  std::uint32_t passed = 0;
  At name_a = at_a + 1;
  for (std::uint32_t left = count; left > 0; --left) {
    std::uint32_t tried = 0;
    for (;; ++tried) {
      if (tried == count || !budget.take(1)) return false;
      if (passed == count) {
        name_b = at_b + 1;
        passed = 0;
      }
      const bool found = a.hash(name_a) == b.hash(name_b) && a.string(name_a) == b.string(name_b);
      const At value_b = name_b + 2;
      name_b = b.after(value_b) + 1;
      ++passed;
      if (!found) continue;
      if (!same_value(a, name_a + 2, b, value_b, budget)) return false;
      break;
    }
    name_a = a.after(name_a + 2) + 1;
  }
  return true;
}

}  // namespace

std::uint64_t hash_value(const HashKey& key, const Text& text, At at) {
  switch (text.kind(at)) {
    case Kind::kNull:
      return hash_words(key, '0', 0, 0);
    case Kind::kBoolean:
      return hash_words(key, 'b', text.boolean(at) ? 1 : 0, 0);
    case Kind::kNumber:
      return hash_number(key, Number::at(text, at));
    case Kind::kString:
      return hash_words(key, 's', keyed_hash(key, text.string(at)), 0);
    case Kind::kArray: {
      std::uint64_t state = text.count(at);
      At item = at + 1;
      for (std::uint32_t left = text.count(at); left > 0; --left) {
        state = hash_words(key, 'a', state, hash_value(key, text, item));
        item = text.after(item) + 1;
      }
      return state;
    }
    case Kind::kObject: {
      std::uint64_t sum = text.count(at);  // a sum does not depend on the order
      At name = at + 1;
      for (std::uint32_t left = text.count(at); left > 0; --left) {
        sum += hash_words(key, 'o', keyed_hash(key, text.string(name)),
                          hash_value(key, text, name + 2));
        name = text.after(name + 2) + 1;
      }
      return hash_words(key, 'O', sum, 0);
    }
  }
  return 0;
}

bool same_value(const Text& a, At at_a, const Text& b, At at_b, Budget& budget) {
  const Kind kind = a.kind(at_a);
  if (kind != b.kind(at_b) || !budget.take(1)) return false;
  switch (kind) {
    case Kind::kNull:
      return true;
    case Kind::kBoolean:
      return a.boolean(at_a) == b.boolean(at_b);
    case Kind::kNumber:
      return compare(Number::at(a, at_a), Number::at(b, at_b)) == 0;
    case Kind::kString:
      return a.string(at_a) == b.string(at_b);
    case Kind::kArray: {
      if (a.count(at_a) != b.count(at_b)) return false;
      At item_a = at_a + 1;
      At item_b = at_b + 1;
      for (std::uint32_t left = a.count(at_a); left > 0; --left) {
        if (!same_value(a, item_a, b, item_b, budget)) return false;
        item_a = a.after(item_a) + 1;
        item_b = b.after(item_b) + 1;
      }
      return true;
    }
    case Kind::kObject:
      return same_objects(a, at_a, b, at_b, budget);
  }
  return false;
}

}  // namespace portcullis::schema
