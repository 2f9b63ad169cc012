// The JSON Schema of the configuration file, for editors.
#pragma once

#include <string>

namespace portcullis::config {

// JSON Schema 2020-12, indented, with a description for each key. Made from the table that the
// loader reads with: it names exactly the keys that the loader takes.
[[nodiscard]] std::string json_schema();

}  // namespace portcullis::config
