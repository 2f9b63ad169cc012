// For the contexts of TLS: OpenSSL's hook into the verification of a client's certificate.
#pragma once

struct x509_store_ctx_st;

namespace portcullis::runtime {

// Adds what OpenSSL does not refuse of itself, and lets pass that a certificate above the leaf has
// no revocation list.
extern "C" int portcullis_check_client(int good, x509_store_ctx_st* context);

}  // namespace portcullis::runtime
