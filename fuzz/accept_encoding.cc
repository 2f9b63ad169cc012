// Any bytes as Accept-Encoding: what is chosen is offered and welcome, and a list that is cut in
// two fields at a comma says the same.

#include "base/check.h"
#include "coding/accept.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace coding = portcullis::coding;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  using enum coding::Coding;
  constexpr coding::Coding kOffered[] = {kBrotli, kGzip, kZstd};
  coding::AcceptEncoding whole;
  whole.add(text);
  const coding::Coding chosen = whole.choose(kOffered);
  if (chosen != kIdentity) PC_CHECK(whole.weight(chosen) > 0 && whole.weight(chosen) <= 1000);
  for (const coding::Coding other : kOffered)
    if (chosen != kIdentity) PC_CHECK(whole.weight(other) <= whole.weight(chosen));
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return 0;
  coding::AcceptEncoding parts;
  parts.add(text.substr(comma + 1));
  parts.add(text.substr(0, comma));
  PC_CHECK(parts.choose(kOffered) == chosen);
  return 0;
}
