// Whether the process may open as many files as its configuration asks it to hold connections.
#pragma once

#include "config/config.h"
#include "config/diagnostics.h"

#include <cstdint>

namespace portcullis::gateway {

// As many as the system lets this process have: the hard limit, to which the soft one is raised.
[[nodiscard]] std::uint64_t descriptor_limit();
void raise_descriptor_limit();

// What `connections.maximum` says, or half of `limit`: requests need connections to upstreams too.
[[nodiscard]] std::uint32_t most_connections(const config::Config& config, std::uint64_t limit);

// A warning where `connections.maximum`, or else `limits.connections` of all listeners together,
// says more than `limit`. (Where
// nothing is said, what is beyond the limit waits at the door, and the idlest go.)
void warn_of_descriptors(const config::Config& config, std::uint64_t limit,
                         config::Diagnostics& diagnostics);

}  // namespace portcullis::gateway
