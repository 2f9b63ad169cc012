// The head that goes upstream: written from the parsed request, never copied through.
#pragma once

#include "gateway/forward.h"
#include "http/head_writer.h"

namespace portcullis::gateway {

void write_upstream_head(const Forwarding& forwarding, http::HeadWriter& out);

// The trailer fields that may go on: what may not be said in the head may not be said behind the
// body.
void write_upstream_trailers(const Forwarding& forwarding, http::HeadWriter& out);

// True for fields of one connection (RFC 9110 7.6.1) and of framing, which each side writes for
// itself.
[[nodiscard]] bool is_hop_by_hop(http::FieldId id) noexcept;

// False when Connection can name no field: it is not there, or says `close` or `keep-alive` alone.
[[nodiscard]] bool may_nominate(const http::Fields& fields);

// True when Connection names `field`, which then goes no further.
[[nodiscard]] bool is_nominated(const http::Fields& fields, const http::Field& field);

}  // namespace portcullis::gateway
