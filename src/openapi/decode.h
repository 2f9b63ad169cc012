// Percent-encoding, UTF-8 and NUL, handled once: whatever reads a request's parameters reads them
// through here.
#pragma once

#include "base/arena.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace portcullis::openapi {

// What `+` stands for: a space in queries (HTML forms write it so), itself elsewhere.
enum class Plus : std::uint8_t { kItself, kSpace };

// Each `%XX` replaced once. Refused are a `%` without two digits, text that is not UTF-8 once
// decoded, and NUL. The result is `raw` itself where there is nothing to decode, else memory of the
// arena. Errors: kMalformedRequest.
[[nodiscard]] Result<std::string_view> decode_text(std::string_view raw, Plus plus, Arena& arena);

// The same for what is not percent-encoded: header fields.
[[nodiscard]] Result<void> check_text(std::string_view text);

// What may stand as it is when a parameter is written (RFC 6570 1.5).
enum class Keep : std::uint8_t {
  kUnreserved,  // letters, digits, `-`, `.`, `_`, `~`
  kReserved,  // and those that divide a URI, but for what divides a query and what styles divide by
};
void append_encoded(std::string& out, std::string_view text, Keep keep);

}  // namespace portcullis::openapi
