// Content codings (RFC 9110 8.4.1): what a body is wrapped in from end to end.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace portcullis::coding {

// `deflate` is left out: half of the world means zlib by it and half means raw (RFC 9110 8.4.1.2).
enum class Coding : std::uint8_t { kIdentity, kGzip, kBrotli, kZstd };
inline constexpr std::size_t kCodings = 4;

// As a field writes it: `gzip`.
[[nodiscard]] std::string_view name_of(Coding coding) noexcept;

// In any case of letters; `x-gzip` is `gzip` (RFC 9110 8.4.1.3). Nothing for what is not known.
[[nodiscard]] std::optional<Coding> find_coding(std::string_view name) noexcept;

// Whether a body of that Content-Type becomes smaller when it is coded: text, and what is text by
// another name. Not what is coded already (images, audio, video, archives), and not what nobody
// knows.
[[nodiscard]] bool is_compressible(std::string_view content_type) noexcept;

}  // namespace portcullis::coding
