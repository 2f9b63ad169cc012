// ECDSA signatures between the two encodings: r || s of JOSE (RFC 7518 3.4) and the DER that
// OpenSSL speaks.
#pragma once

#include "crypto/keys.h"

#include <optional>
#include <string>
#include <string_view>

namespace portcullis::crypto {

// Empty when `raw` has another size than the curve says, or r or s is not in [1, n-1].
[[nodiscard]] std::optional<std::string> ec_signature_to_der(KeyKind curve, std::string_view raw);

// `der` comes from our own signing: aborts when it is not a signature of that curve.
[[nodiscard]] std::string ec_signature_from_der(KeyKind curve, std::string_view der);

}  // namespace portcullis::crypto
