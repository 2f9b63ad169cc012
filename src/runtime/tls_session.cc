#include "base/check.h"
#include "base/ip.h"
#include "runtime/client_certificate.h"
#include "runtime/openssl_error.h"
#include "runtime/stream.h"
#include "runtime/tls.h"
#include "runtime/trust.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>

namespace portcullis::runtime {

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

// ---- sessions

// What a client's session knows of the server that it is for.
struct TlsSession::ClientSide {
  std::string host;
  std::shared_ptr<TlsResumption> resumption;  // may be null
};

TlsSession::TlsSession(Stream& stream) : stream_(stream) {}

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
                                               std::string_view host,
                                               std::shared_ptr<TlsResumption> resumption) {
  auto session = create(stream, context.context_);
  SSL* ssl = session->ssl_;
  SSL_set_connect_state(ssl);
  session->client_ = std::make_unique<ClientSide>(std::string(host), std::move(resumption));
  const std::string& name = session->client_->host;
  // A name that could not be set would be one that nobody checks.
  if (IpAddress::parse(name)) {
    PC_CHECK(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1);
  } else {
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    PC_CHECK(SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 &&
             SSL_set1_host(ssl, name.c_str()) == 1);
  }
  if (session->client_->resumption != nullptr) {
    SSL_set_app_data(ssl, session->client_->resumption.get());
    session->client_->resumption->offer(ssl, stream.loop().wall_now());
  }
  return session;
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

std::string TlsSession::why_not_shaken() const {
  const long verified = SSL_get_verify_result(ssl_);
  if (verified == X509_V_OK)
    return ERR_peek_error() != 0 ? openssl_reason() : "the peer left in the handshake";
  ERR_clear_error();
  const CertificateFault fault = runtime::certificate_fault(verified);
  if (client_ != nullptr && fault.word == "wrong_host")
    return "the certificate is not for `" + client_->host + "`";
  return std::string(fault.text);
}

bool TlsSession::attempt_handshake(Result<void>& outcome) {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_);
  if (done == 1) return true;
  const int error = SSL_get_error(ssl_, done);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  outcome = std::unexpected(tls_error(why_not_shaken()));
  return true;
}

bool TlsSession::holds_bytes() const { return SSL_has_pending(ssl_) == 1; }

bool TlsSession::attempt_read(std::span<char> into, Result<std::size_t>& outcome) {
  // With nothing in the socket and nothing in the session, a call would only take a buffer and give
  // it back.
  if (!stream_.readable_ && !holds_bytes()) return false;
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
  if (!stream_.readable_ && !holds_bytes()) return false;
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

const char* TlsSession::version() const { return SSL_get_version(ssl_); }

std::string_view TlsSession::server_name() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : std::string_view{};
}

std::string_view TlsSession::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

bool TlsSession::resumed() const { return SSL_session_reused(ssl_) == 1; }

std::string_view TlsSession::certificate_fault() const {
  const long verified = SSL_get_verify_result(ssl_);
  return verified == X509_V_OK ? std::string_view{} : runtime::certificate_fault(verified).word;
}

}  // namespace portcullis::runtime
