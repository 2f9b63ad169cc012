// Coroutine frames, recycled by size on each thread: a request makes a handful of them, always of
// the same sizes.
#pragma once

#include <cstddef>

namespace portcullis::runtime {

// A frame must be freed on the thread that made it. Under AddressSanitizer nothing is recycled, so
// that a use after the end of a frame is seen.
void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

}  // namespace portcullis::runtime
