// The entity store from Cedar's JSON: an array of `{"uid": …, "attrs": {…}, "parents": […]}`, with
// `"tags"` where there are some.
#pragma once

#include "cedar/entities.h"
#include "cedar/value_json.h"

#include <string_view>

namespace portcullis::cedar {

// The greatest file of entities, and how deep a value in it may be.
inline constexpr json::Bounds kEntitiesBounds = {.size = 1UL << 30U, .depth = 64};

// Reads the text; with a schema, what it says must hold of every entity, its actions are there too,
// and their hierarchy is the schema's.
[[nodiscard]] JsonResult<Entities> read_entities(std::string_view text, Symbols& symbols,
                                                 const Schema* schema = nullptr);
}  // namespace portcullis::cedar
