#include "schema/code_points.h"

#include "base/encoding.h"

#include <algorithm>
#include <bit>

namespace portcullis::schema {

namespace {

constexpr char32_t kFirstSurrogate = 0xd800;
constexpr char32_t kLastSurrogate = 0xdfff;

// Splits until the bytes of the first and of the last differ only in one place behind which the
// whole range of continuation bytes is meant; then byte by byte is exact.
void split(char32_t first, char32_t last, std::vector<ByteSequence>& out) {
  for (const char32_t end : {char32_t{0x7f}, char32_t{0x7ff}, char32_t{0xffff}}) {
    if (first <= end && last > end) {
      split(first, end, out);
      split(end + 1, last, out);
      return;
    }
  }
  if (last >= 0x80) {
    for (unsigned level = 1; level < 4; ++level) {
      const char32_t mask = (char32_t{1} << (6 * level)) - 1;
      if ((first & ~mask) == (last & ~mask)) break;
      if ((first & mask) != 0) {
        split(first, first | mask, out);
        split((first | mask) + 1, last, out);
        return;
      }
      if ((last & mask) != mask) {
        split(first, (last & ~mask) - 1, out);
        split(last & ~mask, last, out);
        return;
      }
    }
  }
  char low[4];
  char high[4];
  ByteSequence sequence;
  sequence.size = static_cast<std::uint8_t>(encode_utf8(first, low));
  (void)encode_utf8(last, high);
  for (std::size_t i = 0; i < sequence.size; ++i)
    sequence.bytes[i] = {static_cast<std::uint8_t>(low[i]), static_cast<std::uint8_t>(high[i])};
  out.push_back(sequence);
}

}  // namespace

CodePointSet::CodePointSet(std::span<const CodePointRange> ranges)
    : ranges_(ranges.begin(), ranges.end()) {
  normalise();
}

void CodePointSet::add(char32_t first, char32_t last) { ranges_.push_back({first, last}); }

void CodePointSet::add(const CodePointSet& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
}

void CodePointSet::normalise() {
  std::ranges::sort(ranges_, {}, &CodePointRange::first);
  std::size_t kept = 0;
  for (const CodePointRange& range : ranges_) {
    if (kept > 0 && range.first <= ranges_[kept - 1].last + 1) {
      ranges_[kept - 1].last = std::max(ranges_[kept - 1].last, range.last);
    } else {
      ranges_[kept++] = range;
    }
  }
  ranges_.resize(kept);
}

void CodePointSet::complement() {
  std::vector<CodePointRange> rest;
  char32_t next = 0;
  for (const CodePointRange& range : ranges_) {
    if (range.first > next) rest.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCodePoint) rest.push_back({next, kLastCodePoint});
  ranges_ = std::move(rest);
}

bool CodePointSet::contains(char32_t one) const {
  const auto after = std::ranges::upper_bound(ranges_, one, {}, &CodePointRange::first);
  return after != ranges_.begin() && std::prev(after)->last >= one;
}

bool CodePointSet::overlaps(const CodePointSet& other) const {
  auto mine = ranges_.begin();
  auto theirs = other.ranges_.begin();
  while (mine != ranges_.end() && theirs != other.ranges_.end()) {
    if (mine->last < theirs->first) {
      ++mine;
    } else if (theirs->last < mine->first) {
      ++theirs;
    } else {
      return true;
    }
  }
  return false;
}

void append_utf8_sequences(CodePointRange range, std::vector<ByteSequence>& out) {
  if (range.first < kFirstSurrogate)
    split(range.first, std::min<char32_t>(range.last, kFirstSurrogate - 1), out);
  if (range.last > kLastSurrogate)
    split(std::max<char32_t>(range.first, kLastSurrogate + 1), range.last, out);
}

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<std::uint8_t>(text[at++]);
  if (lead < 0x80) return lead;
  const auto size = static_cast<std::size_t>(std::countl_one(lead));
  if (size < 2 || size > 4 || text.size() - at < size - 1) return 0xfffd;
  char32_t one = lead & (0x7fU >> size);
  for (std::size_t i = 0; i + 1 < size; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[at + i]);
    if ((byte & 0xc0) != 0x80) return 0xfffd;
    one = (one << 6) | (byte & 0x3f);
  }
  at += size - 1;
  return one;
}

}  // namespace portcullis::schema
