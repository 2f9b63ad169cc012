#include "runtime/certificate_der.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <utility>

namespace portcullis::runtime {

CertificatePtr parse_certificate(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* const end = at + der.size();
  CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  return at == end ? std::move(certificate) : nullptr;
}

}  // namespace portcullis::runtime
