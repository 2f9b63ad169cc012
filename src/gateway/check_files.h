// The mistakes that stand in the files which a configuration names, where it has others of its own
// and cannot be compiled: so that all are told at once.
#pragma once

#include "config/config.h"
#include "config/diagnostics.h"

namespace portcullis::gateway {

// `unsound` as config::load() gives it. Looks at certificates and sets of keys.
void check_files(const config::Config& unsound, config::Diagnostics& diagnostics);

}  // namespace portcullis::gateway
