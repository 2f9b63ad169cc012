// A request's body on its way up, beside the response on its way down.
#pragma once

#include "gateway/decompress.h"
#include "gateway/forward.h"
#include "http/client_exchange.h"
#include "runtime/task.h"

#include <coroutine>
#include <memory>
#include <optional>
#include <string_view>

namespace portcullis::gateway {

// One for all tries of a request. What was read of the body is not kept: while it is no more than
// one piece, that is still in hand, and can be sent again.
class BodyPump {
 public:
  explicit BodyPump(Forwarding& forwarding);
  BodyPump(const BodyPump&) = delete;
  BodyPump& operator=(const BodyPump&) = delete;

  // A try: the head with the first piece of the body, in one write. On a connection that is shared
  // the head does not wait for a body that may be an answer to the response (gRPC's streams).
  Task<Result<void>> begin(http::ClientExchange& upstream, const http::RequestHead& head);
  // All of the request has been written: what follows on the connection is another one.
  [[nodiscard]] bool ended() const { return ended_; }
  // The rest. A failure ends the wait for a response that cannot come.
  Task<void> run();
  // Ends run().
  void stop();
  // Nothing of the body has gone that could not go again.
  [[nodiscard]] bool repeatable() const { return !client_error_ && reads_ <= 1; }
  // Why the client's side failed, if it did.
  [[nodiscard]] const std::optional<Error>& client_error() const { return client_error_; }
  // Behind the last try: what is still being read must end, by finish(), before this goes.
  [[nodiscard]] bool reading() const { return tasks_.running() > 0; }
  Task<void> finish();

 private:
  [[nodiscard]] bool has_body() const;
  [[nodiscard]] bool decoding() const;
  [[clang::coro_wrapper]] Task<Result<std::string_view>> next_piece();
  Task<Result<std::string_view>> next_decoded_piece();
  Task<Result<std::string_view>> read_client();
  [[nodiscard]] Result<void> check_size() const;
  Task<void> read_ahead();
  [[nodiscard]] auto arrival();
  [[nodiscard]] TimePoint send_deadline() const;
  [[clang::coro_wrapper]] Task<Result<void>> send(const http::RequestHead* head,
                                                  std::string_view piece);

  Forwarding& forwarding_;
  http::Exchange& exchange_;
  http::ClientExchange* upstream_ = nullptr;
  http::Fields trailers_;
  std::optional<Error> client_error_;
  std::unique_ptr<RequestDecoder> decoder_;
  unsigned decoded_pieces_ = 0;
  unsigned reads_ = 0;      // pieces that were asked for
  std::string_view first_;  // the first of them
  const bool ahead_;        // reads beside the tries, so that a read outlasts one
  bool reading_ = false;
  std::optional<Result<std::string_view>> got_;  // what was read ahead
  std::coroutine_handle<> waiter_;
  bool last_ = false;  // what is being sent ends the request
  bool ended_ = false;
  bool stopped_ = false;
  TaskGroup tasks_;
};

}  // namespace portcullis::gateway
