#include "gateway/decompress.h"

#include "http/head.h"

#include <optional>
#include <utility>

namespace portcullis::gateway {
namespace {

using coding::Coding;

std::string rule_of(const Plan& plan) { return "apis." + plan.api + ".decompress"; }

}  // namespace

Result<Coding> coding_of_body(const Plan& plan, const http::Request& request) {
  std::size_t codings = 0;
  std::optional<Coding> known;
  for (const http::Field& field : request.fields) {
    if (field.id != http::FieldId::kContentEncoding) continue;
    http::for_each_element(field.value, [&](std::string_view name) {
      const std::optional<Coding> coding = coding::find_coding(name);
      if (coding == Coding::kIdentity) return;
      known = coding;
      ++codings;
    });
  }
  if (codings == 0 || request.body == http::BodyKind::kNone) return Coding::kIdentity;
  if (plan.coding.requests == config::CodedBody::kRefuse)
    return refuse(ErrorCode::kUnsupportedCoding, "a coded body is refused here", rule_of(plan));
  if (codings > 1)
    return refuse(ErrorCode::kUnsupportedCoding, "more than one content coding", rule_of(plan));
  if (!known) return refuse(ErrorCode::kUnsupportedCoding, "unknown content coding", rule_of(plan));
  return *known;
}

std::string_view accepted_codings(const Plan& plan) {
  return plan.coding.requests == config::CodedBody::kDecode ? "gzip, br, zstd" : "identity";
}

Result<std::unique_ptr<RequestDecoder>> RequestDecoder::make(const Plan& plan, Coding coding,
                                                             Codecs& codecs,
                                                             telemetry::Shard& shard,
                                                             runtime::BufferPool& buffers) {
  auto decoder = codecs.coders.decoder(coding);
  if (decoder == nullptr) {
    return refuse(ErrorCode::kUnavailable, "the memory for decoding bodies is used up",
                  rule_of(plan));
  }
  return std::unique_ptr<RequestDecoder>(new RequestDecoder(
      plan, std::move(decoder), codecs.requests[static_cast<std::size_t>(coding)], shard,
      buffers.borrow(runtime::BufferPool::kLarge)));
}

RequestDecoder::RequestDecoder(const Plan& plan, std::unique_ptr<coding::Decoder> decoder,
                               const Codecs::Counters& counters, telemetry::Shard& shard,
                               runtime::Buffer room)
    : plan_(plan),
      counters_(counters),
      shard_(shard),
      room_(std::move(room)),
      decoder_(std::move(decoder), plan.coding.bounds, {room_.data(), room_.size()}) {}

RequestDecoder::~RequestDecoder() {
  shard_.add(counters_.plain, decoder_.plain_bytes());
  shard_.add(counters_.coded, decoder_.coded_bytes());
}

std::unexpected<Error> RequestDecoder::blame(Error error) const {
  // Whatever it was, the upstream has no part in it.
  error.source = ErrorSource::kClient;
  error.rule = rule_of(plan_);
  return std::unexpected(std::move(error));
}

Result<std::string_view> RequestDecoder::next() {
  Result<std::string_view> plain = decoder_.next();
  if (!plain) return blame(std::move(plain).error());
  return plain;
}

Result<void> RequestDecoder::finish() const {
  if (decoder_.whole()) return {};
  return refuse(ErrorCode::kMalformedContent, "body is cut short", rule_of(plan_));
}

}  // namespace portcullis::gateway
