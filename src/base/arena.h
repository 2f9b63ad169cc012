// Memory of one request: bump-allocated, given back all at once. Never holds bodies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace portcullis {

class Arena {
 public:
  Arena() = default;
  // Begins with memory that the owner of the arena lends.
  Arena(void* first, std::size_t size)
      : at_(reinterpret_cast<std::uintptr_t>(first)), end_(at_ + size) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Never fails: what is put here is bounded by the bounds on the head. Valid as long as the arena.
  [[nodiscard]] void* allocate(std::size_t size,
                               std::size_t alignment = alignof(std::max_align_t)) {
    const std::uintptr_t aligned = (at_ + alignment - 1) & ~(alignment - 1);
    if (aligned + size > end_) [[unlikely]]
      return allocate_slow(size, alignment);
    at_ = aligned + size;
    // An arena is arithmetic on addresses.
    return reinterpret_cast<void*>(aligned);  // NOLINT(performance-no-int-to-ptr)
  }
  template <typename T>
  [[nodiscard]] T* array(std::size_t count) {
    return static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
  }
  [[nodiscard]] std::string_view copy(std::string_view text);

 private:
  void* allocate_slow(std::size_t size, std::size_t alignment);
  std::uintptr_t at_ = 0;
  std::uintptr_t end_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
};

}  // namespace portcullis
