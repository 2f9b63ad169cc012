// Accept-Encoding (RFC 9110 12.5.3): which coding a client would like best.
#pragma once

#include "coding/coding.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace portcullis::coding {

// What the Accept-Encoding fields of one request say. Without any, only identity is chosen: the
// RFC would allow all, but who says nothing mostly cannot decode.
class AcceptEncoding {
 public:
  // One field's value; fields of that name are one list. An element that is malformed makes its
  // coding unwelcome, and elements for codings that we do not have are passed over. Of several
  // elements for one coding the lowest weight counts.
  void add(std::string_view value) noexcept;

  // 0 (unwelcome) to 1000. Of identity: 0 unless it was named or `*` was.
  [[nodiscard]] unsigned weight(Coding coding) const noexcept;

  // The one of `offered` with the highest weight, the first among equals. kIdentity when none is
  // welcome, or when the client would rather have identity.
  [[nodiscard]] Coding choose(std::span<const Coding> offered) const noexcept;

 private:
  static constexpr std::uint16_t kUnsaid = 0xffff;
  std::array<std::uint16_t, kCodings> named_ = {kUnsaid, kUnsaid, kUnsaid, kUnsaid};
  std::uint16_t any_ = kUnsaid;
};

}  // namespace portcullis::coding
