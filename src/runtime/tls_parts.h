// For the contexts of TLS: what both sides do alike.
#pragma once

#include "base/result.h"
#include "runtime/certificate_files.h"

#include <openssl/types.h>

namespace portcullis::runtime {

// Shows `pair` to the other side. Errors: kBadConfig, with the file and OpenSSL's reason.
Result<void> use_pair(SSL_CTX* context, const KeyPair& pair);

}  // namespace portcullis::runtime
