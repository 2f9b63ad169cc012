// Bearer tokens in the Authorization field (RFC 6750 2.1). The other two ways of that RFC, a form
// and the query, are never looked at.
#pragma once

#include <optional>
#include <string_view>

namespace portcullis::authn {

// The token of `Bearer <token>`, the scheme in any capitals, behind one or more spaces (RFC 9110
// 11.4). Empty when the value is of another scheme. What is returned may be empty or hold any
// character: see is_token68().
[[nodiscard]] std::optional<std::string_view> bearer_token(std::string_view authorization);

// RFC 9110 11.2: letters, digits and `-._~+/`, at least one, then any number of `=`.
[[nodiscard]] bool is_token68(std::string_view text);

}  // namespace portcullis::authn
