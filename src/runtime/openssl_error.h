// What OpenSSL says when it says no.
#pragma once

#include "base/result.h"

#include <string>

namespace portcullis::runtime {

// The cause of what has just failed, in OpenSSL's words; empties the thread's queue of errors.
[[nodiscard]] std::string openssl_reason();

// Of a connection: kClosed, with a detail that begins with `tls: `.
[[nodiscard]] Error tls_error(const std::string& why);

}  // namespace portcullis::runtime
