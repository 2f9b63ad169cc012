// The name=value pairs of a query or of a Cookie field, read once for all parameters of an
// operation.
#pragma once

#include "base/arena.h"
#include "base/result.h"
#include "openapi/parameter.h"

#include <span>
#include <string_view>

namespace portcullis::openapi {

struct Pair {
  std::string_view name;   // decoded
  std::string_view raw;    // the value as it was sent
  bool has_value = false;  // there was a `=`
  bool used = false;       // a parameter of the document took it
};

// Divided by `&`; empty pieces are passed over. The query is what stands behind `?`. Errors:
// kMalformedRequest, "query: …".
[[nodiscard]] Result<std::span<Pair>> read_query(std::string_view query,
                                                 const ParameterBounds& bounds, Arena& arena);

// Divided by `;` and spaces (RFC 6265 4.2.1). Errors: kMalformedRequest, "cookie: …".
[[nodiscard]] Result<std::span<Pair>> read_cookies(std::string_view field,
                                                   const ParameterBounds& bounds, Arena& arena);

}  // namespace portcullis::openapi
