// Where frames begin in the bytes of a connection (RFC 9113 4.1): nghttp2 says nothing of those
// that it ignores, and they cost too.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace portcullis::http2 {

struct FrameHead {
  std::uint32_t length = 0;
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::int32_t stream = 0;
};

class FrameSplitter {
 public:
  static constexpr std::size_t kHeadSize = 9;

  // `skip`: bytes before the first frame.
  explicit FrameSplitter(std::size_t skip) : left_(skip) {}

  struct Piece {
    std::string_view bytes;           // the next of them; those of one frame, or of a part of it
    const FrameHead* head = nullptr;  // of the frame whose head is complete with this piece
    std::string_view payload;         // of that frame, as far as it is here
  };
  // Takes a piece off the front of `bytes`, which is not empty.
  Piece next(std::string_view& bytes) {
    Piece piece;
    if (left_ > 0) {
      piece.bytes = take(bytes, left_);
      left_ -= piece.bytes.size();
      return piece;
    }
    const std::size_t lacking = std::min(kHeadSize - known_, bytes.size());
    std::memcpy(text_.data() + known_, bytes.data(), lacking);
    known_ += lacking;
    if (known_ < kHeadSize) {
      piece.bytes = take(bytes, lacking);
      return piece;
    }
    known_ = 0;
    read_head();
    piece.head = &head_;
    piece.bytes = take(bytes, lacking + head_.length);
    piece.payload = piece.bytes.substr(lacking);
    left_ = head_.length - piece.payload.size();
    return piece;
  }

 private:
  static std::string_view take(std::string_view& from, std::size_t most) {
    const std::string_view taken = from.substr(0, most);
    from.remove_prefix(taken.size());
    return taken;
  }
  void read_head() {
    const auto at = [&](std::size_t i) { return std::uint32_t{text_[i]}; };
    head_.length = at(0) << 16 | at(1) << 8 | at(2);
    head_.type = text_[3];
    head_.flags = text_[4];
    head_.stream =
        static_cast<std::int32_t>((at(5) & 0x7f) << 24 | at(6) << 16 | at(7) << 8 | at(8));
  }

  std::array<std::uint8_t, kHeadSize> text_{};
  std::size_t known_ = 0;  // bytes of a head that is not complete
  std::size_t left_;       // bytes until the next head
  FrameHead head_;
};

}  // namespace portcullis::http2
