// The deserialiser: parameters of a path, a query, header fields and cookies, by the `style` and
// `explode` of their definition (OpenAPI 3.1 4.8.12, RFC 6570), into values.
#pragma once

#include "base/arena.h"
#include "base/result.h"
#include "openapi/pairs.h"
#include "openapi/parameter.h"

#include <optional>
#include <span>
#include <string_view>

namespace portcullis::openapi {

// Nothing when the request does not have the parameter: whether it must, and what its default is,
// the caller knows from the definition. All errors are kMalformedRequest; the detail says what is
// wrong and never quotes the value.
using MaybeValue = Result<std::optional<Value>>;

// `raw` is what stands in the path for `{name}`, still encoded.
[[nodiscard]] MaybeValue read_path_parameter(const ParameterDefinition& definition,
                                             std::string_view raw, const ParameterBounds& bounds,
                                             Arena& arena);

// `pairs` is the query or the cookies, as the definition's place has it. What belongs to the
// parameter is marked as used, so that what is left at the end is unknown to the document. Objects
// with additional properties take every pair that is left: they come after all others.
[[nodiscard]] MaybeValue read_pair_parameter(const ParameterDefinition& definition,
                                             std::span<Pair> pairs, const ParameterBounds& bounds,
                                             Arena& arena);

// `field` is the field's whole value; nothing when the request has no such field.
[[nodiscard]] MaybeValue read_header_parameter(const ParameterDefinition& definition,
                                               std::optional<std::string_view> field,
                                               const ParameterBounds& bounds, Arena& arena);

// Whether a definition can be read at all: the style belongs to the place, and the shape to the
// style. Errors: kBadConfig, positioned by the caller.
[[nodiscard]] Result<void> check_definition(const ParameterDefinition& definition);

}  // namespace portcullis::openapi
