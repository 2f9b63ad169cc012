// Memory of one nghttp2 session. Two of its parts lie idle when the connection does: a buffer of
// 16 KiB for the frame that it writes, most of which is never touched again once the head of an
// answer is out, and a table of 4 KiB for its streams, all zero when there is none. They have pages
// of their own, which an idle connection gives back.
#pragma once

#include <nghttp2/nghttp2.h>

namespace portcullis::http2 {

class SessionMemory {
 public:
  SessionMemory();
  ~SessionMemory();
  SessionMemory(const SessionMemory&) = delete;
  SessionMemory& operator=(const SessionMemory&) = delete;

  // For nghttp2_session_server_new3() and its like; lives as long as this, which must outlive the
  // session.
  [[nodiscard]] nghttp2_mem* functions() { return &functions_; }

  // Gives the pages back to the system. Only while the session has no frame in its hands:
  // nghttp2_session_want_write() says 0.
  void relax();

 private:
  friend struct SessionAllocator;
  nghttp2_mem functions_;
  struct Slot* slot_;  // none: the system had no pages
  // Each part is given out once: it is known to be zero only then.
  bool frame_buffer_given_ = false;
  bool stream_table_given_ = false;
};

}  // namespace portcullis::http2
