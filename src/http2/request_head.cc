#include "http2/request_head.h"

#include <algorithm>

namespace portcullis::http2 {
namespace {

using http::Field;
using http::FieldId;

constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 6.5.2

auto malformed(const char* why) { return refuse(ErrorCode::kMalformedRequest, why); }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

Result<void> check_field(const Field& field) {
  if (!http::is_lower_token(field.name))
    return malformed(field.name.empty() ? "empty field name"
                                        : "character that may not stand in a field name");
  if (!http::is_field_value(field.value)) return malformed("control character in a field value");
  // RFC 9113 8.2.1.
  if (!field.value.empty() && (is_blank(field.value.front()) || is_blank(field.value.back())))
    return malformed("whitespace at an edge of a field value");
  // RFC 9113 8.2.2: of TE, `trailers` alone.
  if (http::is_connection_specific(field.id) ||
      (field.id == FieldId::kTe && field.value != "trailers"))
    return malformed("field of a connection, which HTTP/2 has not");
  return {};
}

}  // namespace

bool is_malformed(ErrorCode code) {
  return code == ErrorCode::kMalformedRequest || code == ErrorCode::kAmbiguousFraming ||
         code == ErrorCode::kMalformedHost;
}

bool RequestHead::is_too_large() {
  if (size_ <= limits_.size && fields_ <= limits_.fields) return false;
  if (!error_)
    error_ = Error{ErrorCode::kHeadTooLarge,
                   ErrorSource::kClient,
                   fields_ > limits_.fields ? "too many fields" : "head is larger than `head_size`",
                   {}};
  return true;
}

void RequestHead::add(std::string_view name, std::string_view value) {
  size_ += name.size() + value.size() + kFieldOverhead;
  ++fields_;
  if (name == ":path" && value.size() > limits_.size && !error_)
    error_ =
        Error{ErrorCode::kUriTooLong, ErrorSource::kClient, "path is larger than `head_size`", {}};
  if (is_too_large() || error_) return keep_kind(name, value);
  Result<void> added = name.starts_with(':') ? add_pseudo(name, value) : add_field(name, value);
  if (!added) error_ = std::move(added).error();
}

// Of what is refused, what says in which words: a gRPC call has statuses of its own.
void RequestHead::keep_kind(std::string_view name, std::string_view value) {
  constexpr std::size_t kMost = 128;
  if (name != "content-type" || value.size() > kMost || !http::is_field_value(value) ||
      request_.fields.find(FieldId::kContentType) != nullptr)
    return;
  request_.fields.add({arena_.copy(name), arena_.copy(value), FieldId::kContentType});
}

Result<void> RequestHead::add_pseudo(std::string_view name, std::string_view value) {
  --fields_;
  if (fields_ > 0) return malformed("pseudo-field behind a field");
  std::optional<std::string_view>* into = name == ":method"      ? &pseudo_.method
                                          : name == ":scheme"    ? &pseudo_.scheme
                                          : name == ":authority" ? &pseudo_.authority
                                          : name == ":path"      ? &pseudo_.path
                                          : name == ":protocol"  ? &pseudo_.protocol
                                                                 : nullptr;
  if (into == nullptr) return malformed("pseudo-field that is not known");
  if (*into) return malformed("pseudo-field that comes twice");
  *into = arena_.copy(value);
  return {};
}

Result<void> RequestHead::add_field(std::string_view name, std::string_view value) {
  const Field field{arena_.copy(name), arena_.copy(value), http::identify_field(name)};
  PC_CHECK_OK(check_field(field));
  if (http::imitates_framing(field))
    return refuse(ErrorCode::kAmbiguousFraming, "field that imitates a framing field");
  switch (field.id) {
    case FieldId::kHost:
      if (request_.fields.find(FieldId::kHost) != nullptr)
        return refuse(ErrorCode::kMalformedHost, "more than one Host");
      break;
    case FieldId::kContentLength: {
      if (length_) return refuse(ErrorCode::kAmbiguousFraming, "more than one Content-Length");
      PC_TRY(length_, http::parse_content_length(field.value));
      break;
    }
    case FieldId::kExpect:
      if (!http::equals_ignoring_case(field.value, "100-continue"))
        return refuse(ErrorCode::kExpectationFailed, "expectation that is not `100-continue`");
      request_.expects_continue = true;
      break;
    case FieldId::kCookie:
      ++cookies_;
      cookie_size_ += field.value.size() + 2;
      break;
    default:
      break;
  }
  request_.fields.add(field);
  return {};
}

Result<void> RequestHead::finish(const http::PathRules& paths, http::Scheme connection, bool last) {
  // Method and path are named in the log also where all else is wrong.
  if (pseudo_.method) {
    request_.method_text = http::is_token(*pseudo_.method) ? *pseudo_.method : std::string_view{};
    request_.method = http::parse_method(request_.method_text);
  }
  if (error_) {
    (void)read_path(paths);
    return std::unexpected(*error_);
  }
  PC_CHECK_OK(read_method());
  PC_CHECK_OK(read_scheme(connection));
  PC_CHECK_OK(read_authority());
  PC_CHECK_OK(read_path(paths));
  PC_CHECK_OK(read_framing(last));
  if (cookies_ > 1) join_cookies();
  return {};
}

Result<void> RequestHead::read_method() {
  if (!pseudo_.method || !http::is_token(*pseudo_.method) || pseudo_.method->size() > 32)
    return malformed("method is missing or malformed");
  if (request_.method != http::Method::kConnect) {
    if (pseudo_.protocol) return malformed(":protocol without CONNECT");
    return {};
  }
  if (!pseudo_.protocol) {
    if (pseudo_.scheme || pseudo_.path) return malformed("CONNECT with a scheme or a path");
    return refuse(ErrorCode::kNotImplemented, "CONNECT is not supported");
  }
  if (!http::is_token(*pseudo_.protocol)) return malformed(":protocol is malformed");
  // RFC 8441 5: what GET with Upgrade is in HTTP/1.1.
  request_.method = http::Method::kGet;
  request_.method_text = "GET";
  return {};
}

Result<void> RequestHead::read_scheme(http::Scheme connection) {
  if (!pseudo_.scheme) return malformed("scheme is missing");
  const bool https = http::equals_ignoring_case(*pseudo_.scheme, "https");
  if (!https && !http::equals_ignoring_case(*pseudo_.scheme, "http"))
    return malformed("scheme that is neither http nor https");
  // In clear text `https` is right too: whoever ended TLS before us has written it.
  if (!https && connection == http::Scheme::kHttps) return malformed("scheme http over TLS");
  request_.scheme = connection;
  return {};
}

Result<void> RequestHead::read_authority() {
  const Field* host = request_.fields.find(FieldId::kHost);
  if (!pseudo_.authority && host == nullptr)
    return refuse(ErrorCode::kMalformedHost, "neither :authority nor Host");
  PC_TRY(const http::Authority authority,
         http::parse_authority(pseudo_.authority ? *pseudo_.authority : host->value, arena_));
  if (pseudo_.authority && host != nullptr) {
    PC_TRY(const http::Authority other, http::parse_authority(host->value, arena_));
    if (other.whole != authority.whole)
      return refuse(ErrorCode::kMalformedHost, ":authority and Host are not the same");
  }
  if (host == nullptr) request_.fields.add({"host", authority.whole, FieldId::kHost});
  request_.authority = authority.whole;
  request_.host = authority.host;
  return {};
}

Result<void> RequestHead::read_path(const http::PathRules& paths) {
  if (!pseudo_.path || pseudo_.path->empty()) return malformed("path is missing");
  const std::string_view target = *pseudo_.path;
  // RFC 9113 8.3.1: `*` is the server as a whole, for OPTIONS.
  if (target == "*") {
    if (request_.method != http::Method::kOptions)
      return refuse(ErrorCode::kMalformedPath, "asterisk-form without OPTIONS");
    request_.path = target;
    return {};
  }
  if (target.front() != '/') return malformed("path that begins with no slash");
  const std::size_t question = target.find('?');
  PC_TRY(request_.path, http::canonical_path(target.substr(0, question), paths, arena_));
  if (question == std::string_view::npos) return {};
  request_.has_query = true;
  request_.query = target.substr(question + 1);
  return http::check_query(request_.query, limits_.arguments);
}

Result<void> RequestHead::read_framing(bool last) {
  // What CONNECT opens has no body (RFC 8441 4): its DATA belong to the tunnel.
  if (pseudo_.protocol) {
    if (last) return malformed("a tunnel that its client ends before it begins");
    if (length_) return malformed("a tunnel with a length");
    return {};
  }
  if (last) {
    if (length_.value_or(0) != 0)
      return refuse(ErrorCode::kAmbiguousFraming, "Content-Length without a body");
    return {};
  }
  request_.body = length_ ? http::BodyKind::kLength : http::BodyKind::kUnknown;
  request_.content_length = length_.value_or(0);
  return {};
}

// RFC 9113 8.2.3: crumbs are one field to everybody who does not speak HTTP/2.
void RequestHead::join_cookies() {
  char* const whole = arena_.array<char>(cookie_size_);
  char* end = whole;
  http::Fields joined(arena_);
  for (const Field& field : request_.fields) {
    if (field.id != FieldId::kCookie) {
      joined.add(field);
      continue;
    }
    if (end != whole) end = std::ranges::copy(std::string_view("; "), end).out;
    end = std::ranges::copy(field.value, end).out;
  }
  joined.add({"cookie", {whole, static_cast<std::size_t>(end - whole)}, FieldId::kCookie});
  request_.fields = joined;
}

Result<void> add_trailer(std::string_view name, std::string_view value,
                         const http::HeadLimits& limits, Arena& arena, http::Fields& trailers) {
  if (name.starts_with(':')) return malformed("pseudo-field in trailers");
  if (trailers.size() >= limits.fields)
    return refuse(ErrorCode::kHeadTooLarge, "too many trailer fields");
  const Field field{arena.copy(name), arena.copy(value), http::identify_field(name)};
  PC_CHECK_OK(check_field(field));
  if (!http::may_stand_in_trailers(field)) return malformed("field that may not stand in trailers");
  trailers.add(field);
  return {};
}

}  // namespace portcullis::http2
