#include "base/ascii.h"
#include "base/check.h"
#include "runtime/client_certificate.h"
#include "runtime/openssl_error.h"
#include "runtime/remembered_client.h"
#include "runtime/ticket_keys.h"
#include "runtime/tls.h"
#include "runtime/tls_parts.h"
#include "runtime/trust.h"
#include "runtime/trust_check.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

namespace portcullis::runtime {
namespace {

// A request for certificates names the authorities (RFC 8446 4.2.4), unless there are so many that
// the list would be longer than the rest of the handshake.
constexpr std::size_t kMostNamedAuthorities = 32;

bool name_matches(std::string_view pattern, std::string_view host) {
  if (pattern == host) return true;
  if (!pattern.starts_with("*.")) return false;
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

void ask_clients(SSL_CTX* context, const Trust& trust) {
  SSL_CTX_set1_cert_store(context, trust.store());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &portcullis_check_client);
  SSL_CTX_set_verify_depth(context, Trust::kMostIntermediates);
  SSL_CTX_set_max_cert_list(context, Trust::kMostClientBytes);
  const auto& authorities = trust.authorities().certificates();
  if (authorities.size() > kMostNamedAuthorities) return;
  for (const CertificatePtr& one : authorities)
    PC_CHECK(SSL_CTX_add_client_CA(context, one.get()) == 1);
}

void set_common(SSL_CTX* context, TlsMinimum minimum) {
  SSL_CTX_set_min_proto_version(context,
                                minimum == TlsMinimum::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  // The chain is what the file holds: OpenSSL would otherwise look for one in each handshake.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(context, 1);
  // Forward-secret AEAD suites alone for 1.2 (RFC 9325 4.2). AES-128 before AES-256: nobody
  // breaks either, and SHA-256 has instructions of its own where SHA-384 has none.
  SSL_CTX_set_ciphersuites(
      context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20");
  // A client that resumes gets a new ticket each time (RFC 8446 C.4), so one is enough.
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets hold the state
}

}  // namespace

struct ServerCallbacks {
  // A session belongs to the listener, the server name and the trust in clients that it was made
  // under, and is resumed for no other (RFC 6066 3): OpenSSL compares the session id context, and
  // makes a full handshake where it differs. So no ticket carries a client's identity to another
  // host, nor past a change of the authorities or the revocation lists (CVE-2025-23419 nginx,
  // CVE-2025-23048 httpd).
  static int bind_session(SSL* ssl, int*, void* self) {
    const auto& options = static_cast<const TlsServerContext*>(self)->options_;
    std::string text = options.name + '\n' + in_lower_case(server_name_of_hello(ssl)) + '\n';
    if (options.clients != nullptr) text += options.clients->digest();
    std::array<unsigned char, 32> digest{};
    if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1 ||
        SSL_set_session_id_context(ssl, digest.data(), digest.size()) != 1) {
      return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
  }

  // The host_name of the extension as it stands on the wire: list length, type 0, length, name.
  // Empty when it is not there or is malformed, which OpenSSL will say soon enough.
  static std::string_view server_name_of_hello(SSL* ssl) {
    const unsigned char* bytes = nullptr;
    std::size_t size = 0;
    constexpr std::size_t kHead = 5;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1 || size < kHead)
      return {};
    const std::size_t length = static_cast<std::size_t>(bytes[3]) << 8 | bytes[4];
    if (bytes[2] != TLSEXT_NAMETYPE_host_name || length > size - kHead) return {};
    return {reinterpret_cast<const char*>(bytes) + kHead, length};
  }

  static int choose_certificate(SSL* ssl, int*, void* self) {
    const auto& context = *static_cast<const TlsServerContext*>(self);
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_SSL_CTX(ssl, context.choose(in_lower_case(name)).context);
    return SSL_TLSEXT_ERR_OK;
  }

  // No protocol in common ends the handshake (RFC 7301 3.2).
  static int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                             const unsigned char* offered, unsigned int offered_size, void* self) {
    const auto& ours = static_cast<const TlsServerContext*>(self)->protocols_;
    unsigned char* selected = nullptr;
    if (SSL_select_next_proto(
            &selected, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
            static_cast<unsigned>(ours.size()), offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = selected;
    return SSL_TLSEXT_ERR_OK;
  }

  // A session that is itself resumed has what it needs from the one before.
  static int remember_client(SSL* ssl, void* self) {
    if (SSL_get0_peer_certificate(ssl) == nullptr || SSL_session_reused(ssl) == 1) return 1;
    const Trust& trust = *static_cast<const TlsServerContext*>(self)->options_.clients;
    const RememberedClient client = RememberedClient::of_handshake(ssl, trust);
    return client.write_to(SSL_get_session(ssl)) ? 1 : 0;
  }

  // A client's certificate is good in a ticket for as long as its chain and the lists are.
  static SSL_TICKET_RETURN judge_ticket(SSL*, SSL_SESSION* session, const unsigned char*,
                                        std::size_t, SSL_TICKET_STATUS status, void*) {
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
      return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (SSL_SESSION_get0_peer(session) != nullptr &&
        WallClock::now() >= RememberedClient::of_session(session).good_until) {
      return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
  }
};

Result<std::shared_ptr<const TlsServerContext>> TlsServerContext::create(TlsServerOptions options,
                                                                         TicketKeys& tickets) {
  PC_CHECK(!options.certificates.empty());
  std::shared_ptr<TlsServerContext> result(new TlsServerContext);
  result->options_ = std::move(options);
  for (const std::string& protocol : result->options_.protocols) {
    result->protocols_.push_back(static_cast<char>(protocol.size()));
    result->protocols_ += protocol;
  }
  for (const auto& pair : result->options_.certificates)
    PC_CHECK_OK(result->add(*pair, *tickets.state_));
  return result;
}

Result<void> TlsServerContext::add(const KeyPair& pair, TicketKeys::State& tickets) {
  ERR_clear_error();
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return fail(ErrorCode::kMachine, "tls: " + openssl_reason());
  certificates_.push_back({context, &pair});
  set_common(context, options_.minimum);
  SSL_CTX_set_app_data(context, &tickets);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &seal_ticket);
  SSL_CTX_set_client_hello_cb(context, &ServerCallbacks::bind_session, this);
  SSL_CTX_set_tlsext_servername_callback(context, &ServerCallbacks::choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(context, this);
  SSL_CTX_set_alpn_select_cb(context, &ServerCallbacks::choose_protocol, this);
  if (options_.clients != nullptr) {
    ask_clients(context, *options_.clients);
    SSL_CTX_set_session_ticket_cb(context, &ServerCallbacks::remember_client,
                                  &ServerCallbacks::judge_ticket, this);
  }
  return use_pair(context, pair);
}

TlsServerContext::~TlsServerContext() {
  for (const Certificate& certificate : certificates_) SSL_CTX_free(certificate.context);
}

const TlsServerContext::Certificate& TlsServerContext::choose(std::string_view server_name) const {
  for (const Certificate& certificate : certificates_) {
    if (std::ranges::any_of(certificate.pair->names(), [&](const std::string& name) {
          return name_matches(name, server_name);
        })) {
      return certificate;
    }
  }
  return certificates_.front();
}

std::unique_ptr<ClientCertificate> TlsSession::client_certificate(
    const TlsServerContext& context) const {
  X509* leaf = SSL_get0_peer_certificate(ssl_);
  if (leaf == nullptr || context.clients() == nullptr) return nullptr;
  RememberedClient client = resumed() ? RememberedClient::of_session(SSL_get_session(ssl_))
                                      : RememberedClient::of_handshake(ssl_, *context.clients());
  return std::make_unique<ClientCertificate>(share(leaf), std::move(client.intermediates),
                                             in_lower_case(server_name()), context.clients(),
                                             client.good_until);
}

}  // namespace portcullis::runtime
