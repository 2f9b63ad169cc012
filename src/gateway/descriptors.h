// Whether the process may open as many files as its configuration asks it to hold connections.
#pragma once

#include "config/config.h"
#include "config/diagnostics.h"

#include <cstdint>

namespace portcullis::gateway {

// As many as the system lets this process have: the hard limit, to which the soft one is raised.
[[nodiscard]] std::uint64_t descriptor_limit();
void raise_descriptor_limit();

// A warning where `limits.connections` says more than `limit`, all listeners together. (Where
// nothing is said, what is beyond the limit waits at the door, and the idlest go.)
void warn_of_descriptors(const config::Config& config, std::uint64_t limit,
                         config::Diagnostics& diagnostics);

}  // namespace portcullis::gateway
