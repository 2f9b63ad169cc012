// Reason phrases and dates, for heads that we write.
#pragma once

#include "base/clock.h"

#include <string_view>

namespace portcullis::http {

// RFC 9110 15; empty for a code without a registered phrase.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

// The form of RFC 9110 5.6.7, made anew once a second on each thread; valid until the next call
// there.
[[nodiscard]] std::string_view http_date(WallTime now);

}  // namespace portcullis::http
