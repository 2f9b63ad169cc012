// Properties of Unicode characters by the names that ECMA-262's \p{…} takes.
#pragma once

#include "schema/code_points.h"

#include <optional>
#include <string_view>

namespace portcullis::schema {

// `\p{Letter}`, `\p{Lu}`, `\p{Alphabetic}` (name alone), `\p{Script=Greek}`, `\p{scx=Grek}`,
// `\p{General_Category=L}`. Names are compared exactly, as the standard has it. Empty when there is
// no such property, or none that we carry: of the binary ones only those that text of data has a
// use for.
[[nodiscard]] std::optional<CodePointSet> find_unicode_property(std::string_view name,
                                                                std::string_view value);

}  // namespace portcullis::schema
