// Values of fields that the configuration writes, with what the request puts in their place.
#pragma once

#include "config/shaping.h"
#include "gateway/account.h"

#include <optional>
#include <string_view>

namespace portcullis::gateway {

// The value, in memory of the configuration or of the request's arena. Nothing when a placeholder
// has no value (nobody is known, or the token lacks the claim), or one that no field may hold (RFC
// 9110 5.5): what cannot be said is left out rather than altered.
[[nodiscard]] std::optional<std::string_view> fill_value(const config::FieldTemplate& field,
                                                         Account& account, Arena& arena);

}  // namespace portcullis::gateway
