#include "base/arena.h"

#include <algorithm>
#include <cstring>

namespace portcullis {

namespace {
constexpr std::size_t kBlockSize = 4096;
}

void* Arena::allocate_slow(std::size_t size, std::size_t alignment) {
  const std::size_t need = std::max(kBlockSize, size + alignment);
  blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(need));
  at_ = reinterpret_cast<std::uintptr_t>(blocks_.back().get());
  end_ = at_ + need;
  return allocate(size, alignment);
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* bytes = array<char>(text.size());
  std::memcpy(bytes, text.data(), text.size());
  return {bytes, text.size()};
}

}  // namespace portcullis
