// Bytes of a body that have arrived and not been asked for: at most a stream's window of them.
#pragma once

#include "runtime/buffer_pool.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace portcullis::http2 {

class ReceivedBody {
 public:
  void put(std::string_view bytes, runtime::BufferPool& pool);
  [[nodiscard]] bool empty() const { return first_ == chunks_.size(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  // All that lies together at the front, of a body that is not empty. It stays until drop_front().
  [[nodiscard]] std::string_view front() const;
  // Ends the first so many bytes of what front() gave.
  void drop_front(std::size_t size);

 private:
  struct Chunk {
    runtime::Buffer buffer;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::vector<Chunk> chunks_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace portcullis::http2
