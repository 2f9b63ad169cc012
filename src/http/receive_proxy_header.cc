#include "http/receive_proxy_header.h"

#include "base/check.h"

namespace portcullis::http {

Task<Result<ProxyHeader>> receive_proxy_header(runtime::Stream& stream, TimePoint deadline) {
  static_assert(runtime::BufferPool::kSmall >= kMaximumProxyHeader);
  PC_CO_CHECK(co_await stream.wait_available(deadline));
  const runtime::Buffer buffer = stream.loop().buffers().borrow(runtime::BufferPool::kSmall);
  for (std::size_t known = 0;;) {
    const std::span<char> room(buffer.data(), kMaximumProxyHeader);
    PC_CO_TRY(known, co_await stream.peek(room, known, deadline));
    if (known == 0) co_return refuse(ErrorCode::kClosed, "connection ended in the PROXY header");
    PC_CO_TRY(const std::optional<ProxyHeader> header, parse_proxy_header({room.data(), known}));
    if (!header) continue;
    for (std::size_t taken = 0; taken < header->size;) {
      PC_CO_TRY(const std::size_t n,
                co_await stream.read(room.subspan(taken, header->size - taken), deadline));
      if (n == 0) co_return refuse(ErrorCode::kClosed, "connection ended in the PROXY header");
      taken += n;
    }
    co_return *header;
  }
}

}  // namespace portcullis::http
