// One request and its answer, whatever the protocol's version: all that the gateway knows of HTTP's
// wire.
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"
#include "http/message.h"
#include "runtime/loop.h"
#include "runtime/task.h"

#include <cstdint>
#include <string_view>

namespace portcullis::runtime {
class ClientCertificate;
}

namespace portcullis::http {

// What is known of the connection that an exchange came on.
struct ConnectionInfo {
  IpEndpoint peer;   // the client, as a PROXY header says where one is required
  IpEndpoint local;  // where it came in, as that header says; port 0: nobody said
  Scheme scheme = Scheme::kHttp;
  const char* tls_version = "";                       // `TLSv1.3`; empty in clear text
  runtime::ClientCertificate* certificate = nullptr;  // what the client has shown; null: none
  bool http2 = false;                                 // what it speaks; else HTTP/1.1

  // Of HTTP, as Via has it.
  [[nodiscard]] std::string_view version() const { return http2 ? "2" : "1.1"; }
};

enum class More : std::uint8_t { kYes, kNo };

class Exchange {
 public:
  Exchange(Loop& loop, Arena& arena, const ConnectionInfo& connection)
      : request_(arena),
        arena_(arena),
        loop_(loop),
        connection_(connection),
        started_(loop.now()) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] Request& request() { return request_; }
  [[nodiscard]] const Request& request() const { return request_; }
  [[nodiscard]] Arena& arena() { return arena_; }
  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] const ConnectionInfo& connection() const { return connection_; }
  [[nodiscard]] TimePoint started() const { return started_; }

  // The next piece of the request's body, valid until the next call; empty at its end, when the
  // trailers are in request().trailers. The first call asks a client that waits for it to go on
  // (RFC 9110 10.1.1): call it only once the request may proceed. Errors: the client's
  // (kMalformedRequest, kRequestTimeout), kClosed, kCancelled.
  virtual Task<Result<std::string_view>> read_body() = 0;
  // Makes a waiting read_body(), and every later one, end with kCancelled.
  virtual void cancel_body() = 0;
  [[nodiscard]] virtual bool body_ended() const = 0;
  // The body is a stream of messages: its client may be silent, and no rate is asked of it. Who
  // gets kRequestTimeout from read_body() may ask again.
  void expect_stream() { streaming_ = true; }

  // Calls `gone(context)` when the client can get no answer any more, so that the work for one can
  // stop. Null to hear no more.
  virtual void when_client_gone(void (*gone)(void* context), void* context) = 0;

  // An interim response (1xx but 101), to clients that know them.
  virtual Task<Result<void>> respond_interim(const Response& head) = 0;

  // The final response: its head and the first piece of its body, in one write. `head.body` says
  // how the body is framed; framing and connection fields among head.fields are left out. With
  // More::kYes, write_body() follows until kNo. Errors: kClosed, kTimeout, kCancelled.
  virtual Task<Result<void>> respond(const Response& head, std::string_view body, More more) = 0;
  virtual Task<Result<void>> write_body(std::string_view bytes, More more) = 0;
  // Ends a body of unknown length with trailer fields, instead of write_body(…, kNo).
  virtual Task<Result<void>> write_trailers(const Fields& trailers) = 0;
  // The response cannot be completed: the client must not take what it got for whole.
  virtual void abort() = 0;

  // ---- a tunnel in the place of a body (RFC 9110 7.8)

  // The request may become a tunnel: what its client sends behind the head belongs to that, however
  // the request is answered, and is never read as another request.
  virtual void expect_tunnel() = 0;
  // Answers, instead of respond(), that the connection now speaks `protocol`: 101, with the fields
  // of `head`. Errors: kClosed, kTimeout, kCancelled.
  virtual Task<Result<void>> begin_tunnel(const Response& head, std::string_view protocol) = 0;
  // What the client sends, from its first byte behind the head; valid until the next call, empty
  // once it has sent its last. Waits for as long as it takes. Errors: kClosed, kCancelled.
  virtual Task<Result<std::string_view>> read_tunnel() = 0;
  virtual Task<Result<void>> write_tunnel(std::string_view bytes) = 0;
  // Says that nothing more will be written; the client may still send.
  virtual void finish_tunnel() = 0;
  // Ends what waits on the tunnel, and every later operation, with kCancelled.
  virtual void cancel_tunnel() = 0;

  // 0 until respond() was called.
  [[nodiscard]] int response_status() const { return response_status_; }
  // Bytes of bodies, or of the tunnel, that moved.
  [[nodiscard]] std::uint64_t body_bytes_in() const { return body_bytes_in_; }
  [[nodiscard]] std::uint64_t body_bytes_out() const { return body_bytes_out_; }

 protected:
  ~Exchange() = default;

  Request request_;
  bool streaming_ = false;
  int response_status_ = 0;
  std::uint64_t body_bytes_in_ = 0;
  std::uint64_t body_bytes_out_ = 0;

 private:
  Arena& arena_;
  Loop& loop_;
  const ConnectionInfo& connection_;
  TimePoint started_;
};

// What answers exchanges. Every exchange is answered: a handler that cannot, aborts.
class Handler {
 public:
  // The exchange ends when the task does.
  virtual Task<void> handle(Exchange& exchange) = 0;
  // A request that could not be read: `error` says why. The answer, if the code has one, goes out
  // with the connection's last bytes.
  virtual Task<void> handle_unreadable(Exchange& exchange, const Error& error) = 0;

 protected:
  ~Handler() = default;
};

}  // namespace portcullis::http
