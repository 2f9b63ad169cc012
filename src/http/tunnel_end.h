// One end of a tunnel: the raw bytes of a connection that has switched protocols (RFC 9110 7.8).
#pragma once

#include "base/result.h"
#include "runtime/buffer_pool.h"
#include "runtime/stream.h"
#include "runtime/task.h"

#include <string_view>
#include <utility>

namespace portcullis::http {

class TunnelEnd {
 public:
  // `early` is what had been read of the connection before it switched: the first bytes of the
  // tunnel. It lives in `held`, or for as long as this does.
  TunnelEnd(runtime::Stream& stream, std::string_view early, runtime::Buffer held = {})
      : stream_(stream), early_(early), buffer_(std::move(held)) {}
  TunnelEnd(const TunnelEnd&) = delete;
  TunnelEnd& operator=(const TunnelEnd&) = delete;

  // The next bytes, valid until the next call; empty once the peer has sent its last. Waits for as
  // long as it takes, and holds no buffer meanwhile. Errors: kClosed, kCancelled.
  Task<Result<std::string_view>> read();
  // Errors: kClosed, kCancelled.
  Task<Result<void>> write(std::string_view bytes);
  // Says that nothing more will be written; what the peer sends can still be read.
  void finish() { stream_.shutdown_write(); }
  // Ends what waits, and every later operation, with kCancelled.
  void cancel() {
    cancelled_ = true;
    stream_.cancel();
  }

 private:
  runtime::Stream& stream_;
  std::string_view early_;
  runtime::Buffer buffer_;
  bool filled_ = false;  // the last read filled the buffer: more is probably there
  bool cancelled_ = false;
};

}  // namespace portcullis::http
