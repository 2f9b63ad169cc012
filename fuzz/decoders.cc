// Any bytes as a coded body: never more than the bounds allow, the same body and verdict whether
// the bytes come whole or in pieces. The first octet chooses the coding and the pieces' size.

#include "base/check.h"
#include "coding/bounded.h"
#include "coding/coders.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coding = portcullis::coding;

namespace {

constexpr std::uint64_t kSize = 256UL * 1024;
constexpr std::size_t kRoom = 4096;

struct Read {
  bool whole = false;
  std::string text;
  bool operator==(const Read&) const = default;
};

Read read(coding::Coding of, std::string_view coded, std::size_t size, std::uint32_t ratio) {
  coding::Coders coders;
  std::vector<char> room(kRoom);
  coding::BoundedDecoder decoder(coders.decoder(of), {.size = kSize, .ratio = ratio}, room);
  Read result;
  while (!coded.empty()) {
    const std::string_view from = coded.substr(0, size);
    coded.remove_prefix(from.size());
    // Its own memory, so that AddressSanitizer sees an access beside it.
    const std::vector<char> piece(from.begin(), from.end());
    decoder.give({piece.data(), piece.size()});
    for (;;) {
      const auto plain = decoder.next();
      PC_CHECK(decoder.plain_bytes() <= kSize + kRoom);
      const std::uint64_t most = decoder.coded_bytes() * ratio;
      PC_CHECK(decoder.plain_bytes() <= std::max(most, decoder.kFreeBytes) + kRoom);
      if (!plain) return {};
      if (plain->empty()) break;
      result.text += *plain;
    }
    PC_CHECK(decoder.plain_bytes() <= kSize);
    PC_CHECK(decoder.plain_bytes() == result.text.size());
  }
  result.whole = decoder.whole();
  if (!result.whole) result.text.clear();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::uint32_t kAnyRatio = 1U << 30U;  // what is seen of it depends on the pieces
  const std::string_view coded(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto of = static_cast<coding::Coding>(1 + data[0] % 3U);
  const Read whole = read(of, coded, std::max<std::size_t>(coded.size(), 1), kAnyRatio);
  PC_CHECK(read(of, coded, 1 + data[0] / 3U, kAnyRatio) == whole);
  const Read bounded = read(of, coded, 1 + data[0] / 3U, 20);
  PC_CHECK(!bounded.whole || bounded == whole);
  return 0;
}
