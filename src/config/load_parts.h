// The readers of the top-level blocks; each takes its keys from the scope of the top level.
#pragma once

#include "config/config.h"
#include "config/decoder.h"

namespace portcullis::config {

// The whole of a file, merged.
[[nodiscard]] Config read_root(Context& context, const Value& merged);

void read_listeners(Scope& root, Config& config);
void read_authenticators(Scope& root, Config& config);
void read_roles(Scope& root, Config& config);
void read_limits(Scope& root, Config& config);
void read_apis(Scope& root, Config& config);
void read_upstreams(Scope& root, Config& config);
void read_streams(Scope& root, Streams& streams);
void read_bans(Scope& root, Bans& bans);
void read_overload(Scope& root, Overload& overload);
void read_connections(Scope& root, Connections& connections);
void read_memory(Scope& root, Memory& memory);
// `concurrency` and `priority` of an API, a route or an operation.
void read_load(Scope& scope, OperationSettings& settings);
// `upgrade` of an API, a route or an operation.
void read_upgrade(Scope& scope, OperationSettings& settings);
// What of an upstream says how its targets are found, probed and told apart.
void read_reach(Scope& scope, Upstream& upstream);
void read_resolver(Scope& root, Config& config);

// Whether `part` of a limit's key or of `forward.identity` needs to know who is calling.
[[nodiscard]] bool needs_identity(std::string_view part);

}  // namespace portcullis::config
