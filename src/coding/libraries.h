// One file for each library: gzip.cc (zlib), brotli.cc, zstd.cc. For coders.cc alone.
#pragma once

#include "coding/budget.h"
#include "coding/coder.h"

#include <memory>

namespace portcullis::coding {

// What an encoder needs, at most, with the settings that it has here.
inline constexpr std::size_t kGzipEncoderBytes = 224UL * 1024;
inline constexpr std::size_t kBrotliEncoderBytes = 1024UL * 1024;
inline constexpr std::size_t kZstdEncoderBytes = 768UL * 1024;

[[nodiscard]] std::unique_ptr<Encoder> make_gzip_encoder();
[[nodiscard]] std::unique_ptr<Encoder> make_brotli_encoder();
[[nodiscard]] std::unique_ptr<Encoder> make_zstd_encoder();

// Null when `budget` has not enough left to begin. A decoder takes more of it when it learns how
// large its window is.
[[nodiscard]] std::unique_ptr<Decoder> make_gzip_decoder(Budget& budget);
[[nodiscard]] std::unique_ptr<Decoder> make_brotli_decoder(Budget& budget);
[[nodiscard]] std::unique_ptr<Decoder> make_zstd_decoder(Budget& budget);

[[nodiscard]] inline std::unexpected<Error> malformed_content(std::string_view why) {
  return refuse(ErrorCode::kMalformedContent, std::string(why));
}
[[nodiscard]] inline std::unexpected<Error> out_of_coder_memory() {
  return fail(ErrorCode::kUnavailable, "the memory for decoding bodies is used up");
}

}  // namespace portcullis::coding
