#include "runtime/openssl_error.h"

#include <openssl/err.h>

#include <array>

namespace portcullis::runtime {

std::string openssl_reason() {
  std::string reason = "unknown";
  // The first error of the queue is the cause; those after it say where it passed through.
  if (const unsigned long code = ERR_get_error(); code != 0) {
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    const char* plain = ERR_reason_error_string(code);
    reason = plain != nullptr ? plain : text.data();
  }
  ERR_clear_error();
  return reason;
}

Error tls_error(const std::string& why) {
  return {ErrorCode::kClosed, ErrorSource::kInternal, "tls: " + why, {}};
}

}  // namespace portcullis::runtime
