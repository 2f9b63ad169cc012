// Digests (FIPS 180-4), HMAC (RFC 2104) and random bytes. A failure here is one of the machine, not
// of the input: these abort rather than go on with a wrong value.
#pragma once

#include "base/secret.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace portcullis::crypto {

enum class Hash : std::uint8_t { kSha256, kSha384, kSha512 };

// Bytes of a digest.
[[nodiscard]] constexpr std::size_t digest_size(Hash hash) {
  switch (hash) {
    case Hash::kSha256:
      return 32;
    case Hash::kSha384:
      return 48;
    case Hash::kSha512:
      return 64;
  }
  return 0;
}

[[nodiscard]] std::string digest(Hash hash, std::string_view bytes);
[[nodiscard]] std::string hmac(Hash hash, std::string_view key, std::string_view bytes);

// Without allocation.
using Sha256 = std::array<unsigned char, 32>;
[[nodiscard]] Sha256 sha256(std::string_view bytes);

[[nodiscard]] inline std::string_view view(const Sha256& digest [[clang::lifetimebound]]) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// For the handshake of WebSocket (RFC 6455 1.3) alone, where it secures nothing.
using Sha1 = std::array<unsigned char, 20>;
[[nodiscard]] Sha1 sha1(std::string_view bytes);

// From a generator fit for keys.
[[nodiscard]] std::string random_bytes(std::size_t count);

}  // namespace portcullis::crypto
