// The reference of the configuration file, for people.
#pragma once

#include <string>

namespace portcullis::config {

// Markdown: a section for each block, a row for each key, with what it takes, its bounds and what
// it is when the file does not say. Made from the table and the defaults that the loader reads
// with; keys that are not built yet are left out.
[[nodiscard]] std::string reference();

}  // namespace portcullis::config
