// A finite automaton over the bytes of UTF-8, made whole when the pattern is compiled: a match is
// one look into a table for each byte, without locks, allocation or state, so any number of workers
// share it. Only for patterns whose table stays small.
#pragma once

#include "schema/regex_syntax.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace portcullis::schema {

class DfaMatcher {
 public:
  // Empty when the automaton would pass the bounds (32,768 entries of 16 bits, or the work of
  // making it), or for word boundaries.
  static std::optional<DfaMatcher> compile(const Regex& regex);

  [[nodiscard]] bool matches(std::string_view text) const {
    std::size_t state = start_;
    if (state <= stride_) return state != 0;
    for (const char c : text) {
      state = table_[state + classes_[static_cast<std::uint8_t>(c)]];
      if (state <= stride_) return state != 0;
    }
    return table_[state + stride_ - 1] != 0;
  }

 private:
  friend class DfaBuilder;
  // A state is where its row begins. Row 0 can match no more, row 1 has matched whatever follows.
  // The last column says whether the text may end here.
  std::array<std::uint8_t, 256> classes_{};
  std::vector<std::uint16_t> table_;
  std::size_t stride_ = 0;
  std::size_t start_ = 0;
};

}  // namespace portcullis::schema
