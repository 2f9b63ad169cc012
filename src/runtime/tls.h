// TLS by OpenSSL, on the socket of a Stream. A context is immutable and shared by the workers; a
// session belongs to one connection.
#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace portcullis::runtime {

class Stream;

// The keys that session tickets are sealed with: made at start, renewed every twelve hours, the one
// before still opened. They belong to the process and not to a configuration, so that a reload does
// not end resumption.
class TicketKeys {
 public:
  TicketKeys();
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

 private:
  friend struct TicketSealer;
  friend class TlsServerContext;
  struct State;
  std::unique_ptr<State> state_;
};

enum class TlsMinimum { kTls12, kTls13 };

struct TlsCertificate {
  std::string cert_file;  // PEM, leaf first
  std::string key_file;
};

struct TlsServerOptions {
  std::string name;  // of the listener: a ticket of one listener is worth nothing at another
  std::vector<TlsCertificate> certificates;
  TlsMinimum minimum = TlsMinimum::kTls12;
  std::vector<std::string> protocols = {"http/1.1"};  // ALPN, most wanted first
};

class TlsServerContext {
 public:
  // Errors: kBadConfig, with the file and OpenSSL's reason. `tickets` must outlive the context.
  static Result<std::shared_ptr<const TlsServerContext>> create(const TlsServerOptions& options,
                                                                TicketKeys& tickets);
  ~TlsServerContext();

 private:
  TlsServerContext() = default;
  friend class TlsSession;
  friend struct ServerCallbacks;
  struct Certificate {
    ssl_ctx_st* context = nullptr;
    std::vector<std::string> names;  // lower case; may be `*.example.com`
  };
  [[nodiscard]] const Certificate& choose(std::string_view server_name) const;

  std::string name_;
  std::vector<Certificate> certificates_;
  std::string protocols_;  // ALPN wire format
};

class TlsClientContext {
 public:
  // Verifies against the system's certification authorities (or SSL_CERT_FILE); TLS 1.2 at least.
  static Result<std::shared_ptr<const TlsClientContext>> create();
  ~TlsClientContext();

 private:
  TlsClientContext() = default;
  friend class TlsSession;
  ssl_ctx_st* context_ = nullptr;
};

class TlsSession {
 public:
  static std::unique_ptr<TlsSession> server(Stream& stream, const TlsServerContext& context);
  static std::unique_ptr<TlsSession> client(Stream& stream, const TlsClientContext& context,
                                            std::string_view host);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Each is false when the socket must become ready first; otherwise the outcome has been written.
  bool attempt_handshake(Result<void>& outcome);
  bool attempt_read(std::span<char> into, Result<std::size_t>& outcome);
  bool attempt_write(std::span<const char> from, Result<std::size_t>& outcome);
  // Like a read that leaves everything where it is.
  bool attempt_peek(Result<std::size_t>& outcome);
  // Sends close_notify if the socket takes it at once.
  void say_goodbye();

  [[nodiscard]] std::string_view version() const;      // `TLSv1.3`
  [[nodiscard]] std::string_view server_name() const;  // what the client asked for, or empty
  [[nodiscard]] bool resumed() const;

 private:
  explicit TlsSession(Stream& stream) : stream_(stream) {}
  friend struct StreamBio;
  static std::unique_ptr<TlsSession> create(Stream& stream, ssl_ctx_st* context);

  Stream& stream_;
  ssl_st* ssl_ = nullptr;
};

}  // namespace portcullis::runtime
