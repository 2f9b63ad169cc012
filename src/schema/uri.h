// References between schemas: RFC 3986 5, as far as JSON Schema needs it.
#pragma once

#include <string>
#include <string_view>

namespace portcullis::schema {

// `reference` against `base` (5.2.2), dot segments removed. With an empty base, the reference.
[[nodiscard]] std::string resolve_uri(std::string_view base, std::string_view reference);

struct SplitUri {
  std::string_view resource;  // without the fragment
  std::string_view fragment;  // without its `#`
  bool has_fragment = false;
};
[[nodiscard]] SplitUri split_fragment(std::string_view uri [[clang::lifetimebound]]);

// Whether it begins with a scheme.
[[nodiscard]] bool is_absolute_uri(std::string_view uri);

// %XX undone; false when one is malformed.
[[nodiscard]] bool percent_decode(std::string_view text, std::string& out);

}  // namespace portcullis::schema
