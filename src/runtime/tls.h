// TLS by OpenSSL, on the socket of a Stream. A context is immutable and shared by the workers; a
// session belongs to one connection.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "runtime/certificate_files.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace portcullis::runtime {

class ClientCertificate;
class Stream;
class Trust;

// The keys that session tickets are sealed with: made at start, renewed every twelve hours, the one
// before still opened. They belong to the process and not to a configuration, so that a reload does
// not end resumption.
class TicketKeys {
 public:
  TicketKeys();
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  struct State;

 private:
  friend class TlsServerContext;
  std::unique_ptr<State> state_;
};

enum class TlsMinimum : std::uint8_t { kTls12, kTls13 };

struct TlsServerOptions {
  std::string name;  // of the listener: a ticket of one listener is worth nothing at another
  std::vector<std::shared_ptr<const KeyPair>> certificates;  // at least one
  // Asks clients for a certificate and ends the handshake of those that show one that is not good.
  // Null: does not ask.
  std::shared_ptr<const Trust> clients;
  TlsMinimum minimum = TlsMinimum::kTls12;
  std::vector<std::string> protocols = {"http/1.1"};  // ALPN, most wanted first
};

class TlsServerContext {
 public:
  // Errors: kBadConfig, with the file and OpenSSL's reason. `tickets` must outlive the context.
  static Result<std::shared_ptr<const TlsServerContext>> create(TlsServerOptions options,
                                                                TicketKeys& tickets);
  ~TlsServerContext();
  TlsServerContext(const TlsServerContext&) = delete;
  TlsServerContext& operator=(const TlsServerContext&) = delete;

  // Whose client certificates are good; null when none is asked for.
  [[nodiscard]] const std::shared_ptr<const Trust>& clients() const { return options_.clients; }
  [[nodiscard]] const TlsServerOptions& options() const { return options_; }

 private:
  TlsServerContext() = default;
  friend class TlsSession;
  friend struct ServerCallbacks;
  struct Certificate {
    ssl_ctx_st* context = nullptr;
    const KeyPair* pair = nullptr;
  };
  Result<void> add(const KeyPair& pair, TicketKeys::State& tickets);
  [[nodiscard]] const Certificate& choose(std::string_view server_name) const;

  TlsServerOptions options_;
  std::vector<Certificate> certificates_;
  std::string protocols_;  // ALPN wire format
};

struct TlsClientOptions {
  std::shared_ptr<const Authorities> authorities;  // null: the system's, or SSL_CERT_FILE
  std::shared_ptr<const KeyPair> certificate;      // shown when the server asks; may be null
  std::string protocol = "http/1.1";               // ALPN: the one that is offered
};

class TlsClientContext {
 public:
  // Verifies always; TLS 1.2 at least. Errors: kBadConfig, kMachine.
  static Result<std::shared_ptr<const TlsClientContext>> create(
      const TlsClientOptions& options = {});
  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

 private:
  TlsClientContext() = default;
  friend class TlsSession;
  ssl_ctx_st* context_ = nullptr;
};

// The last session with one server, to be resumed: for one host and one context, on one thread.
class TlsResumption {
 public:
  TlsResumption() = default;
  ~TlsResumption();
  TlsResumption(const TlsResumption&) = delete;
  TlsResumption& operator=(const TlsResumption&) = delete;

  // Not beyond the validity of what the server showed when it was verified last.
  void offer(ssl_st* ssl, WallTime now) const;
  // Takes the session over.
  void keep(const ssl_st* ssl, ssl_session_st* session);

 private:
  ssl_session_st* session_ = nullptr;
  WallTime until_ = WallTime::max();
};

class TlsSession {
 public:
  static std::unique_ptr<TlsSession> server(Stream& stream, const TlsServerContext& context);
  // Verifies the certificate against `host`, a name or an address; a name is also sent as the
  // server name.
  static std::unique_ptr<TlsSession> client(Stream& stream, const TlsClientContext& context,
                                            std::string_view host,
                                            std::shared_ptr<TlsResumption> resumption);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Each is false when the socket must become ready first; otherwise the outcome has been written.
  bool attempt_handshake(Result<void>& outcome);
  bool attempt_read(std::span<char> into, Result<std::size_t>& outcome);
  bool attempt_write(std::span<const char> from, Result<std::size_t>& outcome);
  // Something that was taken from the socket has not been read yet.
  [[nodiscard]] bool holds_bytes() const;
  // Like a read that leaves everything where it is.
  bool attempt_peek(Result<std::size_t>& outcome);
  // Sends close_notify if the socket takes it at once.
  void say_goodbye();

  [[nodiscard]] const char* version() const;           // `TLSv1.3`
  [[nodiscard]] std::string_view server_name() const;  // what the client asked for, or empty
  [[nodiscard]] std::string_view protocol() const;     // by ALPN (RFC 7301); empty: none
  [[nodiscard]] bool resumed() const;
  // Of a server, after the handshake: what the client has shown, there or in the session that it
  // resumed. Null when it has shown none.
  [[nodiscard]] std::unique_ptr<ClientCertificate> client_certificate(
      const TlsServerContext& context) const;
  // After a handshake that failed: what was wrong with the peer's certificate, as a word of
  // certificate_fault(); empty when that was not the reason.
  [[nodiscard]] std::string_view certificate_fault() const;

 private:
  explicit TlsSession(Stream& stream);
  friend struct StreamBio;
  struct ClientSide;
  static std::unique_ptr<TlsSession> create(Stream& stream, ssl_ctx_st* context);
  [[nodiscard]] std::string why_not_shaken() const;

  Stream& stream_;
  ssl_st* ssl_ = nullptr;
  std::unique_ptr<ClientSide> client_;
};

}  // namespace portcullis::runtime
