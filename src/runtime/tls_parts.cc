#include "runtime/tls_parts.h"

#include "base/check.h"
#include "runtime/openssl_error.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace portcullis::runtime {

Result<void> use_pair(SSL_CTX* context, const KeyPair& pair) {
  STACK_OF(X509)* chain = sk_X509_new_null();
  PC_CHECK(chain != nullptr);
  const auto& all = pair.certificates();
  for (std::size_t i = 1; i < all.size(); ++i) PC_CHECK(sk_X509_push(chain, all[i].get()) > 0);
  const int used = SSL_CTX_use_cert_and_key(context, pair.leaf(), pair.key(), chain, 1);
  sk_X509_free(chain);
  if (used == 1) return {};
  return fail(ErrorCode::kBadConfig,
              "certificate " + pair.files().cert_file + ": " + openssl_reason());
}

}  // namespace portcullis::runtime
