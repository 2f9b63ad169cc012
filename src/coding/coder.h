// One body on its way through a coding, piece by piece.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace portcullis::coding {

// How much of what was given must be out.
enum class Flush : std::uint8_t {
  kNone,   // whatever makes the output small
  kPiece,  // so much that the receiver can decode all of the input so far
  kEnd,    // everything, and the end of the coded body
};

struct Encoded {
  std::size_t consumed = 0;
  std::size_t produced = 0;
  bool done = false;  // nothing is left to take or, as `flush` asks, to give
};

class Encoder {
 public:
  Encoder() = default;
  virtual ~Encoder() = default;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // Takes some of `plain` and gives some of the coded body into `out`, which is not empty. Until
  // `done`, call again with the rest and the same `flush`.
  virtual Encoded encode(std::string_view plain, std::span<char> out, Flush flush) = 0;
  // Ready for another body; false when it cannot be used again.
  virtual bool reset() = 0;
};

struct Decoded {
  std::size_t consumed = 0;
  std::size_t produced = 0;
};

class Decoder {
 public:
  Decoder() = default;
  virtual ~Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Takes some of `coded` and gives some of the body into `out`. All that can be given has been
  // when all is taken and `out` was not filled. Errors: kMalformedContent, also for bytes behind
  // the end; kUnavailable when the memory for coders is used up.
  virtual Result<Decoded> decode(std::string_view coded, std::span<char> out) = 0;
  // What was taken is a whole coded body and all of it has been given.
  [[nodiscard]] virtual bool whole() const = 0;
};

}  // namespace portcullis::coding
