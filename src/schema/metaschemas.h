// The metaschemas of the dialects, for references to them: what the specifications say a schema
// is, without titles and prose.
#pragma once

#include <optional>
#include <string_view>

namespace portcullis::schema {

// The metaschema or part of one that has the URI (without fragment).
[[nodiscard]] std::optional<std::string_view> find_metaschema(std::string_view uri);

}  // namespace portcullis::schema
