// contentEncoding and contentMediaType, where they are asserted.
#pragma once

#include <string_view>

namespace portcullis::schema {

// Whether `text` is base64 (RFC 4648 4), when asked, and what it holds JSON, when asked.
[[nodiscard]] bool matches_content(std::string_view text, bool is_base64, bool is_json);

}  // namespace portcullis::schema
