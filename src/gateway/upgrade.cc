#include "gateway/upgrade.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "gateway/cors.h"
#include "http/head.h"

#include <algorithm>

namespace portcullis::gateway {
namespace {

using http::FieldId;

constexpr std::string_view kWebSocket = "websocket";
constexpr std::string_view kKeyField = "sec-websocket-key";
constexpr std::string_view kVersionField = "sec-websocket-version";
constexpr std::string_view kAcceptField = "sec-websocket-accept";

auto malformed(std::string why) { return refuse(ErrorCode::kMalformedUpgrade, std::move(why), {}); }

auto broken(std::string why) {
  return fail(ErrorCode::kUpstreamBroken, std::move(why), ErrorSource::kUpstream);
}

bool lists(const http::Fields& fields, FieldId id, std::string_view wanted) {
  bool found = false;
  for (const http::Field& field : fields) {
    if (field.id != id) continue;
    http::for_each_element(field.value, [&](std::string_view element) {
      found = found || http::equals_ignoring_case(element, wanted);
    });
  }
  return found;
}

// The page is of the host that is asked, and not less safe than the connection: behind a proxy that
// ends TLS, `https` is right for what comes in clear text.
bool is_own_origin(std::string_view origin, const http::Request& request) {
  const std::size_t scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos) return false;
  const std::string_view scheme = origin.substr(0, scheme_end);
  const bool tls = scheme == "https";
  if (!tls && (scheme != "http" || request.scheme == http::Scheme::kHttps)) return false;
  // A browser leaves the port out of both, or out of neither, unless it is the scheme's own.
  std::string_view authority = request.authority;
  const std::string_view port = tls ? ":443" : ":80";
  if (authority.ends_with(port)) authority.remove_suffix(port.size());
  return origin.substr(scheme_end + 3) == authority;
}

// RFC 6455 4.1: 16 bytes in base64.
bool is_websocket_key(std::string_view key) {
  constexpr std::size_t kCharacters = 22;
  return key.size() == kCharacters + 2 && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, kCharacters), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '+' || c == '/';
         });
}

Result<void> check_websocket_request(const http::Request& request) {
  if (request.method != http::Method::kGet) return malformed("WebSocket is asked for without GET");
  if (request.fields.count(kVersionField) != 1 || request.fields.find(kVersionField)->value != "13")
    return malformed("Sec-WebSocket-Version is not 13");
  if (request.fields.count(kKeyField) != 1 ||
      !is_websocket_key(request.fields.find(kKeyField)->value))
    return malformed("Sec-WebSocket-Key is not 16 bytes in base64");
  return {};
}

}  // namespace

std::string_view choose_protocol(std::string_view offered, std::span<const std::string> permitted) {
  std::string_view chosen;
  http::for_each_element(offered, [&](std::string_view protocol) {
    if (!chosen.empty()) return;
    const auto found = std::ranges::find_if(permitted, [&](const std::string& each) {
      return http::equals_ignoring_case(protocol, each);
    });
    if (found != permitted.end()) chosen = *found;
  });
  return chosen;
}

Result<void> check_upgrade_request(const http::Request& request, std::string_view protocol) {
  if (request.body != http::BodyKind::kNone)
    return malformed("a request to switch protocols has a body");
  return protocol == kWebSocket ? check_websocket_request(request) : Result<void>{};
}

Result<void> check_upgrade_origin(const http::Request& request, const CorsRule& cors) {
  constexpr std::size_t kMostShown = 100;
  for (const http::Field& field : request.fields) {
    if (field.id != FieldId::kOrigin) continue;
    if (is_own_origin(field.value, request) || cors.allows(field.value)) continue;
    return refuse(ErrorCode::kOriginNotAllowed,
                  "the origin " + std::string(field.value.substr(0, kMostShown)) +
                      " is not among those allowed",
                  cors.key());
  }
  return {};
}

Result<void> check_upgrade_response(const http::Request& request, std::string_view protocol,
                                    const http::Response& response) {
  const http::Fields& fields = response.fields;
  if (fields.count(FieldId::kUpgrade) != 1 ||
      !http::equals_ignoring_case(fields.find(FieldId::kUpgrade)->value, protocol) ||
      !lists(fields, FieldId::kConnection, "upgrade")) {
    return broken("switched to another protocol than it was asked for");
  }
  // RFC 9110 8.6, RFC 9112 6.1: a 1xx has neither; one that does is not read alike by everybody.
  if (fields.count(FieldId::kContentLength) > 0 || fields.count(FieldId::kTransferEncoding) > 0)
    return broken("announced a body for its switch of protocols");
  if (protocol != kWebSocket) return {};
  if (fields.count(kAcceptField) != 1 ||
      fields.find(kAcceptField)->value != websocket_accept(request.fields.find(kKeyField)->value)) {
    return broken("Sec-WebSocket-Accept does not answer the key");
  }
  return {};
}

void add_upgrade_proof(const http::Request& request, std::string_view protocol,
                       http::Response& response, Arena& arena) {
  const http::Field* key = request.fields.find(kKeyField);
  if (protocol == kWebSocket && key != nullptr && response.fields.find(kAcceptField) == nullptr)
    response.fields.add(kAcceptField, arena.copy(websocket_accept(key->value)));
}

std::string websocket_accept(std::string_view key) {
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const crypto::Sha1 digest = crypto::sha1(std::string(key).append(kGuid));
  std::string accept =
      encode_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
  std::ranges::replace(accept, '-', '+');
  std::ranges::replace(accept, '_', '/');
  return accept + "=";
}

}  // namespace portcullis::gateway
