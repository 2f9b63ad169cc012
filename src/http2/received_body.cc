#include "http2/received_body.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace portcullis::http2 {
namespace {

constexpr std::size_t kMostEnded = 16;

}  // namespace

void ReceivedBody::put(std::string_view bytes, runtime::BufferPool& pool) {
  while (!bytes.empty()) {
    if (empty()) {
      chunks_.clear();
      first_ = 0;
    }
    if (empty() || chunks_.back().end == chunks_.back().buffer.size()) {
      // Small messages are the rule; what follows a first chunk is a long body.
      const bool small = empty() && bytes.size() <= runtime::BufferPool::kSmall;
      chunks_.push_back(
          {pool.borrow(small ? runtime::BufferPool::kSmall : runtime::BufferPool::kLarge)});
    }
    Chunk& chunk = chunks_.back();
    const std::size_t taken = std::min(bytes.size(), chunk.buffer.size() - chunk.end);
    std::memcpy(chunk.buffer.data() + chunk.end, bytes.data(), taken);
    chunk.end += taken;
    size_ += taken;
    bytes.remove_prefix(taken);
  }
}

std::string_view ReceivedBody::front() const {
  const Chunk& chunk = chunks_[first_];
  return {chunk.buffer.data() + chunk.begin, chunk.end - chunk.begin};
}

void ReceivedBody::drop_front(std::size_t size) {
  Chunk& chunk = chunks_[first_];
  chunk.begin += size;
  size_ -= size;
  if (chunk.begin < chunk.end) return;
  chunk.buffer.release();
  // A body that never runs empty must not leave all of its chunks behind.
  if (++first_ < kMostEnded) return;
  chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
}

}  // namespace portcullis::http2
