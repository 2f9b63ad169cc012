#include "http/chunked.h"

#include "base/ascii.h"
#include "base/encoding.h"
#include "http/head.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace portcullis::http {
namespace {

constexpr std::uint32_t kMostExtensionBytes = 256;
constexpr std::uint32_t kMostExtensionBytesOfBody = 16 * 1024;

constexpr bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

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
        state_ = State::kBeforeName;
        return {};
      }
      if (!is_blank(c)) return malformed("chunk size is malformed");
      state_ = State::kBeforeSemicolon;
      return {};
    }
    case State::kBeforeSemicolon:
    case State::kBeforeName:
    case State::kName:
    case State::kAfterName:
    case State::kBeforeValue:
    case State::kValue:
    case State::kQuoted:
    case State::kQuotedPair:
    case State::kAfterQuoted:
      return extension_octet(c);
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

// Extensions mean nothing to us, and are checked all the same: what two readers could end at
// different places is refused.
Result<void> ChunkedReader::extension_octet(char c) {
  if (++extension_bytes_ > kMostExtensionBytes ||
      ++all_extension_bytes_ > kMostExtensionBytesOfBody) {
    return malformed("chunk extensions are too long");
  }
  const bool token = is_token({&c, 1});
  switch (state_) {
    case State::kBeforeSemicolon:
    case State::kAfterName:
      if (is_blank(c)) return {};
      if (c == ';') {
        state_ = State::kBeforeName;
        return {};
      }
      if (c == '=' && state_ == State::kAfterName) {
        state_ = State::kBeforeValue;
        return {};
      }
      break;
    case State::kBeforeName:
      if (is_blank(c)) return {};
      if (!token) break;
      state_ = State::kName;
      return {};
    case State::kName:
      if (token) return {};
      if (is_blank(c)) {
        state_ = State::kAfterName;
        return {};
      }
      if (c == '=') {
        state_ = State::kBeforeValue;
        return {};
      }
      return after_value(c);
    case State::kBeforeValue:
      if (is_blank(c)) return {};
      if (c != '"' && !token) break;
      state_ = c == '"' ? State::kQuoted : State::kValue;
      return {};
    case State::kValue:
      if (token) return {};
      return after_value(c);
    case State::kQuoted:
      if (is_control(c)) break;
      if (c == '"') state_ = State::kAfterQuoted;
      if (c == '\\') state_ = State::kQuotedPair;
      return {};
    case State::kQuotedPair:
      if (is_control(c)) break;
      state_ = State::kQuoted;
      return {};
    case State::kAfterQuoted:
      return after_value(c);
    default:
      break;
  }
  return malformed("chunk extension is malformed");
}

// What may stand behind a complete extension.
Result<void> ChunkedReader::after_value(char c) {
  if (c == '\r') {
    state_ = State::kSizeLf;
  } else if (c == ';') {
    state_ = State::kBeforeName;
  } else if (is_blank(c)) {
    state_ = State::kBeforeSemicolon;
  } else {
    return malformed("chunk extension is malformed");
  }
  return {};
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
