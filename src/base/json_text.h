// Strings of JSON. Here, and not in json/, because log lines and everything else that writes a
// little JSON escape by the same routine.
#pragma once

#include <string>
#include <string_view>

namespace portcullis {

// Appends `text` as a JSON string with its quotes (RFC 8259 7). Quotes, backslashes and control
// characters (C1 and DEL too, which terminals obey) are escaped; each byte that is not part of
// valid UTF-8 becomes U+FFFD. So the result is always valid JSON, on one line.
void append_json_string(std::string& out, std::string_view text);

}  // namespace portcullis
