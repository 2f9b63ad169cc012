// For tests: frames as a peer would write them, well-formed or not, and HPACK without a table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::http2::testing {

enum Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};
inline constexpr std::uint8_t kEndStream = 1;
inline constexpr std::uint8_t kAck = 1;
inline constexpr std::uint8_t kEndHeaders = 4;

inline std::string number(std::uint32_t value, unsigned bytes) {
  std::string text;
  for (unsigned i = bytes; i-- > 0;) text += static_cast<char>(value >> (8 * i) & 0xffU);
  return text;
}

inline std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                         std::string_view payload = {}) {
  std::string text = number(static_cast<std::uint32_t>(payload.size()), 3);
  text += static_cast<char>(type);
  text += static_cast<char>(flags);
  return text + number(stream, 4) + std::string(payload);
}

// A literal that is never indexed, without Huffman's code (RFC 7541 6.2.3).
inline std::string field(std::string_view name, std::string_view value) {
  const auto literal = [](std::string_view text) {
    std::string coded;
    if (text.size() < 127) {
      coded += static_cast<char>(text.size());
    } else {
      coded += '\x7f';
      for (std::size_t left = text.size() - 127;; left >>= 7U) {
        coded += static_cast<char>((left & 127U) | (left > 127 ? 128U : 0U));
        if (left <= 127) break;
      }
    }
    return coded + std::string(text);
  };
  return '\x10' + literal(name) + literal(value);
}

inline std::string settings(std::vector<std::pair<std::uint16_t, std::uint32_t>> values = {}) {
  std::string payload;
  for (const auto& [key, value] : values) payload += number(key, 2) + number(value, 4);
  return frame(kSettings, 0, 0, payload);
}

inline std::string headers(std::uint32_t stream, std::string_view block, bool end = false) {
  return frame(kHeaders, static_cast<std::uint8_t>(kEndHeaders | (end ? kEndStream : 0)), stream,
               block);
}
inline std::string data(std::uint32_t stream, std::string_view bytes, bool end = false) {
  return frame(kData, end ? kEndStream : std::uint8_t{0}, stream, bytes);
}
inline std::string reset(std::uint32_t stream, std::uint32_t code) {
  return frame(kRstStream, 0, stream, number(code, 4));
}
inline std::string goaway(std::uint32_t last, std::uint32_t code = 0) {
  return frame(kGoaway, 0, 0, number(last, 4) + number(code, 4));
}

struct Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
};

// The whole frames at the front of `bytes`, which are taken from it.
inline std::vector<Frame> take_frames(std::string& bytes) {
  std::vector<Frame> frames;
  const auto at = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
  };
  while (bytes.size() >= 9) {
    const std::size_t size = at(0) << 16U | at(1) << 8U | at(2);
    if (bytes.size() < 9 + size) break;
    Frame one{static_cast<std::uint8_t>(at(3)), static_cast<std::uint8_t>(at(4)),
              (at(5) & 127U) << 24U | at(6) << 16U | at(7) << 8U | at(8), bytes.substr(9, size)};
    bytes.erase(0, 9 + size);
    frames.push_back(std::move(one));
  }
  return frames;
}

}  // namespace portcullis::http2::testing
