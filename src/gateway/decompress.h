// Request bodies with a Content-Encoding: passed on, refused, or decoded on their way to the
// upstream (docs/compression.md).
#pragma once

#include "base/result.h"
#include "coding/bounded.h"
#include "gateway/codecs.h"
#include "gateway/plan.h"
#include "http/message.h"
#include "runtime/buffer_pool.h"
#include "telemetry/metrics.h"

#include <memory>
#include <string_view>

namespace portcullis::gateway {

// The coding that the body is to be decoded from; kIdentity when it goes on as it is. Errors:
// kUnsupportedCoding.
[[nodiscard]] Result<coding::Coding> coding_of_body(const Plan& plan, const http::Request& request);

// For Accept-Encoding of a 415 (RFC 9110 15.5.16): what would have been accepted.
[[nodiscard]] std::string_view accepted_codings(const Plan& plan);

// One body, decoded within the bounds of its plan. Its errors are the client's.
class RequestDecoder {
 public:
  // Errors: kUnavailable, when the memory for decoders is used up.
  static Result<std::unique_ptr<RequestDecoder>> make(const Plan& plan, coding::Coding coding,
                                                      Codecs& codecs, telemetry::Shard& shard,
                                                      runtime::BufferPool& buffers);
  ~RequestDecoder();
  RequestDecoder(const RequestDecoder&) = delete;
  RequestDecoder& operator=(const RequestDecoder&) = delete;

  // As those of coding::BoundedDecoder.
  void give(std::string_view coded) { decoder_.give(coded); }
  [[nodiscard]] Result<std::string_view> next();
  [[nodiscard]] bool whole() const { return decoder_.whole(); }
  // No more will come. Errors: kMalformedContent, when the body may not end here.
  [[nodiscard]] Result<void> finish() const;

 private:
  RequestDecoder(const Plan& plan, std::unique_ptr<coding::Decoder> decoder,
                 const Codecs::Counters& counters, telemetry::Shard& shard, runtime::Buffer room);
  [[nodiscard]] std::unexpected<Error> blame(Error error) const;

  const Plan& plan_;
  const Codecs::Counters& counters_;
  telemetry::Shard& shard_;
  runtime::Buffer room_;
  coding::BoundedDecoder decoder_;
};

}  // namespace portcullis::gateway
