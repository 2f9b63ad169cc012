// The id that follows one request through logs, problems and the upstream.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace portcullis::gateway {

// 32 hexadecimal digits, unlike any other of this or another process; not a secret.
class RequestIds {
 public:
  explicit RequestIds(std::uint64_t seed) : high_(seed), low_(seed * 0x9e3779b97f4a7c15ULL) {}

  using Text = std::array<char, 32>;
  Text next();

 private:
  std::uint64_t high_;
  std::uint64_t low_;
};

// What a trusted proxy may say: 1 to 128 letters, digits, `-`, `_`, `.`, `:`, `+`, `/` or `=`.
[[nodiscard]] bool is_request_id(std::string_view text) noexcept;

}  // namespace portcullis::gateway
