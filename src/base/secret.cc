#include "base/secret.h"

#include <cstring>
#include <utility>

namespace portcullis {

void wipe(void* bytes, std::size_t size) noexcept {
  std::memset(bytes, 0, size);
  asm volatile("" : : "r"(bytes) : "memory");
}

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<unsigned char>(
        difference | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
  }
  asm volatile("" : "+r"(difference));  // the loop may not be left early once a difference is known
  return difference == 0;
}

Secret::Secret(std::string&& bytes) : bytes_(bytes) {
  wipe(bytes.data(), bytes.size());
  bytes.clear();
}

// A short string lives inside the object, so a move must copy and wipe rather than leave the bytes
// behind.
Secret::Secret(Secret&& other) noexcept { *this = std::move(other); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe_bytes();
  bytes_ = other.bytes_;
  other.wipe_bytes();
  return *this;
}

Secret::~Secret() { wipe_bytes(); }

void Secret::wipe_bytes() noexcept {
  wipe(bytes_.data(), bytes_.capacity());
  bytes_.clear();
}

}  // namespace portcullis
