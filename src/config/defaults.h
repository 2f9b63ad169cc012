// What each key is when the file does not say. Found by having the loader read a file that has
// every block and no value: so the defaults of config.h are the only ones there are, and nothing
// repeats them.
#pragma once

#include "config/decoder.h"

namespace portcullis::config {

// Keys without an entry are required, or stand for nothing when they are absent.
[[nodiscard]] Defaults find_defaults();

}  // namespace portcullis::config
