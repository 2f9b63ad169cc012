// The bytes of a connection that has switched protocols, both ways at once, until either side, or
// the time, ends it.
#pragma once

#include "gateway/forward.h"
#include "http/client_exchange.h"
#include "runtime/task.h"

namespace portcullis::gateway {

// After the exchange's begin_tunnel(), with the upstream's connection behind its 101. When it
// returns the tunnel is over, and the account says why. Holds at most a buffer a direction, and
// none of one that is silent.
Task<void> run_tunnel(Forwarding& forwarding, http::ClientExchange& upstream);

}  // namespace portcullis::gateway
