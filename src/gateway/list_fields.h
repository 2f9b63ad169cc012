// Fields whose value is a list (RFC 9110 5.6.1).
#pragma once

#include "http/message.h"

#include <string_view>

namespace portcullis::gateway {

// Whether a field of this name, in lower case, has the element, whatever its case.
[[nodiscard]] bool has_element(const http::Fields& fields, std::string_view name,
                               std::string_view element);

// Adds `name`, in lower case, to Vary, unless it or `*` is there.
void add_vary(std::string_view name, http::Fields& to);

}  // namespace portcullis::gateway
