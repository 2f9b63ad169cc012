// The little JSON that log lines need: strings, escaped so that a line stays one line and valid.
#pragma once

#include <string>
#include <string_view>

namespace portcullis::telemetry {

// Appends `text` as a JSON string with its quotes (RFC 8259 7). Control characters are escaped, and
// bytes that are not UTF-8 become U+FFFD, so whatever a client sent, the line can be read back.
void append_json_string(std::string& out, std::string_view text);

}  // namespace portcullis::telemetry
