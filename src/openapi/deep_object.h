// The style deepObject: `filter[status]=open&filter[range][from]=1&filter[tag]=a&filter[tag]=b`.
#pragma once

#include "base/arena.h"
#include "base/result.h"
#include "openapi/pairs.h"
#include "openapi/parameter.h"

#include <optional>
#include <span>

namespace portcullis::openapi {

// OpenAPI defines one level of brackets; more are read where the schema says that a property is an
// object, and an array within is its name repeated, with or without `[]`. Pairs taken are marked as
// used. Errors: kMalformedRequest.
[[nodiscard]] Result<std::optional<Value>> read_deep_object(const ParameterDefinition& definition,
                                                            std::span<Pair> pairs,
                                                            const ParameterBounds& bounds,
                                                            Arena& arena);

}  // namespace portcullis::openapi
