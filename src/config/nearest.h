// The name that was probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace portcullis::config {

// The candidate at the smallest edit distance from `name` (insert, delete, replace or swap two
// neighbours; case counts half), or empty when none is within a third of its length.
[[nodiscard]] std::string nearest(std::string_view name,
                                  const std::vector<std::string_view>& candidates);

// "; did you mean `x`?" or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view name,
                                       const std::vector<std::string_view>& candidates);

// The same, and where nothing is near, "; there is `a`, `b` or `c`" when there are any.
[[nodiscard]] std::string meant_or_all(std::string_view name,
                                       const std::vector<std::string_view>& candidates);

// "`a`, `b` or `c`"; of more than 16, the first 8.
[[nodiscard]] std::string one_of(const std::vector<std::string_view>& candidates);

// `text` in back-ticks, at most 60 bytes of it, unprintable bytes as `?`: for messages.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace portcullis::config
