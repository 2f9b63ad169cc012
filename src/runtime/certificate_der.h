// One certificate as it stands in a handshake.
#pragma once

#include "runtime/certificate_files.h"

#include <string_view>

namespace portcullis::runtime {

// Null when the octets are not exactly one certificate (X.690 DER, RFC 5280 4.1).
[[nodiscard]] CertificatePtr parse_certificate(std::string_view der);

}  // namespace portcullis::runtime
