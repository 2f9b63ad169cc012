#include "base/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace portcullis {
namespace {

// CPython 3.11 hashes bytes with SipHash-1-3; with PYTHONHASHSEED=0 its key is zero.
TEST(KeyedHash, AgreesWithAnotherImplementation) {
  EXPECT_EQ(keyed_hash({}, "abc"), 0xc03bc3a0042630f2U);
  EXPECT_EQ(keyed_hash({}, "client 192.0.2.1 and more than one block"), 0x19ac0836dd764f89U);
}

TEST(KeyedHash128, DiffersInBothHalvesByKeyLengthAndEveryByte) {
  const HashKey key{1, 2};
  std::string text(40, 'a');
  const Hash128 base = keyed_hash_128(key, text);
  const auto differs = [&base](const Hash128& other) {
    return base.low != other.low && base.high != other.high;
  };
  EXPECT_NE(base.low, base.high);
  EXPECT_NE(base.low, keyed_hash(key, text)) << "not the shorter hash with something appended";
  EXPECT_TRUE(differs(keyed_hash_128({1, 3}, text)));
  EXPECT_TRUE(differs(keyed_hash_128({2, 2}, text)));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = 'b';
    EXPECT_TRUE(differs(keyed_hash_128(key, changed))) << i;
    EXPECT_TRUE(differs(keyed_hash_128(key, text.substr(0, i)))) << i;
  }
}

}  // namespace
}  // namespace portcullis
