// Requests and responses as every part of the gateway sees them, whatever the protocol's version
// (RFC 9110). All views borrow from the exchange's head buffer or arena and live until the exchange
// ends.
#pragma once

#include "base/arena.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace portcullis::http {

enum class Method : std::uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kPatch,
  kOptions,
  kTrace,
  kConnect,
  kOther
};

// The registered name of a method is case-sensitive (RFC 9110 9.1); anything else is kOther.
[[nodiscard]] Method parse_method(std::string_view text) noexcept;
// RFC 9110 9.2.1 and 9.2.2.
[[nodiscard]] bool is_safe(Method method) noexcept;
[[nodiscard]] bool is_idempotent(Method method) noexcept;

// Fields that the gateway itself looks at. Everything else is kOther.
enum class FieldId : std::uint8_t {
  kOther,
  kAuthorization,
  kClientCert,
  kClientCertChain,
  kConnection,
  kContentEncoding,
  kContentLength,
  kContentType,
  kCookie,
  kDate,
  kExpect,
  kForwarded,
  kHost,
  kKeepAlive,
  kOrigin,
  kProxyAuthenticate,
  kProxyAuthorization,
  kProxyConnection,
  kServer,
  kTe,
  kTrailer,
  kTransferEncoding,
  kUpgrade,
  kUserAgent,
  kVia,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedPort,
  kXForwardedProto,
  kXRealIp,
  kXRequestId,
  kHttp2Settings,
  kCount,
};

// `name` must be lower case.
[[nodiscard]] FieldId identify_field(std::string_view name) noexcept;

// Fields that speak of one connection of HTTP/1.1 (RFC 9113 8.2.2).
[[nodiscard]] bool is_connection_specific(FieldId id) noexcept;
// Those, and what else says how a message is framed: written by who sends the message on, never
// passed.
[[nodiscard]] bool is_ours_to_write(FieldId id) noexcept;

struct Field {
  std::string_view name;   // lower case
  std::string_view value;  // without surrounding whitespace
  FieldId id = FieldId::kOther;
};

// Fields in the order of arrival, in memory of the arena.
class Fields {
 public:
  explicit Fields(Arena& arena) : arena_(&arena) {}

  void add(std::string_view name, std::string_view value) {
    add({name, value, identify_field(name)});
  }
  void add(Field field);

  [[nodiscard]] std::span<const Field> all() const { return {fields_, size_}; }
  [[nodiscard]] const Field* begin() const { return fields_; }
  [[nodiscard]] const Field* end() const { return fields_ + size_; }
  [[nodiscard]] std::size_t size() const { return size_; }

  // The first field of that name, or null.
  [[nodiscard]] const Field* find(FieldId id) const;
  [[nodiscard]] const Field* find(std::string_view lower_case_name) const;
  [[nodiscard]] std::size_t count(FieldId id) const;
  [[nodiscard]] std::size_t count(std::string_view lower_case_name) const;

 private:
  Arena* arena_;
  Field* fields_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint64_t present_ = 0;  // bit i: a field with FieldId i was added
};

enum class Scheme : std::uint8_t { kHttp, kHttps };

// How the body's end is known. kUnknown: chunked, or the end of the stream.
enum class BodyKind : std::uint8_t { kNone, kLength, kUnknown };

struct Request {
  explicit Request(Arena& arena) : fields(arena), trailers(arena) {}

  Method method = Method::kOther;
  std::string_view method_text;
  Scheme scheme = Scheme::kHttp;
  std::string_view authority;  // lower case, as sent: `host` or `host:port`
  std::string_view host;       // without port; IPv6 in brackets
  std::string_view path;       // canonical (http/path.h)
  std::string_view query;      // as sent, without `?`
  bool has_query = false;
  Fields fields;  // `host` and the framing fields included
  BodyKind body = BodyKind::kNone;
  std::uint64_t content_length = 0;  // when body is kLength
  bool expects_continue = false;
  // The protocols that the client asks to switch to, as a list, best first (RFC 9110 7.8); empty:
  // none.
  std::string_view upgrade;
  // It asks for nothing else (RFC 8441): any other success would be taken for the switch.
  bool upgrade_only = false;
  Fields trailers;  // filled when the body has ended
};

struct Response {
  explicit Response(Arena& arena) : fields(arena), trailers(arena) {}

  int status = 0;
  Fields fields;
  BodyKind body = BodyKind::kNone;
  std::uint64_t content_length = 0;
  Fields trailers;
};

}  // namespace portcullis::http
