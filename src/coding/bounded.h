// A body that is decoded while it arrives, and never becomes larger than somebody has allowed: few
// bytes can be made to say very many.
#pragma once

#include "coding/coder.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace portcullis::coding {

struct DecodeBounds {
  std::uint64_t size = 0;   // bytes of the decoded body
  std::uint32_t ratio = 0;  // decoded bytes for each coded one, once kFreeBytes were decoded
};

class BoundedDecoder {
 public:
  // Short bodies that repeat themselves are no bombs: so much may come of however few bytes.
  static constexpr std::uint64_t kFreeBytes = 64UL * 1024;

  // `room` is where decoded pieces stand; it must outlive this.
  BoundedDecoder(std::unique_ptr<Decoder> decoder, DecodeBounds bounds, std::span<char> room)
      : decoder_(std::move(decoder)), bounds_(bounds), room_(room) {}

  // The next coded bytes, once next() has returned nothing; they must stay until it does again.
  void give(std::string_view coded) { input_ = coded; }
  // The next decoded bytes, valid until the next call; empty when more must be given. Errors:
  // kContentTooLarge, kMalformedContent, kUnavailable. The bounds hold at each moment: what comes
  // later does not count for what is decoded now.
  [[nodiscard]] Result<std::string_view> next();
  // Everything that was given is decoded and the body may end here. An empty body is a whole one.
  [[nodiscard]] bool whole() const;

  [[nodiscard]] std::uint64_t coded_bytes() const { return coded_; }
  [[nodiscard]] std::uint64_t plain_bytes() const { return plain_; }

 private:
  std::unique_ptr<Decoder> decoder_;
  DecodeBounds bounds_;
  std::span<char> room_;
  std::string_view input_;
  bool filled_ = false;  // the room was filled: more may stand behind
  std::uint64_t coded_ = 0;
  std::uint64_t plain_ = 0;
};

}  // namespace portcullis::coding
