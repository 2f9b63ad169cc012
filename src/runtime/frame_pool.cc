#include "runtime/frame_pool.h"

#include <array>
#include <cstdlib>
#include <new>
#include <utility>

namespace portcullis::runtime {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PC_RECYCLE_FRAMES 0
#endif
#endif
#ifndef PC_RECYCLE_FRAMES
#define PC_RECYCLE_FRAMES 1
#endif

#if PC_RECYCLE_FRAMES
namespace {

constexpr std::size_t kStep = 64;
constexpr std::size_t kClasses = 128;  // up to 8 KiB; larger frames are rare and go to the heap
constexpr unsigned kMostIdle = 1024;   // of each class on each thread

struct FreeFrame {
  FreeFrame* next;
};

struct Pool {
  std::array<FreeFrame*, kClasses> free{};
  std::array<unsigned, kClasses> idle{};
  ~Pool() {
    for (FreeFrame*& head : free) {
      while (head != nullptr) ::operator delete(std::exchange(head, head->next));
    }
  }
};

thread_local Pool pool;

}  // namespace

void* allocate_frame(std::size_t size) {
  const std::size_t index = (size - 1) / kStep;
  if (index >= kClasses) return ::operator new(size);
  if (FreeFrame* frame = pool.free[index]; frame != nullptr) {
    pool.free[index] = frame->next;
    --pool.idle[index];
    return frame;
  }
  return ::operator new((index + 1) * kStep);
}

void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = (size - 1) / kStep;
  if (index >= kClasses || pool.idle[index] >= kMostIdle) {
    ::operator delete(frame);
    return;
  }
  auto* free = static_cast<FreeFrame*>(frame);
  free->next = pool.free[index];
  pool.free[index] = free;
  ++pool.idle[index];
}
#else
void* allocate_frame(std::size_t size) { return ::operator new(size); }
void free_frame(void* frame, std::size_t) noexcept { ::operator delete(frame); }
#endif

}  // namespace portcullis::runtime
