#include "http2/session_memory.h"

#include "base/check.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <sys/mman.h>
#include <vector>

namespace portcullis::http2 {
namespace {

constexpr std::size_t kPage = 4096;
// NGHTTP2_FRAMEBUF_CHUNKLEN: a frame's head, the length of its padding, and 16 KiB.
constexpr std::size_t kFrameBuffer = 9 + 1 + 16384;
// nghttp2's map of streams as it begins; the place of a stream that is removed is zero again.
constexpr std::size_t kStreams = 256;
constexpr std::size_t kStream = 16;
constexpr std::size_t kSlotsAtOnce = 64;

}  // namespace

struct Slot {
  alignas(kPage) std::array<std::byte, kFrameBuffer> frame_buffer;
  alignas(kPage) std::array<std::byte, kStreams * kStream> stream_table;
};

namespace {

// Slots of one thread, mapped many at a time and kept for the next session; all zero.
class Slots {
 public:
  Slot* take() {
    if (free_.empty()) map_more();
    if (free_.empty()) return nullptr;
    Slot* const slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void give_back(Slot* slot) {
    madvise(slot, sizeof(Slot), MADV_DONTNEED);
    free_.push_back(slot);
  }

 private:
  void map_more() {
    void* const region = mmap(nullptr, sizeof(Slot) * kSlotsAtOnce, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) return;
    for (std::size_t i = 0; i < kSlotsAtOnce; ++i) free_.push_back(static_cast<Slot*>(region) + i);
  }

  std::vector<Slot*> free_;
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
    Slot* const slot = of(self).slot_;
    if (slot == nullptr || (block != &slot->frame_buffer && block != &slot->stream_table))
      return std::free(block);
    if (block == &slot->stream_table) slot->stream_table.fill(std::byte{0});
  }
  static void* allocate_zeroed(std::size_t count, std::size_t size, void* self) {
    SessionMemory& memory = of(self);
    if (memory.slot_ == nullptr || memory.stream_table_given_ || count != kStreams ||
        size != kStream)
      return std::calloc(count, size);
    memory.stream_table_given_ = true;
    return &memory.slot_->stream_table;
  }
  static void* reallocate(void* block, std::size_t size, void* self) {
    SessionMemory& memory = of(self);
    if (memory.slot_ != nullptr)
      PC_CHECK(block != &memory.slot_->frame_buffer && block != &memory.slot_->stream_table);
    // nghttp2 makes its buffers from nothing in this way.
    if (memory.slot_ == nullptr || memory.frame_buffer_given_ || block != nullptr ||
        size != kFrameBuffer)
      return std::realloc(block, size);
    memory.frame_buffer_given_ = true;
    return &memory.slot_->frame_buffer;
  }
};

SessionMemory::SessionMemory()
    : functions_{this, SessionAllocator::allocate, SessionAllocator::free,
                 SessionAllocator::allocate_zeroed, SessionAllocator::reallocate},
      slot_(slots().take()) {}

SessionMemory::~SessionMemory() {
  if (slot_ != nullptr) slots().give_back(slot_);
}

void SessionMemory::relax() {
  if (slot_ == nullptr) return;
  madvise(&slot_->frame_buffer, sizeof slot_->frame_buffer, MADV_DONTNEED);
  const bool no_stream =
      std::ranges::all_of(slot_->stream_table, [](std::byte each) { return each == std::byte{0}; });
  if (no_stream) madvise(&slot_->stream_table, sizeof slot_->stream_table, MADV_DONTNEED);
}

}  // namespace portcullis::http2
