// Takes the PROXY header off the front of a connection, and not a byte more: what follows may be a
// TLS handshake.
#pragma once

#include "base/clock.h"
#include "http/proxy_protocol.h"
#include "runtime/stream.h"
#include "runtime/task.h"

namespace portcullis::http {

// Errors: kMalformedRequest, kClosed, kTimeout, kCancelled.
Task<Result<ProxyHeader>> receive_proxy_header(runtime::Stream& stream, TimePoint deadline);

}  // namespace portcullis::http
