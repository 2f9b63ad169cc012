#include "runtime/trust.h"

#include "base/check.h"
#include "runtime/trust_check.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <optional>

namespace portcullis::runtime {
namespace {

// 112 bits: RSA of 2048, no SHA-1. What handshakes ask for, asked for here too.
constexpr int kSecurityLevel = 2;

struct StoreContextFree {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};
struct ChainFree {
  void operator()(STACK_OF(X509) * chain) const { sk_X509_free(chain); }
};

}  // namespace

extern "C" int portcullis_check_client(int good, X509_STORE_CTX* context) {
  const int depth = X509_STORE_CTX_get_error_depth(context);
  if (good != 1) {
    if (depth == 0 || X509_STORE_CTX_get_error(context) != X509_V_ERR_UNABLE_TO_GET_CRL) return 0;
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
  }
  // An authority is not a client: whoever holds the key of an intermediate could be anybody.
  X509* certificate = X509_STORE_CTX_get_current_cert(context);
  if (depth == 0 && certificate != nullptr &&
      (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0) {
    X509_STORE_CTX_set_error(context, X509_V_ERR_INVALID_PURPOSE);
    return 0;
  }
  return 1;
}

CertificateFault certificate_fault(long verify_error) {
  switch (verify_error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {"expired", "the certificate, or one above it, has expired"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {"not_yet_valid", "the certificate, or one above it, is not valid yet"};
    case X509_V_ERR_CERT_REVOKED:
      return {"revoked", "the certificate, or one above it, has been revoked"};
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return {"list_expired", "the revocation list of its issuer is out of date"};
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return {"list_not_yet_valid", "the revocation list of its issuer is not valid yet"};
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return {"list_missing", "there is no revocation list of its issuer"};
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
      return {"list_invalid", "the revocation list is not one of its issuer"};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return {"unknown_issuer", "the issuer of the certificate is not known here"};
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return {"unknown_issuer", "it is self-signed, or its root is not known here"};
    case X509_V_ERR_INVALID_PURPOSE:
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_CERT_REJECTED:
    case X509_V_ERR_CERT_UNTRUSTED:
      return {"wrong_purpose", "the certificate, or one above it, is not for this purpose"};
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return {"too_long", "there are too many certificates between it and its authority"};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {"wrong_host", "the certificate is not for that host"};
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return {"bad_signature", "the signature of the certificate is wrong"};
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return {"too_weak", "its key is too small or its signature too weak"};
    default:
      return {"other", X509_verify_cert_error_string(verify_error)};
  }
}

std::shared_ptr<const Trust> Trust::make(std::shared_ptr<const Authorities> authorities,
                                         std::shared_ptr<const RevocationLists> lists) {
  std::shared_ptr<Trust> trust(new Trust);
  trust->authorities_ = std::move(authorities);
  trust->lists_ = std::move(lists);
  trust->store_ = X509_STORE_new();
  PC_CHECK(trust->store_ != nullptr);
  for (const CertificatePtr& one : trust->authorities_->certificates())
    PC_CHECK(X509_STORE_add_cert(trust->store_, one.get()) == 1);
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
  if (trust->lists_ != nullptr) {
    flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    for (const RevocationLists::List& one : trust->lists_->lists())
      PC_CHECK(X509_STORE_add_crl(trust->store_, one.crl.get()) == 1);
  }
  PC_CHECK(X509_STORE_set_flags(trust->store_, flags) == 1 &&
           X509_STORE_set_depth(trust->store_, kMostIntermediates) == 1);
  const std::string both =
      trust->authorities_->digest() + (trust->lists_ != nullptr ? trust->lists_->digest() : "");
  std::array<unsigned char, 32> digest{};
  PC_CHECK(EVP_Digest(both.data(), both.size(), digest.data(), nullptr, EVP_sha256(), nullptr) ==
           1);
  trust->digest_.assign(reinterpret_cast<const char*>(digest.data()), digest.size());
  return trust;
}

Trust::~Trust() { X509_STORE_free(store_); }

WallTime Trust::good_until(const stack_st_X509* chain) const {
  WallTime until = WallTime::max();
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const X509* certificate = sk_X509_value(chain, i);
    until = std::min(until, validity_of(*certificate).ends);
    if (lists_ == nullptr) continue;
    // Of several lists of one issuer, the one that lasts longest.
    std::optional<WallTime> listed;
    for (const RevocationLists::List& list : lists_->lists()) {
      if (X509_NAME_cmp(X509_CRL_get_issuer(list.crl.get()), X509_get_issuer_name(certificate)) ==
          0)
        listed = std::max(listed.value_or(list.validity.ends), list.validity.ends);
    }
    until = std::min(until, listed.value_or(until));
  }
  return until;
}

Result<WallTime> Trust::verify(const x509_st& leaf,
                               std::span<const CertificatePtr> intermediates) const {
  const std::unique_ptr<STACK_OF(X509), ChainFree> untrusted(sk_X509_new_null());
  const std::unique_ptr<X509_STORE_CTX, StoreContextFree> context(X509_STORE_CTX_new());
  PC_CHECK(untrusted != nullptr && context != nullptr);
  for (const CertificatePtr& one : intermediates)
    PC_CHECK(sk_X509_push(untrusted.get(), one.get()) > 0);
  // OpenSSL does not write to the leaf, but for what it keeps beside it under a lock of its own.
  PC_CHECK(X509_STORE_CTX_init(context.get(), store_, const_cast<X509*>(&leaf), untrusted.get()) ==
               1 &&
           X509_STORE_CTX_set_default(context.get(), "ssl_client") == 1);
  X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context.get()), kSecurityLevel);
  X509_STORE_CTX_set_verify_cb(context.get(), &portcullis_check_client);
  if (X509_verify_cert(context.get()) != 1) {
    ERR_clear_error();
    return refuse(ErrorCode::kCredentialsInvalid,
                  std::string(certificate_fault(X509_STORE_CTX_get_error(context.get())).text));
  }
  return good_until(X509_STORE_CTX_get0_chain(context.get()));
}

}  // namespace portcullis::runtime
