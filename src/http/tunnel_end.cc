#include "http/tunnel_end.h"

#include <span>
#include <sys/uio.h>

namespace portcullis::http {
namespace {

auto cancelled() { return fail(ErrorCode::kCancelled, "the tunnel has ended"); }

}  // namespace

Task<Result<std::string_view>> TunnelEnd::read() {
  if (cancelled_) co_return cancelled();
  if (!early_.empty()) co_return std::exchange(early_, {});
  if (!filled_) {
    buffer_.release();
    PC_CO_CHECK(co_await stream_.wait_available(kNoDeadline));
    if (cancelled_) co_return cancelled();
    buffer_ = stream_.loop().buffers().borrow(runtime::BufferPool::kLarge);
  }
  PC_CO_TRY(const std::size_t n,
            co_await stream_.read({buffer_.data(), buffer_.size()}, kNoDeadline));
  filled_ = n == buffer_.size();
  co_return std::string_view(buffer_.data(), n);
}

Task<Result<void>> TunnelEnd::write(std::string_view bytes) {
  if (cancelled_) co_return cancelled();
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  PC_CO_CHECK(co_await stream_.write(std::span(&part, 1), kNoDeadline));
  co_return Result<void>{};
}

}  // namespace portcullis::http
