// Bytes that wipe themselves, cannot be printed and are compared in constant time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace portcullis {

// Overwrites memory in a way that the compiler may not remove.
void wipe(void* bytes, std::size_t size) noexcept;

// True when both are equal; takes time that depends on the sizes alone.
[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

// Owns secret bytes. There is no conversion to string, no comparison and no formatter: `expose()`
// is the one way to the bytes, so that every use can be found by its name.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string&& bytes);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  [[nodiscard]] std::string_view expose() const [[clang::lifetimebound]] { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  void wipe_bytes() noexcept;
  std::string bytes_;
};

}  // namespace portcullis
