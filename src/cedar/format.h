// The formatter of policies: one layout for all, every comment kept.
#pragma once

#include "cedar/source.h"

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

namespace portcullis::cedar {

struct FormatOptions {
  std::size_t width = 80;  // columns that a line should not exceed
  std::size_t indent = 2;
};

// The text of policies anew; to format it again changes nothing but where comments made lines too
// long. Tokens and comments are those of before, which is checked. Findings when the text cannot
// be parsed.
[[nodiscard]] std::expected<std::string, std::vector<Finding>> format_policies(
    const Source& source, const FormatOptions& options = {});

}  // namespace portcullis::cedar
