// What one worker codes and decodes bodies with, and its counts of them.
#pragma once

#include "coding/coders.h"
#include "telemetry/metrics.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace portcullis::gateway {

struct Codecs {
  explicit Codecs(telemetry::Registry& registry);

  // Bytes of bodies in one coding, before and after.
  struct Counters {
    telemetry::CounterId plain;
    telemetry::CounterId coded;
  };

  coding::Coders coders;
  std::array<Counters, coding::kCodings> requests;   // decoded; that of identity is not used
  std::array<Counters, coding::kCodings> responses;  // compressed
};

// True for fields that are about the bytes of a coded body, so wrong when the coding changes:
// Accept-Ranges, Content-MD5, and digests of the content (RFC 9530) or of the representation, which
// a coding is a part of. `name` is in lower case.
[[nodiscard]] bool is_of_coded_bytes(std::string_view name) noexcept;

}  // namespace portcullis::gateway
