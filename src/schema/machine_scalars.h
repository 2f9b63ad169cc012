// Part of machine.h: numbers and strings.
#pragma once

#include "schema/machine.h"

#include <algorithm>

namespace portcullis::schema {

template <bool kTell>
bool Machine::in_range(const Range& range, At at, const Frame* where) {
  if (text_.is_small(at) && text_.small(at) >= range.low && text_.small(at) <= range.high)
      [[likely]] {
    return true;
  }
  const Number number = Number::at(text_, at);
  bool fine = true;
  if (range.min.exists) {
    const int order = compare(number, range.min.number);
    if (order < 0 || (order == 0 && range.min.excluded)) fine = fail<kTell>(range.min.rule, where);
  }
  if (range.max.exists) {
    const int order = compare(number, range.max.number);
    if (order > 0 || (order == 0 && range.max.excluded)) fine = fail<kTell>(range.max.rule, where);
  }
  return fine;
}

inline bool Machine::in_set(const NumberSet& set, At at) const {
  const Number number = Number::at(text_, at);
  return std::ranges::binary_search(set.numbers, number, is_less);
}

// In characters. Of a text of so many bytes there are at most so many, and at least a quarter.
template <bool kTell>
bool Machine::length(const Span& span, At at, const Frame* where) {
  const std::string_view text = text_.string(at);
  if (text.size() <= span.max && (text.size() + 3) / 4 >= span.min) return true;
  const auto count = static_cast<std::uint64_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  return holds<kTell>(span, count, where);
}

inline bool Machine::matches(std::uint32_t pattern, std::string_view text) {
  return budget_.take(1 + text.size() / 64) && program_.patterns[pattern].matches(text);
}

}  // namespace portcullis::schema
