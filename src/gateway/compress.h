// Responses, compressed on their way to a client that likes them so (docs/compression.md).
#pragma once

#include "coding/coders.h"
#include "gateway/forward.h"
#include "http/client_exchange.h"
#include "http/message.h"
#include "runtime/task.h"

namespace portcullis::gateway {

// How a response goes: through `encoder`, or, when that is null, as it is.
struct Compression {
  coding::Coding coding = coding::Coding::kIdentity;
  coding::Coders::EncoderLease encoder;
};

// Decides, and makes the head say so: Content-Encoding, a weak ETag, no digests, and Vary also
// where this client does not get what others would. For HEAD and 304 the head is all there is.
[[nodiscard]] Compression prepare_compression(const Forwarding& forwarding,
                                              http::Response& response);

// Answers with `head` and the body that `upstream` is about to give, through the encoder. A piece
// never waits for the next one.
Task<Result<void>> relay_compressed(Forwarding& forwarding, http::ClientExchange& upstream,
                                    http::Response& head, const BodyBounds& bounds,
                                    Compression compression);

}  // namespace portcullis::gateway
