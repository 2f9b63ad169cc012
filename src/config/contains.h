// std::ranges::contains, which the oldest supported standard library lacks.
#pragma once

#include <algorithm>
#include <functional>
#include <iterator>

namespace portcullis::config {

template <typename Range, typename Value, typename Projection = std::identity>
[[nodiscard]] bool contains(const Range& range, const Value& value, Projection projection = {}) {
  return std::ranges::any_of(
      range, [&](const auto& one) { return std::invoke(projection, one) == value; });
}

}  // namespace portcullis::config
