// The entity store from Cedar's JSON: an array of `{"uid": …, "attrs": {…}, "parents": […]}`, with
// `"tags"` where there are some.
#pragma once

#include "cedar/entities.h"
#include "cedar/value_json.h"

#include <string_view>

namespace portcullis::cedar {

// The greatest file of entities, and how deep a value in it may be.
inline constexpr json::Bounds kEntitiesBounds = {.size = 1UL << 30U, .depth = 64};

// Adds every entity of the text to the builder.
[[nodiscard]] JsonResult<> read_entities(std::string_view text, Symbols& symbols,
                                         EntitiesBuilder& builder);
// Closes the hierarchy, in words when it cannot be.
[[nodiscard]] JsonResult<Entities> finish_entities(EntitiesBuilder& builder,
                                                   const Symbols& symbols);

}  // namespace portcullis::cedar
