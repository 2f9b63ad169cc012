#include "jose/jws.h"

#include "base/encoding.h"
#include "json/value.h"

#include <algorithm>

namespace portcullis::jose {
namespace {

std::unexpected<Error> invalid(std::string detail) {
  return refuse(ErrorCode::kCredentialsInvalid, std::move(detail));
}

Result<std::string> decode(std::string_view text, std::string_view what) {
  Result<std::string> bytes = decode_base64url(text);
  if (!bytes) return invalid("the token's " + std::string(what) + ": " + bytes.error().detail);
  return bytes;
}

// A string member of the header; empty when it is not there.
Result<std::string> text_member(json::Value header, std::string_view name) {
  const std::optional<json::Value> member = header.find(name);
  if (!member) return std::string();
  const std::optional<std::string_view> text = member->as_string();
  if (!text || text->empty()) {
    return invalid("the token's `" + std::string(name) + "` is not a string or empty");
  }
  return std::string(*text);
}

Result<void> read_header(std::string_view text, Jws& jws) {
  const Result<json::Document> document =
      json::Document::parse(text, {.size = kMaximumTokenSize, .depth = 8});
  if (!document) return invalid("the token's header: " + document.error().detail);
  const json::Value header = document->root();
  if (!header.is_object()) return invalid("the token's header is not an object");
  // RFC 7515 4.1.11: an extension that is not understood makes the JWS invalid; we understand none.
  if (header.find("crit"))
    return invalid("the token's header has `crit`: no extension is supported");
  if (header.find("b64")) return invalid("the token's header has `b64`: RFC 7797 is not supported");
  PC_TRY(const std::string algorithm, text_member(header, "alg"));
  const std::optional<SignatureAlgorithm> known = parse_algorithm(algorithm);
  if (!known) return invalid("the token's algorithm is not one that can be used");
  jws.algorithm = *known;
  PC_TRY(jws.key_id, text_member(header, "kid"));
  if (jws.key_id.size() > kMaximumKeyIdSize) return invalid("the token's `kid` is too long");
  PC_TRY(jws.type, text_member(header, "typ"));
  PC_TRY(const std::string content, text_member(header, "cty"));
  // RFC 7519 5.2: `cty` says that another token is inside.
  if (!content.empty())
    return invalid("the token's header has `cty`: nested tokens are not supported");
  return {};
}

}  // namespace

Result<Jws> parse_jws(std::string_view compact) {
  if (compact.size() > kMaximumTokenSize) return invalid("the token is larger than its bound");
  // RFC 7519 3: "JWTs are always represented using the JWS Compact Serialization or the JWE Compact
  // Serialization."
  if (compact.starts_with('{')) return invalid("the token is not in the compact serialization");
  const auto dots = std::ranges::count(compact, '.');
  // RFC 7516 9: five parts are an encrypted token.
  if (dots == 4) return invalid("the token is encrypted (JWE), which is not supported");
  if (dots != 2) return invalid("the token has not exactly three parts");
  const std::size_t first = compact.find('.');
  const std::size_t second = compact.rfind('.');
  if (first == 0) return invalid("the token has an empty header");
  if (second + 1 == compact.size()) return invalid("the token has an empty signature");
  Jws jws;
  jws.signing_input = compact.substr(0, second);
  PC_TRY(const std::string header, decode(compact.substr(0, first), "header"));
  PC_CHECK_OK(read_header(header, jws));
  PC_TRY(jws.payload, decode(compact.substr(first + 1, second - first - 1), "payload"));
  PC_TRY(jws.signature, decode(compact.substr(second + 1), "signature"));
  return jws;
}

SignatureCheck check_signature(const Jws& jws, const KeySet& keys, AlgorithmSet allowed) {
  if (!allowed.contains(jws.algorithm)) return {SignatureVerdict::kNotAllowed, nullptr};
  const bool named = !jws.key_id.empty();
  bool name_is_known = false;
  std::size_t trials = 0;
  for (const Key& key : keys.keys()) {
    if (named && key.id != jws.key_id) continue;
    name_is_known = named;
    if (!key.admits(jws.algorithm)) continue;
    if (++trials > kMaximumTrials) break;
    if (key.key.verify(jws.algorithm, jws.signing_input, jws.signature)) {
      return {SignatureVerdict::kValid, &key};
    }
  }
  return {name_is_known ? SignatureVerdict::kInvalid : SignatureVerdict::kNoKey, nullptr};
}

}  // namespace portcullis::jose
