#include "base/check.h"
#include "runtime/openssl_error.h"
#include "runtime/tls.h"
#include "runtime/tls_parts.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>

namespace portcullis::runtime {
namespace {

// Certificates between a server's and its authority's.
constexpr int kMostIntermediates = 8;

int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* resumption = static_cast<TlsResumption*>(SSL_get_app_data(ssl));
  if (resumption == nullptr) return 0;
  resumption->keep(ssl, session);
  return 1;
}

// Each authority is believed by itself, an intermediate too.
void believe(SSL_CTX* context, const Authorities* authorities) {
  if (authorities == nullptr) {
    SSL_CTX_set_default_verify_paths(context);
    return;
  }
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const CertificatePtr& one : authorities->certificates())
    PC_CHECK(X509_STORE_add_cert(store, one.get()) == 1);
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
}

}  // namespace

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::create(
    const TlsClientOptions& options) {
  ERR_clear_error();
  std::shared_ptr<TlsClientContext> result(new TlsClientContext);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return fail(ErrorCode::kMachine, "tls: " + openssl_reason());
  result->context_ = context;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  const std::string protocols = static_cast<char>(options.protocol.size()) + options.protocol;
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                          static_cast<unsigned>(protocols.size()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_verify_depth(context, kMostIntermediates);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &keep_session);
  believe(context, options.authorities.get());
  if (options.certificate != nullptr) PC_CHECK_OK(use_pair(context, *options.certificate));
  return result;
}

TlsClientContext::~TlsClientContext() { SSL_CTX_free(context_); }

TlsResumption::~TlsResumption() { SSL_SESSION_free(session_); }

void TlsResumption::offer(ssl_st* ssl, WallTime now) const {
  if (session_ != nullptr && now < until_) SSL_set_session(ssl, session_);
}

void TlsResumption::keep(const ssl_st* ssl, ssl_session_st* session) {
  SSL_SESSION_free(session_);
  session_ = session;
  // What was resumed was verified once before, and lasts no longer for that.
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
  if (sk_X509_num(chain) < 1) return;
  until_ = WallTime::max();
  for (int i = 0; i < sk_X509_num(chain); ++i)
    until_ = std::min(until_, validity_of(*sk_X509_value(chain, i)).ends);
}

}  // namespace portcullis::runtime
