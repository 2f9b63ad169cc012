#include "gateway/compress.h"

#include "coding/accept.h"
#include "coding/coding.h"
#include "gateway/list_fields.h"

#include <charconv>
#include <utility>

namespace portcullis::gateway {
namespace {

using coding::Coding;
using coding::Flush;
using http::BodyKind;
using http::FieldId;
using http::More;

// Below this the fields that say so cost what is won.
constexpr std::uint64_t kLeastBytes = 1024;
// An encoder works on the loop's thread: after so many pieces, others have their turn.
constexpr unsigned kPiecesAtOnce = 4;

bool is_long_enough(const http::Request& request, const http::Response& response) {
  if (response.body == BodyKind::kLength) return response.content_length >= kLeastBytes;
  if (response.body == BodyKind::kUnknown) return true;
  // The answer to HEAD is as the one to GET would be.
  if (request.method != http::Method::kHead) return false;
  const http::Field* length = response.fields.find(FieldId::kContentLength);
  std::uint64_t bytes = kLeastBytes;  // an unknown length is long enough
  if (length != nullptr)
    std::from_chars(length->value.data(), length->value.data() + length->value.size(), bytes);
  return bytes >= kLeastBytes;
}

// Whether some client would get this response compressed.
bool may_be_compressed(const http::Request& request, const http::Response& response) {
  const int status = response.status;
  if (status < 200 || status == 204 || status == 205 || status == 206 || status == 304)
    return false;
  const http::Fields& fields = response.fields;
  const http::Field* type = fields.find(FieldId::kContentType);
  if (type == nullptr || !coding::is_compressible(type->value)) return false;
  if (fields.find(FieldId::kContentEncoding) != nullptr) return false;
  if (fields.find("content-range") != nullptr) return false;
  if (has_element(fields, "cache-control", "no-transform")) return false;
  return is_long_enough(request, response);
}

// BREACH: who can make a browser send requests with its owner's cookies, choose a part of what is
// answered and see its length, guesses the rest of it byte by byte. A page of another site, or of
// another host of this one, can do the first; the browser says where a request comes from, and one
// that does not say it is not believed to be alone.
bool may_be_forced(const http::Request& request) {
  if (request.fields.find(FieldId::kCookie) == nullptr) return false;
  const http::Field* site = request.fields.find("sec-fetch-site");
  return site == nullptr || (site->value != "same-origin" && site->value != "none");
}

Coding choose(const http::Request& request, const Plan& plan) {
  if (may_be_forced(request) || has_element(request.fields, "cache-control", "no-transform"))
    return Coding::kIdentity;
  coding::AcceptEncoding accept;
  for (const http::Field& field : request.fields) {
    if (field.name == "accept-encoding") accept.add(field.value);
  }
  return accept.choose(plan.coding.responses);
}

std::string_view weaken(std::string_view etag, Arena& arena) {
  const std::size_t size = etag.size() + 2;
  char* text = arena.array<char>(size);
  text[0] = 'W';
  text[1] = '/';
  etag.copy(text + 2, etag.size());
  return {text, size};
}

bool is_strong(std::string_view etag) { return etag.starts_with('"'); }

void rewrite_head(http::Response& response, Coding coding, Arena& arena) {
  http::Fields fields(arena);
  for (http::Field field : response.fields) {
    if (field.id == FieldId::kContentLength || is_of_coded_bytes(field.name)) continue;
    // RFC 9110 8.8.1: the bytes are others, what they mean is not.
    if (field.name == "etag" && is_strong(field.value)) field.value = weaken(field.value, arena);
    fields.add(field);
  }
  fields.add("content-encoding", name_of(coding));
  response.fields = fields;
  if (response.body == BodyKind::kLength) response.body = BodyKind::kUnknown;
}

// A client that holds the compressed form asks with the weak ETag that it got, and must find it
// again in the 304 (RFC 9111 4.3.4).
void rewrite_not_modified(const http::Request& request, http::Response& response, Arena& arena) {
  const http::Field* etag = response.fields.find("etag");
  if (etag == nullptr || !is_strong(etag->value)) return;
  const std::string_view weak = weaken(etag->value, arena);
  bool asked = false;
  for (const http::Field& field : request.fields) {
    if (field.name == "if-none-match") asked = asked || field.value.contains(weak);
  }
  if (!asked) return;
  http::Fields fields(arena);
  for (http::Field field : response.fields) {
    if (field.name == "etag") field.value = weak;
    fields.add(field);
  }
  add_vary("accept-encoding", fields);
  response.fields = fields;
}

class CompressedRelay {
 public:
  CompressedRelay(Forwarding& forwarding, http::ClientExchange& upstream, http::Response& head,
                  const BodyBounds& bounds, Compression compression)
      : forwarding_(forwarding),
        exchange_(forwarding.exchange),
        upstream_(upstream),
        head_(head),
        bounds_(bounds),
        compression_(std::move(compression)),
        room_(exchange_.loop().buffers().borrow(runtime::BufferPool::kLarge)) {}
  ~CompressedRelay() {
    const auto& counters =
        forwarding_.codecs.responses[static_cast<std::size_t>(compression_.coding)];
    forwarding_.ledger.shard().add(counters.plain, plain_);
    forwarding_.ledger.shard().add(counters.coded, coded_);
  }
  CompressedRelay(const CompressedRelay&) = delete;
  CompressedRelay& operator=(const CompressedRelay&) = delete;

  Task<Result<void>> run() {
    PC_CO_TRY(std::string_view piece, take_buffered());
    for (unsigned pieces = 1; !upstream_.body_ended(); ++pieces) {
      PC_CO_CHECK(co_await encode(piece, Flush::kNone));
      if (pieces % kPiecesAtOnce == 0) co_await exchange_.loop().yield();
      PC_CO_TRY(piece, take_buffered());
      if (!piece.empty() || upstream_.body_ended()) continue;
      // When the next read would wait, what came so far must not wait with it.
      if (upstream_.is_quiet()) PC_CO_CHECK(co_await encode({}, Flush::kPiece));
      // The head borrows from the buffer that is read into.
      if (exchange_.response_status() == 0) PC_CO_CHECK(co_await write(take_held(), More::kYes));
      PC_CO_TRY(const std::optional<std::string_view> next,
                co_await read_piece(forwarding_, upstream_, bounds_));
      if (!next && bounds_.events) co_return co_await finish({}, http::Fields(exchange_.arena()));
      if (!next) co_return co_await end_early(forwarding_, bounds_);
      piece = *next;
    }
    PC_CO_TRY(const http::Fields kept, trailers());
    co_return co_await finish(piece, kept);
  }

 private:
  Result<std::string_view> take_buffered() {
    auto piece = upstream_.take_buffered_body();
    if (!piece) return std::unexpected(as_upstream_error(std::move(piece).error()));
    return piece;
  }

  // Writes as often as the room is full, and, when flushing, what is left.
  Task<Result<void>> encode(std::string_view plain, Flush flush) {
    if (flush == Flush::kPiece && flushed_ == plain_) co_return Result<void>{};
    plain_ += plain.size();
    for (bool done = false; !done;) {
      const coding::Encoded step =
          compression_.encoder->encode(plain, {room_.data() + held_, room_.size() - held_}, flush);
      plain.remove_prefix(step.consumed);
      held_ += step.produced;
      done = step.done;
      if (held_ == room_.size() || (done && flush == Flush::kPiece))
        PC_CO_CHECK(co_await write(take_held(), More::kYes));
    }
    if (flush == Flush::kPiece) flushed_ = plain_;
    co_return Result<void>{};
  }

  Result<http::Fields> trailers() {
    http::Fields received(exchange_.arena());
    PC_CHECK_OK(read_trailers(forwarding_, upstream_, received));
    http::Fields kept(exchange_.arena());
    for (const http::Field& field : received) {
      if (!is_of_coded_bytes(field.name)) kept.add(field);
    }
    return kept;
  }

  Task<Result<void>> finish(std::string_view plain, http::Fields trailers) {
    plain_ += plain.size();
    for (;;) {
      const coding::Encoded step = compression_.encoder->encode(
          plain, {room_.data() + held_, room_.size() - held_}, Flush::kEnd);
      plain.remove_prefix(step.consumed);
      held_ += step.produced;
      if (step.done) break;
      PC_CO_CHECK(co_await write(take_held(), More::kYes));
    }
    if (trailers.size() > 0) {
      PC_CO_CHECK(co_await write(take_held(), More::kYes));
      co_return co_await exchange_.write_trailers(trailers);
    }
    if (exchange_.response_status() == 0) {
      head_.body = BodyKind::kLength;
      head_.content_length = held_;
    }
    co_return co_await write(take_held(), More::kNo);
  }

  std::string_view take_held() { return {room_.data(), std::exchange(held_, 0)}; }

  Task<Result<void>> write(std::string_view coded, More more) {
    coded_ += coded.size();
    if (exchange_.response_status() == 0) co_return co_await exchange_.respond(head_, coded, more);
    co_return co_await exchange_.write_body(coded, more);
  }

  Forwarding& forwarding_;
  http::Exchange& exchange_;
  http::ClientExchange& upstream_;
  http::Response& head_;
  const BodyBounds& bounds_;
  Compression compression_;
  runtime::Buffer room_;
  std::size_t held_ = 0;  // bytes in the room that were not written yet
  std::uint64_t plain_ = 0;
  std::uint64_t coded_ = 0;
  std::uint64_t flushed_ = 0;  // what of plain_ the client can decode
};

}  // namespace

Compression prepare_compression(const Forwarding& forwarding, http::Response& response) {
  const http::Request& request = forwarding.exchange.request();
  Arena& arena = forwarding.exchange.arena();
  Compression compression;
  if (response.status == 304) rewrite_not_modified(request, response, arena);
  if (!may_be_compressed(request, response)) return compression;
  add_vary("accept-encoding", response.fields);
  const Coding coding = choose(request, forwarding.plan);
  if (coding == Coding::kIdentity) return compression;
  if (request.method != http::Method::kHead) {
    compression = {coding, forwarding.codecs.coders.encoder(coding)};
    // No memory for one more: uncompressed is right too.
    if (compression.encoder == nullptr) return compression;
  }
  rewrite_head(response, coding, arena);
  return compression;
}

Task<Result<void>> relay_compressed(Forwarding& forwarding, http::ClientExchange& upstream,
                                    http::Response& head, const BodyBounds& bounds,
                                    Compression compression) {
  CompressedRelay relay(forwarding, upstream, head, bounds, std::move(compression));
  co_return co_await relay.run();
}

}  // namespace portcullis::gateway
