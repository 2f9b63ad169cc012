#include "gateway/request_id.h"

#include <algorithm>

namespace portcullis::gateway {
namespace {

// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): a bijection, so that a counter never
// repeats.
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// Sixteen hexadecimal digits of a word, most significant first.
void write_hex(std::uint64_t word, char* out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int i = 15; i >= 0; --i) {
    out[i] = kDigits[word & 15];
    word >>= 4;
  }
}

}  // namespace

RequestIds::Text RequestIds::next() {
  Text text;
  low_ += 0x9e3779b97f4a7c15ULL;
  const std::uint64_t word = mix(low_);
  write_hex(mix(high_ ^ word), text.data());
  write_hex(word, text.data() + 16);
  return text;
}

bool is_request_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.:+/=").contains(c);
  });
}

}  // namespace portcullis::gateway
