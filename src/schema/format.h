// The values of the keyword `format`: those of JSON Schema draft 4 to 2020-12, and OpenAPI's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace portcullis::schema {

enum class Format : std::uint8_t {
  kDateTime,
  kDate,
  kTime,
  kDuration,
  kEmail,
  kIdnEmail,
  kHostname,
  kIdnHostname,
  kIpv4,
  kIpv6,
  kUri,
  kUriReference,
  kIri,
  kIriReference,
  kUriTemplate,
  kJsonPointer,
  kRelativeJsonPointer,
  kUuid,
  kRegex,
  // OpenAPI's. Those of numbers say nothing of strings: whoever has the number checks them.
  kInt32,
  kInt64,
  kFloat,
  kDouble,
  kByte,      // base64, RFC 4648 4
  kBinary,    // any string
  kPassword,  // any string: a hint to user interfaces
};

// Empty for a name that none of them has; a schema may then mean anything by it.
[[nodiscard]] std::optional<Format> find_format(std::string_view name);
[[nodiscard]] std::string_view name_of(Format format);

// kInt32 to kDouble.
[[nodiscard]] constexpr bool is_number_format(Format format) {
  return format >= Format::kInt32 && format <= Format::kDouble;
}

// Whether a string is of the format; true for those of numbers. `utf8` is valid UTF-8. Linear time;
// allocates only for labels of host names beyond ASCII and for kRegex.
[[nodiscard]] bool matches_format(Format format, std::string_view utf8);

}  // namespace portcullis::schema
