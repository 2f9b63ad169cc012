#include "runtime/tls.h"

#include "base/check.h"
#include "base/secret.h"
#include "runtime/stream.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>

namespace portcullis::runtime {
namespace {

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

Error tls_error(std::string why) {
  return {ErrorCode::kClosed, ErrorSource::kInternal, "tls: " + std::move(why), {}};
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

// What the certificate is for: its DNS names, or its common name when it has none.
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type != GEN_DNS) continue;
    names.push_back(lower({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                           static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}));
  }
  GENERAL_NAMES_free(alternatives);
  if (!names.empty()) return names;
  std::array<char, 256> common{};
  if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common.data(),
                                common.size()) > 0) {
    names.push_back(lower(common.data()));
  }
  return names;
}

bool name_matches(std::string_view pattern, std::string_view host) {
  if (pattern == host) return true;
  if (!pattern.starts_with("*.")) return false;
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

}  // namespace

// ---- session tickets (RFC 5077 4, RFC 8446 4.6.1)

struct TicketKeys::State {
  struct Key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> aes{};
    std::array<unsigned char, 32> mac{};
    TimePoint made;

    static Key make(TimePoint now) {
      Key key;
      PC_CHECK(RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
               RAND_priv_bytes(key.aes.data(), static_cast<int>(key.aes.size())) == 1 &&
               RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1);
      key.made = now;
      return key;
    }
    ~Key() {
      wipe(aes.data(), aes.size());
      wipe(mac.data(), mac.size());
    }
  };
  static constexpr std::chrono::hours kLifetime{12};

  std::mutex mutex;  // taken in handshakes only
  std::array<Key, 2> keys{Key::make(Clock::now()), Key::make(Clock::now())};  // current, previous

  void renew(TimePoint now) {
    if (now - keys[0].made < kLifetime) return;
    keys[1] = keys[0];
    keys[0] = Key::make(now);
  }
};

TicketKeys::TicketKeys() : state_(std::make_unique<State>()) {}
TicketKeys::~TicketKeys() = default;

struct TicketSealer {
  static int apply(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int sealing) {
    auto* state = static_cast<TicketKeys::State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const std::lock_guard lock(state->mutex);
    state->renew(Clock::now());
    std::size_t index = 0;
    if (sealing != 0) {
      std::memcpy(name, state->keys[0].name.data(), 16);
      if (RAND_bytes(iv, 16) != 1) return -1;
    } else {
      while (index < 2 && std::memcmp(name, state->keys[index].name.data(), 16) != 0) ++index;
      if (index == 2) return 0;  // sealed by nobody that we know: a full handshake
    }
    const auto& key = state->keys[index];
    const std::array<OSSL_PARAM, 3> parameters = {
        OSSL_PARAM_construct_octet_string(
            OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.mac.data()), key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
        OSSL_PARAM_construct_end()};
    if (EVP_MAC_CTX_set_params(mac, parameters.data()) != 1) return -1;
    const int ready =
        sealing != 0 ? EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key.aes.data(), iv, nullptr)
                     : EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key.aes.data(), iv, nullptr);
    if (ready != 1) return -1;
    return index == 0 ? 1 : 2;  // 2: it was the previous key, so a new ticket is due
  }
};

// ---- contexts

struct ServerCallbacks {
  // A session belongs to the listener and the server name that it was made under, and is resumed
  // for no other (RFC 6066 3): OpenSSL compares the session id context, and makes a full handshake
  // where it differs.
  static int bind_session(SSL* ssl, int*, void* self) {
    std::string text =
        static_cast<const TlsServerContext*>(self)->name_ + '\n' + lower(server_name_of_hello(ssl));
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
    SSL_set_SSL_CTX(ssl, context.choose(lower(name)).context);
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
};

Result<std::shared_ptr<const TlsServerContext>> TlsServerContext::create(
    const TlsServerOptions& options, TicketKeys& tickets) {
  std::shared_ptr<TlsServerContext> result(new TlsServerContext);
  result->name_ = options.name;
  for (const std::string& protocol : options.protocols) {
    result->protocols_.push_back(static_cast<char>(protocol.size()));
    result->protocols_ += protocol;
  }
  for (const TlsCertificate& files : options.certificates) {
    ERR_clear_error();
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    if (context == nullptr) return fail(ErrorCode::kMachine, "tls: " + openssl_reason());
    result->certificates_.push_back({context, {}});
    SSL_CTX_set_min_proto_version(
        context, options.minimum == TlsMinimum::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
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
    SSL_CTX_set_app_data(context, tickets.state_.get());
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &TicketSealer::apply);
    SSL_CTX_set_client_hello_cb(context, &ServerCallbacks::bind_session, result.get());
    SSL_CTX_set_tlsext_servername_callback(context, &ServerCallbacks::choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context, result.get());
    SSL_CTX_set_alpn_select_cb(context, &ServerCallbacks::choose_protocol, result.get());
    if (SSL_CTX_use_certificate_chain_file(context, files.cert_file.c_str()) != 1) {
      return fail(ErrorCode::kBadConfig,
                  "certificate " + files.cert_file + ": " + openssl_reason());
    }
    if (SSL_CTX_use_PrivateKey_file(context, files.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      return fail(ErrorCode::kBadConfig, "key " + files.key_file + ": " + openssl_reason());
    }
    result->certificates_.back().names = names_of(SSL_CTX_get0_certificate(context));
  }
  PC_CHECK(!result->certificates_.empty());
  return result;
}

TlsServerContext::~TlsServerContext() {
  for (const Certificate& certificate : certificates_) SSL_CTX_free(certificate.context);
}

const TlsServerContext::Certificate& TlsServerContext::choose(std::string_view server_name) const {
  for (const Certificate& certificate : certificates_) {
    if (std::ranges::any_of(certificate.names, [&](const std::string& name) {
          return name_matches(name, server_name);
        })) {
      return certificate;
    }
  }
  return certificates_.front();
}

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::create() {
  std::shared_ptr<TlsClientContext> result(new TlsClientContext);
  result->context_ = SSL_CTX_new(TLS_client_method());
  if (result->context_ == nullptr) return fail(ErrorCode::kMachine, "tls: " + openssl_reason());
  SSL_CTX_set_min_proto_version(result->context_, TLS1_2_VERSION);
  SSL_CTX_set_options(result->context_, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(result->context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                         SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_default_verify_paths(result->context_);
  SSL_CTX_set_verify(result->context_, SSL_VERIFY_PEER, nullptr);
  return result;
}

TlsClientContext::~TlsClientContext() { SSL_CTX_free(context_); }

// ---- the socket, as OpenSSL sees it

struct StreamBio {
  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
      PC_CHECK(fresh != nullptr);
      BIO_meth_set_read(fresh, &StreamBio::read);
      BIO_meth_set_write(fresh, &StreamBio::write);
      BIO_meth_set_ctrl(fresh, &StreamBio::control);
      return fresh;
    }();
    return made;
  }

  static int read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t n =
        static_cast<Stream*>(BIO_get_data(bio))->receive(into, static_cast<std::size_t>(size));
    if (n < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
    return static_cast<int>(n);
  }

  static int write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    const iovec part{const_cast<char*>(from), static_cast<std::size_t>(size)};
    const ssize_t n = static_cast<Stream*>(BIO_get_data(bio))->send(&part, 1);
    if (n < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
    return static_cast<int>(n);
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return static_cast<Stream*>(BIO_get_data(bio))->at_end_ ? 1 : 0;
    return 0;
  }
};

std::unique_ptr<TlsSession> TlsSession::create(Stream& stream, ssl_ctx_st* context) {
  std::unique_ptr<TlsSession> session(new TlsSession(stream));
  session->ssl_ = SSL_new(context);
  BIO* bio = BIO_new(StreamBio::method());
  PC_CHECK(session->ssl_ != nullptr && bio != nullptr);
  BIO_set_data(bio, &stream);
  BIO_set_init(bio, 1);
  SSL_set_bio(session->ssl_, bio, bio);
  return session;
}

std::unique_ptr<TlsSession> TlsSession::server(Stream& stream, const TlsServerContext& context) {
  auto session = create(stream, context.certificates_.front().context);
  SSL_set_accept_state(session->ssl_);
  return session;
}

std::unique_ptr<TlsSession> TlsSession::client(Stream& stream, const TlsClientContext& context,
                                               std::string_view host) {
  auto session = create(stream, context.context_);
  SSL_set_connect_state(session->ssl_);
  const std::string name(host);
  if (IpAddress::parse(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl_), name.c_str());
  } else {
    SSL_set_tlsext_host_name(session->ssl_, name.c_str());
    SSL_set1_host(session->ssl_, name.c_str());
  }
  return session;
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

bool TlsSession::attempt_handshake(Result<void>& outcome) {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_);
  if (done == 1) return true;
  const int error = SSL_get_error(ssl_, done);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  if (const long verified = SSL_get_verify_result(ssl_); verified != X509_V_OK) {
    outcome = std::unexpected(tls_error(X509_verify_cert_error_string(verified)));
  } else {
    outcome = std::unexpected(
        tls_error(ERR_peek_error() != 0 ? openssl_reason() : "the peer left in the handshake"));
  }
  return true;
}

bool TlsSession::attempt_read(std::span<char> into, Result<std::size_t>& outcome) {
  // With nothing in the socket and nothing in the session, a call would only take a buffer and give
  // it back.
  if (!stream_.readable_ && SSL_has_pending(ssl_) == 0) return false;
  ERR_clear_error();
  std::size_t n = 0;
  const int done = SSL_read_ex(ssl_, into.data(), into.size(), &n);
  if (done == 1) {
    outcome = n;
    return true;
  }
  const int error = SSL_get_error(ssl_, done);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  if (error == SSL_ERROR_ZERO_RETURN) {
    outcome = 0;
    return true;
  }
  stream_.broken_ = true;
  outcome =
      std::unexpected(tls_error(ERR_peek_error() != 0 ? openssl_reason() : "connection lost"));
  return true;
}

bool TlsSession::attempt_peek(Result<std::size_t>& outcome) {
  if (!stream_.readable_ && SSL_has_pending(ssl_) == 0) return false;
  ERR_clear_error();
  char byte = 0;
  std::size_t n = 0;
  const int done = SSL_peek_ex(ssl_, &byte, 1, &n);
  outcome = n;
  if (done == 1) return true;
  const int error = SSL_get_error(ssl_, done);
  return error != SSL_ERROR_WANT_READ &&
         error != SSL_ERROR_WANT_WRITE;  // the read that follows says what it was
}

bool TlsSession::attempt_write(std::span<const char> from, Result<std::size_t>& outcome) {
  ERR_clear_error();
  std::size_t n = 0;
  const int done = SSL_write_ex(ssl_, from.data(), from.size(), &n);
  if (done == 1) {
    outcome = n;
    return true;
  }
  const int error = SSL_get_error(ssl_, done);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  stream_.broken_ = true;
  outcome =
      std::unexpected(tls_error(ERR_peek_error() != 0 ? openssl_reason() : "connection lost"));
  return true;
}

void TlsSession::say_goodbye() {
  if (SSL_is_init_finished(ssl_) == 1 && (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) == 0) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
}

std::string_view TlsSession::version() const { return SSL_get_version(ssl_); }

std::string_view TlsSession::server_name() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : std::string_view{};
}

bool TlsSession::resumed() const { return SSL_session_reused(ssl_) == 1; }

}  // namespace portcullis::runtime
