// Sets of Unicode code points, and UTF-8 as the matchers read it.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::schema {

inline constexpr char32_t kLastCodePoint = 0x10ffff;

struct CodePointRange {
  char32_t first = 0;
  char32_t last = 0;
  friend bool operator==(const CodePointRange&, const CodePointRange&) = default;
};

// Sorted, disjoint ranges that do not touch.
class CodePointSet {
 public:
  CodePointSet() = default;
  explicit CodePointSet(std::span<const CodePointRange> ranges);

  void add(char32_t first, char32_t last);
  void add(char32_t one) { add(one, one); }
  void add(const CodePointSet& other);
  // Ranges are joined here; everything below needs it after add().
  void normalise();
  void complement();

  [[nodiscard]] bool contains(char32_t one) const;
  [[nodiscard]] bool overlaps(const CodePointSet& other) const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] std::span<const CodePointRange> ranges() const [[clang::lifetimebound]] {
    return ranges_;
  }
  friend bool operator==(const CodePointSet&, const CodePointSet&) = default;

 private:
  std::vector<CodePointRange> ranges_;
};

// A run of bytes in which each may be any of a range: what UTF-8 makes of a range of code points.
struct ByteRange {
  std::uint8_t first = 0;
  std::uint8_t last = 0;
  friend auto operator<=>(const ByteRange&, const ByteRange&) = default;
};
struct ByteSequence {
  ByteRange bytes[4];
  std::uint8_t size = 0;
};

// The sequences of bytes that stand for the range, surrogates left out: UTF-8 has none. In order;
// of two of them the ranges in one place, all before being equal, are equal or disjoint.
void append_utf8_sequences(CodePointRange range, std::vector<ByteSequence>& out);

// The code point at `at`, which is moved behind it. `text` is valid UTF-8 and has bytes at `at`;
// what is not valid is read as U+FFFD a byte, and nothing is read beyond the end.
[[nodiscard]] char32_t next_code_point(std::string_view text, std::size_t& at);

}  // namespace portcullis::schema
