#include "http2/session_memory.h"

#include "base/check.h"

#include <cstddef>
#include <cstdlib>
#include <sys/mman.h>
#include <vector>

namespace portcullis::http2 {
namespace {

// NGHTTP2_FRAMEBUF_CHUNKLEN: a frame's head, the length of its padding, and 16 KiB.
constexpr std::size_t kFrameBuffer = 9 + 1 + 16384;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kSlot = (kFrameBuffer + kPage - 1) / kPage * kPage;
constexpr std::size_t kSlotsAtOnce = 64;

// Slots of one thread, mapped many at a time and kept for the next session.
class Slots {
 public:
  void* take() {
    if (free_.empty()) map_more();
    if (free_.empty()) return nullptr;
    void* slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void give_back(void* slot) { free_.push_back(slot); }

 private:
  void map_more() {
    void* const region = mmap(nullptr, kSlot * kSlotsAtOnce, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) return;
    for (std::size_t i = 0; i < kSlotsAtOnce; ++i)
      free_.push_back(static_cast<std::byte*>(region) + i * kSlot);
  }

  std::vector<void*> free_;
};

Slots& slots() {
  static thread_local Slots of_thread;
  return of_thread;
}

}  // namespace

struct SessionAllocator {
  static SessionMemory& of(void* self) { return *static_cast<SessionMemory*>(self); }

  static void* allocate(std::size_t size, void*) { return std::malloc(size); }
  static void free(void* block, void* self) {
    SessionMemory& memory = of(self);
    if (block == nullptr || block != memory.frame_buffer_) return std::free(block);
    memory.relax();
    slots().give_back(memory.frame_buffer_);
    memory.frame_buffer_ = nullptr;
  }
  static void* allocate_zeroed(std::size_t count, std::size_t size, void*) {
    return std::calloc(count, size);
  }
  static void* reallocate(void* block, std::size_t size, void* self) {
    SessionMemory& memory = of(self);
    PC_CHECK(block == nullptr || block != memory.frame_buffer_);
    // nghttp2 makes its buffers from nothing in this way.
    if (block == nullptr && size == kFrameBuffer && memory.frame_buffer_ == nullptr) {
      memory.frame_buffer_ = slots().take();
      if (memory.frame_buffer_ != nullptr) return memory.frame_buffer_;
    }
    return std::realloc(block, size);
  }
};

SessionMemory::SessionMemory()
    : functions_{this, SessionAllocator::allocate, SessionAllocator::free,
                 SessionAllocator::allocate_zeroed, SessionAllocator::reallocate} {}

SessionMemory::~SessionMemory() { PC_CHECK(frame_buffer_ == nullptr); }

void SessionMemory::relax() {
  if (frame_buffer_ != nullptr) madvise(frame_buffer_, kSlot, MADV_DONTNEED);
}

}  // namespace portcullis::http2
