// Buffers of two sizes, lent for as long as bytes are in flight and kept for the next borrower. One
// pool a loop.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <utility>
#include <vector>

namespace portcullis::runtime {

class BufferPool;

// Owns `size()` bytes; gives them back to their pool when it goes.
class Buffer {
 public:
  Buffer() = default;
  Buffer(BufferPool& pool, char* data, std::size_t size) : pool_(&pool), data_(data), size_(size) {}
  Buffer(Buffer&& other) noexcept
      : pool_(other.pool_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this == &other) return *this;
    release();
    pool_ = other.pool_;
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { release(); }

  [[nodiscard]] char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] explicit operator bool() const { return data_ != nullptr; }
  inline void release();

 private:
  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

class BufferPool {
 public:
  static constexpr std::size_t kSmall = 4096;
  static constexpr std::size_t kLarge = 16384;

  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool() {
    for (const Idle& idle : idle_) {
      for (char* data : idle.list) std::free(data);
    }
  }

  // Frees what nobody has needed since the last call; the value is how many bytes.
  std::size_t trim() {
    std::size_t freed = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      auto& [list, spare] = idle_[i];
      for (; spare > 0; --spare) {
        std::free(list.back());
        list.pop_back();
        freed += i == 1 ? kLarge : kSmall;
      }
      spare = list.size();
    }
    held_ -= freed;
    return freed;
  }

  // At least `size` bytes, not initialised. Sizes above kLarge are not kept.
  [[nodiscard]] Buffer borrow(std::size_t size) {
    const std::size_t rounded = size <= kSmall ? kSmall : size <= kLarge ? kLarge : size;
    if (rounded <= kLarge) {
      auto& [list, spare] = idle_[rounded == kLarge ? 1 : 0];
      if (!list.empty()) {
        char* data = list.back();
        list.pop_back();
        spare = std::min(spare, list.size());
        return {*this, data, rounded};
      }
    }
    char* data = static_cast<char*>(std::malloc(rounded));
    if (data == nullptr) std::abort();
    held_ += rounded;
    return {*this, data, rounded};
  }

  // Bytes that are lent, and that are kept for the next.
  [[nodiscard]] std::size_t held() const { return held_; }

 private:
  friend class Buffer;
  static constexpr std::size_t kMostIdleBytes = 4U << 20;

  void give_back(char* data, std::size_t size) {
    if (size == kSmall || size == kLarge) {
      auto& list = idle_[size == kLarge ? 1 : 0].list;
      if (list.size() * size < kMostIdleBytes) {
        list.push_back(data);
        return;
      }
    }
    held_ -= size;
    std::free(data);
  }

  struct Idle {
    std::vector<char*> list;
    std::size_t spare = 0;  // the fewest that stood idle since the last trim
  };
  Idle idle_[2];
  std::size_t held_ = 0;
};

inline void Buffer::release() {
  if (data_ != nullptr) pool_->give_back(std::exchange(data_, nullptr), std::exchange(size_, 0));
}

}  // namespace portcullis::runtime
