// Writes HTTP/1.1 heads from their parts into a growing buffer of the loop. What is written was
// checked when it was parsed or compiled, so nothing here can smuggle a line.
#pragma once

#include "runtime/buffer_pool.h"

#include <charconv>
#include <cstring>
#include <string_view>

namespace portcullis::http {

class HeadWriter {
 public:
  explicit HeadWriter(runtime::BufferPool& pool)
      : pool_(pool), buffer_(pool.borrow(runtime::BufferPool::kSmall)) {}

  HeadWriter& put(std::string_view text) {
    if (text.empty()) return *this;  // which may point nowhere
    if (size_ + text.size() > buffer_.size()) [[unlikely]]
      grow(text.size());
    std::memcpy(buffer_.data() + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
  }
  HeadWriter& put_number(std::uint64_t number) {
    char digits[20];
    const char* end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return put({digits, static_cast<std::size_t>(end - digits)});
  }
  HeadWriter& field(std::string_view name, std::string_view value) {
    return put(name).put(": ").put(value).put("\r\n");
  }

  [[nodiscard]] std::string_view text() const { return {buffer_.data(), size_}; }
  void clear() { size_ = 0; }
  // Gives the buffer back; nothing can be put any more.
  void release() {
    buffer_.release();
    size_ = 0;
  }

 private:
  void grow(std::size_t by) {
    runtime::Buffer larger = pool_.borrow((size_ + by) * 2);
    std::memcpy(larger.data(), buffer_.data(), size_);
    buffer_ = std::move(larger);
  }

  runtime::BufferPool& pool_;
  runtime::Buffer buffer_;
  std::size_t size_ = 0;
};

}  // namespace portcullis::http
