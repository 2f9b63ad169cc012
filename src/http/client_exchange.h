// One request to an upstream and its answer, whatever the protocol's version: all that the gateway
// knows of an upstream's wire. The other side of http/exchange.h.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "http/exchange.h"
#include "http/message.h"
#include "runtime/task.h"

#include <span>
#include <string_view>

namespace portcullis::http {

// In which form a protocol wants the head of a request.
enum class HeadForm : std::uint8_t {
  kText,    // as HTTP/1.1 sends it, its empty line included
  kFields,  // a list, the pseudo-header fields first (RFC 9113 8.3.1)
};

// A request's head, made once for all tries. Borrows: what it views outlives the exchange.
struct RequestHead {
  std::string_view text;          // of HeadForm::kText
  std::span<const Field> fields;  // of HeadForm::kFields
  BodyKind body = BodyKind::kNone;
  bool tunnel = false;  // it asks for another protocol
};

// What goes of a body at once. With More::kNo it is the last, and `trailers` (null: none) follow.
struct BodyPiece {
  std::string_view bytes;
  More more = More::kNo;
  const Fields* trailers = nullptr;
};

class ClientExchange {
 public:
  ClientExchange() = default;
  ClientExchange(const ClientExchange&) = delete;
  ClientExchange& operator=(const ClientExchange&) = delete;
  virtual ~ClientExchange() = default;

  // ---- the request

  // The head with the first piece of the body, in one write. Once. Errors: kClosed, kTimeout,
  // kCancelled, kUpstreamBroken.
  virtual Task<Result<void>> send_head(const RequestHead& head, BodyPiece first,
                                       TimePoint deadline) = 0;
  // Returns when the bytes may be forgotten. Errors as above.
  virtual Task<Result<void>> send_body(BodyPiece piece, TimePoint deadline) = 0;
  // Ends a waiting send, and every later one, with kCancelled.
  virtual void cancel_send() = 0;
  // Certainly nobody acts upon the request: it may be sent again, whatever its method.
  [[nodiscard]] virtual bool unprocessed() const = 0;

  // ---- its answer

  // Reads the next response head, interim ones included; 101 when the connection, or the stream, is
  // now a tunnel. Its views live until the next read_head() or read_body(). `to` is the request's
  // method. Errors: kClosed when the connection ended before any byte of a response (see
  // received()), kUpstreamBroken, kTimeout, kCancelled.
  virtual Task<Result<void>> read_head(Method to, Response& response, TimePoint deadline) = 0;
  // Something that answers the request has arrived.
  [[nodiscard]] bool received() const { return received_; }

  // What of the body is here, without waiting; may be empty. Valid as for read_body().
  [[nodiscard]] virtual Result<std::string_view> take_buffered_body() = 0;
  // The next piece of the body, valid until the next call; empty at its end. Errors:
  // kUpstreamBroken, kTimeout, kCancelled.
  virtual Task<Result<std::string_view>> read_body(TimePoint deadline) = 0;
  [[nodiscard]] bool body_ended() const { return body_ended_; }
  // The next read would wait, as far as anybody knows.
  [[nodiscard]] virtual bool is_quiet() = 0;
  // Fills `trailers` once the body has ended; their views live as long as the exchange. Errors:
  // kUpstreamBroken.
  [[nodiscard]] virtual Result<void> read_trailers(Fields& trailers) = 0;
  // The response is not wanted any more: a waiting read, and every later one, ends with kCancelled.
  virtual void abandon() = 0;
  // From now on an upstream that has vanished without a word is found out, however long nobody has
  // anything to say.
  virtual void probe_peer() = 0;

  // ---- a tunnel in the place of a body, behind a head with 101

  // Whether the fields of such a head prove that it was meant (RFC 9110 7.8). In HTTP/2 the stream
  // itself does (RFC 8441 5), and the fields say nothing.
  [[nodiscard]] virtual bool proves_switch() const = 0;
  // The views of the head end with the tunnel's first wait.
  virtual void begin_tunnel() = 0;
  // What comes, from the first byte behind the head; valid until the next call, empty once the
  // upstream has sent its last. Waits for as long as it takes. Errors: kClosed, kCancelled.
  virtual Task<Result<std::string_view>> read_tunnel() = 0;
  virtual Task<Result<void>> write_tunnel(std::string_view bytes) = 0;
  // Says that nothing more will be written; the upstream may still send.
  virtual void finish_tunnel() = 0;
  // Ends what waits on the tunnel, and every later operation, with kCancelled.
  virtual void cancel_tunnel() = 0;
  // The upstream must not take what it got of the tunnel for whole.
  virtual void abort_tunnel() = 0;

 protected:
  bool received_ = false;
  bool body_ended_ = true;
};

}  // namespace portcullis::http
