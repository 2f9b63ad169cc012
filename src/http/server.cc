#include "http/server.h"

#include "http/http1_exchange.h"

namespace portcullis::http {
namespace {

// Everything of one request lives in this frame, so that an idle connection holds none of it. Not
// inlined, since the compiler would then put the frame into that of the connection.
[[gnu::noinline]] Task<bool> serve_one(runtime::Stream& stream, ServerContext& context,
                                       const ConnectionInfo& info, Activity& activity,
                                       Carry& carry) {
  runtime::Buffer arena_block = stream.loop().buffers().borrow(runtime::BufferPool::kSmall);
  Arena arena(arena_block.data(), arena_block.size());
  Http1Exchange exchange(stream, context, info, arena, carry);
  const Result<void> head = co_await exchange.read_head();
  activity.enter(Phase::kBusy, stream.loop().now());
  if (head) {
    co_await context.handler().handle(exchange);
  } else {
    exchange.give_up_connection();
    if (!exchange.touched()) co_return false;
    co_await context.handler().handle_unreadable(exchange, head.error());
  }
  co_return co_await exchange.finish();
}

}  // namespace

Task<void> serve_http1(runtime::Stream& stream, ServerContext& context, const ConnectionInfo& info,
                       Activity& activity) {
  Carry carry;
  for (;;) {
    if (carry.empty()) {
      if (context.draining() && activity.phase() != Phase::kFresh) co_return;
      carry.buffer.release();
      const auto available =
          co_await stream.wait_available(stream.loop().now() + context.settings().idle_timeout);
      if (!available && (available.error().code != ErrorCode::kCancelled || stream.is_quiet()))
        co_return;
    }
    activity.enter(Phase::kHead, stream.loop().now());
    const bool more = co_await serve_one(stream, context, info, activity, carry);
    if (!more || activity.given_up()) co_return;
    activity.enter(Phase::kIdle, stream.loop().now());
    // The next request is here already: the other connections come first.
    if (!carry.empty()) co_await stream.loop().yield();
  }
}

}  // namespace portcullis::http
