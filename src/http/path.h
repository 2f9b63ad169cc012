// One canonical path for a request target (RFC 3986 3.3, 6.2.2), made once, before anything looks
// at it: routing, policies, inspection and the upstream all see the same string.
#pragma once

#include "base/arena.h"
#include "base/result.h"

#include <cstdint>
#include <limits>
#include <string_view>

namespace portcullis::http {

enum class OnDuplicateSlash : std::uint8_t { kRefuse, kMerge };
enum class OnEncodedSlash : std::uint8_t { kRefuse, kKeep };
enum class OnPathParameters : std::uint8_t { kRefuse, kKeep };

struct PathRules {
  OnDuplicateSlash duplicate_slashes = OnDuplicateSlash::kRefuse;
  OnEncodedSlash encoded_slash = OnEncodedSlash::kRefuse;  // `%2F` and `%5C`
  OnPathParameters path_parameters =
      OnPathParameters::kRefuse;  // `;` in a segment, literal or encoded
};

// The canonical form of `raw` (a path that begins with `/`, without its query): every octet that
// RFC 3986 lets stand as it is in a segment stands as it is, every other one is `%XX` in capitals,
// dot segments are resolved. `;`, `/` and `\` that came encoded stay encoded where the rules keep
// them, so that no reader sees a separator that the sender hid.
//
// Refused whatever the rules: octets outside RFC 3986's path, `%` without two digits, control
// characters and NUL, anything that is not UTF-8 once decoded, dot segments above the root, and dot
// segments with parameters (`..;x`). The result is `raw` itself where that is canonical already,
// else memory of the arena. Errors: kMalformedPath.
[[nodiscard]] Result<std::string_view> canonical_path(std::string_view raw, const PathRules& rules,
                                                      Arena& arena);

// RFC 3986 3.4: pchar, `/` and `?`, and well-formed escapes; and, since browsers send them as they
// are, `[`, `]`, `{`, `}`, `|`, `\`, `^` and a backtick. The query is passed on as it came. An
// argument is what stands between two `&`. Errors: kMalformedPath, kUriTooLong.
[[nodiscard]] Result<void> check_query(
    std::string_view query,
    std::uint32_t most_arguments = std::numeric_limits<std::uint32_t>::max());

}  // namespace portcullis::http
