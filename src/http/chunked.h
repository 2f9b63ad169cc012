// The chunked transfer coding (RFC 9112 7.1), read strictly and in place.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace portcullis::http {

// Bounded on purpose: 16 hexadecimal digits of size, 256 bytes of extensions a chunk and 16 KiB of
// them a body (extensions are checked and dropped), and the trailer section as the caller says.
class ChunkedReader {
 public:
  explicit ChunkedReader(std::uint32_t most_trailer_bytes)
      : most_trailer_bytes_(most_trailer_bytes) {}

  struct Step {
    std::size_t consumed = 0;  // of `input`
    std::string_view data;     // at the front of `input`, where the payload was moved together
  };

  // Takes as much of `input` as it can. After done() it takes nothing more.
  // Errors: kMalformedRequest (the caller knows which side it reads), kHeadTooLarge for trailers.
  Result<Step> feed(std::span<char> input);

  [[nodiscard]] bool done() const { return state_ == State::kDone; }
  // The trailer section with its empty line, for parse_trailers(); only when done().
  [[nodiscard]] std::span<char> trailer_section() { return trailers_; }

 private:
  enum class State : std::uint8_t {
    kSizeFirst,
    kSize,
    // chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
    kBeforeSemicolon,  // blanks after the size or a value: `;` must follow
    kBeforeName,
    kName,
    kAfterName,  // blanks: `=` or `;` must follow
    kBeforeValue,
    kValue,
    kQuoted,
    kQuotedPair,
    kAfterQuoted,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailers,
    kDone
  };

  Result<void> head_octet(char c);
  Result<void> extension_octet(char c);
  Result<void> after_value(char c);
  Result<void> trailer_octet(char c);

  State state_ = State::kSizeFirst;
  std::uint8_t digits_ = 0;
  std::uint64_t left_ = 0;  // of the chunk
  std::uint32_t extension_bytes_ = 0;
  std::uint32_t all_extension_bytes_ = 0;
  std::uint32_t most_trailer_bytes_;
  std::size_t trailer_line_ = 0;  // where the line in hand begins in trailers_
  std::string trailers_;
};

// Writes `size` in hexadecimal and CR LF; the value is what was written, in `into`.
[[nodiscard]] std::string_view write_chunk_head(std::uint64_t size, std::span<char, 20> into);

}  // namespace portcullis::http
