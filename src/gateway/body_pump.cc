#include "gateway/body_pump.h"

#include "gateway/grpc.h"
#include "gateway/upstream_head.h"

#include <utility>

namespace portcullis::gateway {

using http::BodyKind;
using http::More;

namespace {
constexpr unsigned kPiecesAtOnce = 16;
}

BodyPump::BodyPump(Forwarding& forwarding)
    : forwarding_(forwarding),
      exchange_(forwarding.exchange),
      trailers_(forwarding.exchange.arena()),
      ahead_(forwarding.upstream.shares_connections() &&
             forwarding.exchange.request().body == BodyKind::kUnknown) {
  if (forwarding.grpc != nullptr) exchange_.expect_stream();
}

bool BodyPump::has_body() const { return exchange_.request().body != BodyKind::kNone; }

bool BodyPump::decoding() const { return forwarding_.body_coding != coding::Coding::kIdentity; }

// ---- from the client

// The client of a call may be silent for as long as the call may last.
Task<Result<std::string_view>> BodyPump::read_client() {
  for (;;) {
    Result<std::string_view> piece = co_await exchange_.read_body();
    const bool silent = !piece && piece.error().code == ErrorCode::kRequestTimeout;
    if (silent && forwarding_.grpc != nullptr &&
        exchange_.loop().now() < forwarding_.grpc->limit.at)
      continue;
    if (piece) {
      PC_CO_CHECK(check_size());
      if (reads_ == 1 && !decoding()) first_ = *piece;
    }
    co_return piece;
  }
}

Result<void> BodyPump::check_size() const {
  if (exchange_.body_bytes_in() <= forwarding_.plan.body_size) return {};
  return refuse(ErrorCode::kContentTooLarge, "body exceeds `body_size`");
}

Task<Result<std::string_view>> BodyPump::next_piece() {
  ++reads_;
  return decoding() ? next_decoded_piece() : read_client();
}

Task<Result<std::string_view>> BodyPump::next_decoded_piece() {
  if (decoder_ == nullptr) {
    PC_CO_TRY(decoder_,
              RequestDecoder::make(forwarding_.plan, forwarding_.body_coding, forwarding_.codecs,
                                   forwarding_.ledger.shard(), exchange_.loop().buffers()));
  }
  for (;;) {
    PC_CO_TRY(const std::string_view plain, decoder_->next());
    if (!plain.empty()) {
      if (reads_ == 1) first_ = plain;
      // Few bytes can become very many: others have their turn meanwhile.
      if (++decoded_pieces_ % kPiecesAtOnce == 0) co_await exchange_.loop().yield();
      co_return plain;
    }
    if (exchange_.body_ended()) {
      PC_CO_CHECK(decoder_->finish());
      co_return std::string_view{};
    }
    PC_CO_TRY(const std::string_view coded, co_await read_client());
    decoder_->give(coded);
  }
}

Task<void> BodyPump::read_ahead() {
  reading_ = true;
  got_ = co_await next_piece();
  reading_ = false;
  if (waiter_) exchange_.loop().ready(std::exchange(waiter_, nullptr));
}

// Until what is being read is here, or nobody wants it any more.
auto BodyPump::arrival() {
  struct Arrival {
    BodyPump& pump;
    [[nodiscard]] bool await_ready() const noexcept { return !pump.reading_ || pump.stopped_; }
    void await_suspend(std::coroutine_handle<> handle) { pump.waiter_ = handle; }
    void await_resume() const noexcept {}
  };
  return Arrival{*this};
}

// ---- to the upstream

Task<Result<void>> BodyPump::begin(http::ClientExchange& upstream, const http::RequestHead& head) {
  upstream_ = &upstream;
  stopped_ = false;
  ended_ = false;
  if (has_body() && reads_ == 0) {
    if (ahead_) {
      tasks_.spawn(read_ahead());
    } else {
      got_ = co_await next_piece();
    }
  }
  if (reading_) co_return co_await upstream.send_head(head, {{}, More::kYes}, send_deadline());
  if (const auto got = std::exchange(got_, std::nullopt); got && !*got)
    co_return std::unexpected(got->error());
  const Result<void> sent = co_await send(&head, first_);
  ended_ = sent && last_;
  co_return sent;
}

Task<void> BodyPump::run() {
  while (!ended_ && !stopped_) {
    if (ahead_) {
      if (!reading_ && !got_) tasks_.spawn(read_ahead());
      co_await arrival();
    } else {
      got_ = co_await next_piece();
    }
    // That nobody wants the rest is no fault of the client's.
    if (stopped_ || !got_) co_return;
    const Result<std::string_view> piece = *got_;
    got_.reset();
    if (!piece) {
      client_error_ = piece.error();
      upstream_->abandon();
      co_return;
    }
    const Result<void> sent = co_await send(nullptr, *piece);
    // The upstream may have answered and stopped reading: its response says.
    if (!sent) co_return;
    ended_ = last_;
  }
  if (ended_) forwarding_.account.passing.sent(exchange_.loop().now());
}

Task<Result<void>> BodyPump::send(const http::RequestHead* head, std::string_view piece) {
  last_ = !has_body() || (exchange_.body_ended() && (decoder_ == nullptr || decoder_->whole()));
  http::BodyPiece sent{piece, last_ ? More::kNo : More::kYes};
  if (last_ && exchange_.request().trailers.size() > 0) [[unlikely]] {
    trailers_ = http::Fields(exchange_.arena());
    fill_upstream_trailers(forwarding_, trailers_);
    sent.trailers = &trailers_;
  }
  return head != nullptr ? upstream_->send_head(*head, sent, send_deadline())
                         : upstream_->send_body(sent, send_deadline());
}

// What a call waits for on its way up is for the call's own limit to bound.
TimePoint BodyPump::send_deadline() const {
  return forwarding_.grpc != nullptr ? forwarding_.grpc->limit.at
                                     : exchange_.loop().now() + forwarding_.plan.timeout;
}

void BodyPump::stop() {
  stopped_ = true;
  upstream_->cancel_send();
  if (!ahead_)
    exchange_.cancel_body();
  else if (waiter_)
    exchange_.loop().ready(std::exchange(waiter_, nullptr));
}

Task<void> BodyPump::finish() {
  exchange_.cancel_body();
  co_await tasks_.join();
}

}  // namespace portcullis::gateway
