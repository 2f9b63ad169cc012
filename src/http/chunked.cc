#include "http/chunked.h"

#include "base/encoding.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace portcullis::http {
namespace {

constexpr std::uint32_t kMostExtensionBytes = 256;
constexpr std::uint32_t kMostExtensionBytesOfBody = 16 * 1024;

auto malformed(const char* why) { return refuse(ErrorCode::kMalformedRequest, why); }

}  // namespace

Result<ChunkedReader::Step> ChunkedReader::feed(std::span<char> input) {
  std::size_t in = 0;
  std::size_t out = 0;
  while (in < input.size() && state_ != State::kDone) {
    if (state_ == State::kData) {
      const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - in));
      if (out != in) std::memmove(input.data() + out, input.data() + in, take);
      in += take;
      out += take;
      left_ -= take;
      if (left_ == 0) state_ = State::kDataCr;
      continue;
    }
    const char c = input[in++];
    if (state_ == State::kTrailers) {
      PC_CHECK_OK(trailer_octet(c));
    } else {
      PC_CHECK_OK(head_octet(c));
    }
  }
  return Step{in, {input.data(), out}};
}

Result<void> ChunkedReader::head_octet(char c) {
  switch (state_) {
    case State::kDataCr:
      if (c != '\r') return malformed("chunk data is not followed by CR LF");
      state_ = State::kDataLf;
      return {};
    case State::kDataLf:
      if (c != '\n') return malformed("chunk data is not followed by CR LF");
      state_ = State::kSizeFirst;
      return {};
    case State::kSizeFirst:
      left_ = 0;
      digits_ = 0;
      extension_bytes_ = 0;
      if (hex_digit(c) < 0) return malformed("chunk size is malformed");
      state_ = State::kSize;
      [[fallthrough]];
    case State::kSize: {
      const int digit = hex_digit(c);
      if (digit >= 0) {
        if (++digits_ > 16) return malformed("chunk size has too many digits");
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return {};
      }
      if (c == '\r') {
        state_ = State::kSizeLf;
        return {};
      }
      if (c == ';') {
        state_ = State::kExtension;
        return {};
      }
      if (c != ' ' && c != '\t') return malformed("chunk size is malformed");
      state_ = State::kExtensionBlank;
      return {};
    }
    case State::kExtensionBlank:
      if (c == ';') {
        state_ = State::kExtension;
        return {};
      }
      if ((c != ' ' && c != '\t') || ++extension_bytes_ > kMostExtensionBytes) {
        return malformed("whitespace after a chunk size");
      }
      return {};
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeLf;
        return {};
      }
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
        return malformed("control character in a chunk extension");
      }
      if (++extension_bytes_ > kMostExtensionBytes ||
          ++all_extension_bytes_ > kMostExtensionBytesOfBody) {
        return malformed("chunk extensions are too long");
      }
      return {};
    case State::kSizeLf:
      if (c != '\n') return malformed("bare CR in a chunk size");
      state_ = left_ > 0 ? State::kData : State::kTrailers;
      return {};
    case State::kData:
    case State::kTrailers:
    case State::kDone:
      break;
  }
  return malformed("chunk is malformed");
}

Result<void> ChunkedReader::trailer_octet(char c) {
  if (trailers_.size() >= most_trailer_bytes_)
    return refuse(ErrorCode::kHeadTooLarge, "trailers are too long");
  trailers_.push_back(c);
  if (c != '\n') return {};
  if (trailers_.size() < 2 || trailers_[trailers_.size() - 2] != '\r') {
    return malformed("line that ends without CR");
  }
  if (trailers_.size() - trailer_line_ == 2) state_ = State::kDone;
  trailer_line_ = trailers_.size();
  return {};
}

std::string_view write_chunk_head(std::uint64_t size, std::span<char, 20> into) {
  char* end = std::to_chars(into.data(), into.data() + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {into.data(), static_cast<std::size_t>(end - into.data())};
}

}  // namespace portcullis::http
