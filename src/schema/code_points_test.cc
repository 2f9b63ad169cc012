#include "schema/code_points.h"

#include "base/encoding.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::schema {
namespace {

bool is_in(const std::vector<ByteSequence>& sequences, const std::string& bytes) {
  for (const ByteSequence& sequence : sequences) {
    bool all = sequence.size == bytes.size();
    for (std::size_t i = 0; all && i < bytes.size(); ++i) {
      const auto byte = static_cast<std::uint8_t>(bytes[i]);
      all = byte >= sequence.bytes[i].first && byte <= sequence.bytes[i].last;
    }
    if (all) return true;
  }
  return false;
}

TEST(Utf8Sequences, StandForExactlyTheRange) {
  const CodePointRange ranges[] = {{0, 0},           {'a', 'z'},         {0x7f, 0x80},
                                   {0x7fe, 0x801},   {0x123, 0x4567},    {0xd7ff, 0xe000},
                                   {0xd800, 0xdfff}, {0xfffe, 0x10001},  {0x12345, 0x12399},
                                   {0, 0x10ffff},    {0x3ffff, 0x40000}, {0xa0, 0x10ffff}};
  for (const CodePointRange& range : ranges) {
    SCOPED_TRACE(static_cast<std::uint32_t>(range.first));
    std::vector<ByteSequence> sequences;
    append_utf8_sequences(range, sequences);
    for (char32_t one = 0; one <= kLastCodePoint; one += one < 0x11000 ? 1 : 61) {
      if (one >= 0xd800 && one <= 0xdfff) continue;
      std::string bytes;
      append_utf8(bytes, one);
      ASSERT_EQ(is_in(sequences, bytes), one >= range.first && one <= range.last)
          << static_cast<std::uint32_t>(one);
      std::size_t at = 0;
      ASSERT_TRUE(next_code_point(bytes, at) == one);
      ASSERT_EQ(at, bytes.size());
    }
  }
}

TEST(Utf8Sequences, OfSurrogatesThereAreNone) {
  std::vector<ByteSequence> sequences;
  append_utf8_sequences({0xd800, 0xdfff}, sequences);
  EXPECT_TRUE(sequences.empty());
}

TEST(NextCodePoint, ReadsWhatIsNotValidAByteAtATime) {
  for (const std::string text : {"\x80", "\xff", "\xc3", "\xc3(", "\xe2\x82", "\xf0\x9f\x90"}) {
    std::size_t at = 0;
    EXPECT_TRUE(next_code_point(text, at) == 0xfffd);
    EXPECT_EQ(at, 1U);
  }
}

TEST(CodePointSet, JoinsComplementsAndFinds) {
  const CodePointRange mixed[] = {{'d', 'f'}, {'a', 'b'}, {'c', 'c'}, {'x', 'z'}, {'e', 'k'}};
  CodePointSet set(mixed);
  ASSERT_EQ(set.ranges().size(), 2U);
  EXPECT_EQ(set.ranges()[0], (CodePointRange{'a', 'k'}));
  EXPECT_TRUE(set.contains('a') && set.contains('k') && set.contains('z'));
  EXPECT_FALSE(set.contains('l') || set.contains('w') || set.contains(0));
  CodePointSet other = set;
  other.complement();
  EXPECT_FALSE(other.overlaps(set));
  EXPECT_TRUE(other.contains(kLastCodePoint));
  other.complement();
  EXPECT_EQ(other, set);
}

}  // namespace
}  // namespace portcullis::schema
