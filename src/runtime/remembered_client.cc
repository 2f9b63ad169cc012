#include "runtime/remembered_client.h"

#include "runtime/trust.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstring>
#include <string>

namespace portcullis::runtime {
namespace {

bool is_root(X509* certificate) {
  return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

}  // namespace

RememberedClient RememberedClient::of_handshake(const SSL* ssl, const Trust& trust) {
  RememberedClient client;
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
  if (sk_X509_num(chain) < 1) return client;
  client.good_until = trust.good_until(chain);
  for (int i = 1; i < sk_X509_num(chain); ++i) {
    X509* certificate = sk_X509_value(chain, i);
    if (!is_root(certificate)) client.intermediates.push_back(share(certificate));
  }
  return client;
}

// The end as a count of the wall clock, then the certificates as DER, one after the other.
bool RememberedClient::write_to(SSL_SESSION* session) const {
  const WallTime::rep ends = good_until.time_since_epoch().count();
  std::string data(reinterpret_cast<const char*>(&ends), sizeof ends);
  for (const CertificatePtr& certificate : intermediates) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate.get(), &der);
    if (size < 0) return false;
    data.append(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
  }
  return SSL_SESSION_set1_ticket_appdata(session, data.data(), data.size()) == 1;
}

RememberedClient RememberedClient::of_session(SSL_SESSION* session) {
  RememberedClient client;
  void* data = nullptr;
  std::size_t size = 0;
  WallTime::rep ends = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 || size < sizeof ends)
    return client;
  std::memcpy(&ends, data, sizeof ends);
  const auto* at = static_cast<const unsigned char*>(data) + sizeof ends;
  const auto* const end = static_cast<const unsigned char*>(data) + size;
  while (at < end) {
    CertificatePtr certificate(d2i_X509(nullptr, &at, end - at));
    if (certificate == nullptr) return {};
    client.intermediates.push_back(std::move(certificate));
  }
  client.good_until = WallTime(WallTime::duration(ends));
  return client;
}

}  // namespace portcullis::runtime
