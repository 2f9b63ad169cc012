// Escapes of Cedar's strings and of the patterns of `like`.
#pragma once

#include "cedar/source.h"

#include <string>
#include <string_view>

namespace portcullis::cedar {

// The content of a string token: `text` has its quotes, `at` is where it stands. The escapes are
// \n \r \t \0 \\ \' \" \xHH (up to 7F) and \u{1 to 6 hexadecimal digits}; anything else is
// refused, as are carriage returns.
[[nodiscard]] Parsed<std::string> unescape(std::string_view text, Span at);

// A pattern holds kWildcard where `*` stood; a star that was written `\*` is itself. The byte
// occurs in no UTF-8 text.
inline constexpr char kWildcard = '\xff';
[[nodiscard]] Parsed<std::string> unescape_pattern(std::string_view text, Span at);

// Appends with quotes; what cannot be seen is escaped. unescape() reads it back.
void append_escaped(std::string& out, std::string_view text);
void append_escaped_pattern(std::string& out, std::string_view pattern);
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace portcullis::cedar
