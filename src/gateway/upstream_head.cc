#include "gateway/upstream_head.h"

#include "gateway/client_address.h"
#include "gateway/field_values.h"
#include "http/cookies.h"
#include "http/head.h"
#include "runtime/client_certificate.h"

#include <algorithm>

namespace portcullis::gateway {
namespace {

using http::FieldId;

// What the client cannot say about itself: written by us below, or not at all.
bool is_ours_to_say(FieldId id) {
  switch (id) {
    case FieldId::kClientCert:
    case FieldId::kClientCertChain:
    case FieldId::kForwarded:
    case FieldId::kHost:
    case FieldId::kVia:
    case FieldId::kXForwardedFor:
    case FieldId::kXForwardedHost:
    case FieldId::kXForwardedPort:
    case FieldId::kXForwardedProto:
    case FieldId::kXRealIp:
    case FieldId::kXRequestId:
      return true;
    default:
      return false;
  }
}

// Credentials and identity fields, and whatever some servers take for a field of ours: to CGI and
// its heirs (RFC 3875 4.1.18) `x_user` is `x-user`.
bool stays_here(std::string_view name, const ForwardPlan& plan) {
  char plain[128];  // no name that is known, or of a configuration, is longer
  if (name.contains('_') && name.size() <= sizeof plain) {
    std::ranges::replace_copy(name, plain, '_', '-');
    name = {plain, name.size()};
    const FieldId id = http::identify_field(name);
    if (is_ours_to_say(id) || is_hop_by_hop(id) || id == FieldId::kAuthorization) return true;
  }
  return std::ranges::find(plan.removed, name) != plan.removed.end();
}

// Compression made the client's ETag weak, and If-Match takes no weak one (RFC 9110 13.1.1): beside
// each stands the strong one that it may have been.
void write_if_match(std::string_view tags, http::HeadWriter& out) {
  out.put("if-match: ").put(tags);
  for (std::size_t at = 0; (at = tags.find('"', at)) != std::string_view::npos;) {
    const std::size_t end = tags.find('"', at + 1);
    if (end == std::string_view::npos) break;
    if (tags.substr(0, at).ends_with("W/")) out.put(", ").put(tags.substr(at, end + 1 - at));
    at = end + 1;
  }
  out.put("\r\n");
}

bool decodes_body(const Forwarding& forwarding) {
  return forwarding.body_coding != coding::Coding::kIdentity;
}

bool takes_trailers(const http::Fields& fields) {
  bool takes = false;
  for (const http::Field& field : fields) {
    if (field.id != FieldId::kTe) continue;
    http::for_each_element(field.value, [&](std::string_view coding) {
      takes = takes || http::equals_ignoring_case(coding, "trailers");
    });
  }
  return takes;
}

// Values of all fields of that name, as one list.
void write_list(const http::Fields& fields, FieldId id, http::HeadWriter& out) {
  for (const http::Field& field : fields) {
    if (field.id == id && !field.value.empty()) out.put(field.value).put(", ");
  }
}

void write_forwarding_fields(const Forwarding& forwarding, http::HeadWriter& out) {
  const http::Exchange& exchange = forwarding.exchange;
  const http::Request& request = exchange.request();
  const IpAddress& peer = exchange.connection().peer.address;
  const bool believed =
      !forwarding.trusted_proxies.empty() && is_trusted(peer, forwarding.trusted_proxies);

  out.put("x-forwarded-for: ");
  if (believed) {
    write_list(request.fields, FieldId::kXForwardedFor, out);
    out.put(peer.to_string()).put("\r\n");
  } else {
    out.put(forwarding.account.client_text()).put("\r\n");
  }
  const http::Field* proto = believed ? request.fields.find(FieldId::kXForwardedProto) : nullptr;
  const std::string_view scheme = request.scheme == http::Scheme::kHttps ? "https" : "http";
  out.field("x-forwarded-proto", proto != nullptr ? proto->value : scheme);
  const http::Field* host = believed ? request.fields.find(FieldId::kXForwardedHost) : nullptr;
  if (const std::string_view named = host != nullptr ? host->value : request.authority;
      !named.empty()) {
    out.field("x-forwarded-host", named);
  }
  out.put("via: ");
  write_list(request.fields, FieldId::kVia, out);
  out.put(exchange.connection().version()).put(" portcullis\r\n");
  out.field("x-request-id", forwarding.account.request_id);
}

void write_joined(std::string_view name, const std::vector<std::string>& values,
                  http::HeadWriter& out) {
  if (values.empty()) return;
  out.put(name).put(": ");
  for (std::size_t i = 0; i < values.size(); ++i) out.put(i == 0 ? "" : ",").put(values[i]);
  out.put("\r\n");
}

void write_text(std::string_view name, std::string_view value, http::HeadWriter& out) {
  if (!value.empty() && http::is_field_value(value)) out.field(name, value);
}

void write_identity_fields(const Forwarding& forwarding, http::HeadWriter& out) {
  const authn::IdentityRef& identity = forwarding.account.identity;
  if (!identity) return;
  for (const IdentityField& field : forwarding.plan.forward.identity) {
    switch (field.source) {
      case IdentityField::Source::kSubject:
        write_text(field.name, identity->subject, out);
        break;
      case IdentityField::Source::kAuthenticator:
        write_text(field.name, identity->authenticator, out);
        break;
      case IdentityField::Source::kIssuer:
        write_text(field.name, identity->issuer, out);
        break;
      case IdentityField::Source::kKey:
        write_text(field.name, identity->key, out);
        break;
      case IdentityField::Source::kRoles:
        if (std::ranges::all_of(identity->roles, http::is_field_value))
          write_joined(field.name, identity->roles, out);
        break;
      case IdentityField::Source::kScopes:
        if (std::ranges::all_of(identity->scopes, http::is_field_value))
          write_joined(field.name, identity->scopes, out);
        break;
      case IdentityField::Source::kClaim:
        if (const std::string* claim = identity->claim(field.claim))
          write_text(field.name, *claim, out);
        break;
    }
  }
}

// What `request_headers` writes; the client's own of the names in `set` were left out above.
void write_edited_fields(const Forwarding& forwarding, http::HeadWriter& out) {
  const config::FieldEdits* edits = forwarding.plan.shape.request;
  if (edits == nullptr) return;
  const auto write = [&](const config::FieldTemplate& field) {
    const auto value = fill_value(field, forwarding.account, forwarding.exchange.arena());
    if (value) out.field(field.name, *value);
  };
  std::ranges::for_each(edits->set, write);
  std::ranges::for_each(edits->add, write);
}

// The cookies that are not ours. Whatever could be read as one of ours is left out, in fields that
// break their grammar too.
void write_cookies(std::string_view value, const ForwardPlan& plan, http::HeadWriter& out) {
  const auto is_ours = [&](const http::CookiePiece& piece) {
    return std::ranges::find(plan.removed_cookies, piece.name) != plan.removed_cookies.end();
  };
  bool any = false;
  for (http::CookiePieces pieces(value); const auto piece = pieces.next();)
    any = any || is_ours(*piece);
  if (!any) {
    out.field("cookie", value);
    return;
  }
  bool first = true;
  for (http::CookiePieces pieces(value); const auto piece = pieces.next();) {
    if (is_ours(*piece) || piece->text.empty()) continue;
    out.put(first ? "cookie: " : "; ").put(piece->text);
    first = false;
  }
  if (!first) out.put("\r\n");
}

// The client's certificate as byte sequences of structured fields (RFC 9440 2; RFC 9651 3.3.5),
// while it holds.
void write_certificate_fields(const Forwarding& forwarding, http::HeadWriter& out) {
  http::Exchange& exchange = forwarding.exchange;
  const runtime::ClientCertificate* certificate = exchange.connection().certificate;
  if (certificate == nullptr || !certificate->holds(exchange.loop().wall_now())) return;
  out.put("client-cert: :").put(certificate->leaf_base64()).put(":\r\n");
  if (forwarding.plan.forward.client_certificate != config::ForwardCertificate::kChain) return;
  const std::vector<std::string> chain = certificate->chain_base64();
  if (chain.empty()) return;
  out.put("client-cert-chain: ");
  for (std::size_t i = 0; i < chain.size(); ++i)
    out.put(i == 0 ? ":" : ", :").put(chain[i]).put(":");
  out.put("\r\n");
}

}  // namespace

bool is_hop_by_hop(FieldId id) noexcept {
  switch (id) {
    case FieldId::kConnection:
    case FieldId::kContentLength:
    case FieldId::kExpect:
    case FieldId::kHttp2Settings:
    case FieldId::kKeepAlive:
    case FieldId::kProxyAuthenticate:
    case FieldId::kProxyAuthorization:
    case FieldId::kProxyConnection:
    case FieldId::kTe:
    case FieldId::kTrailer:
    case FieldId::kTransferEncoding:
    case FieldId::kUpgrade:
      return true;
    default:
      return false;
  }
}

bool may_nominate(const http::Fields& fields) {
  const http::Field* connection = fields.find(FieldId::kConnection);
  if (connection == nullptr) return false;
  return fields.count(FieldId::kConnection) > 1 ||
         !(http::equals_ignoring_case(connection->value, "close") ||
           http::equals_ignoring_case(connection->value, "keep-alive"));
}

bool is_nominated(const http::Fields& fields, const http::Field& field) {
  bool nominated = false;
  for (const http::Field& connection : fields) {
    if (connection.id != FieldId::kConnection) continue;
    http::for_each_element(connection.value, [&](std::string_view option) {
      nominated = nominated || http::equals_ignoring_case(option, field.name);
    });
  }
  return nominated;
}

void write_upstream_trailers(const Forwarding& forwarding, http::HeadWriter& out) {
  for (const http::Field& field : forwarding.exchange.request().trailers) {
    if (field.id != FieldId::kOther || stays_here(field.name, forwarding.plan.forward)) continue;
    if (decodes_body(forwarding) && is_of_coded_bytes(field.name)) continue;
    out.field(field.name, field.value);
  }
}

void write_upstream_head(const Forwarding& forwarding, http::HeadWriter& out) {
  const http::Request& request = forwarding.exchange.request();
  const ForwardPlan& plan = forwarding.plan.forward;
  out.put(request.method_text).put(" ").put(forwarding.path);
  if (request.has_query) out.put("?").put(request.query);
  out.put(" HTTP/1.1\r\n");
  out.field("host", request.authority);
  const bool nominates = may_nominate(request.fields);
  const bool compresses = !forwarding.plan.coding.responses.empty();
  for (const http::Field& field : request.fields) {
    if (field.id == FieldId::kOther) {
      if (stays_here(field.name, plan)) continue;
      if (decodes_body(forwarding) && is_of_coded_bytes(field.name)) continue;
    } else {
      if (is_hop_by_hop(field.id) || is_ours_to_say(field.id)) continue;
      if (field.id == FieldId::kContentEncoding && decodes_body(forwarding)) continue;
      if (field.id == FieldId::kAuthorization && !plan.keep_authorization) continue;
      if ((plan.removed_known >> static_cast<unsigned>(field.id) & 1U) != 0) continue;
    }
    if (nominates && is_nominated(request.fields, field)) continue;
    if (compresses && field.name == "if-match") {
      write_if_match(field.value, out);
      continue;
    }
    if (field.id == FieldId::kCookie && !plan.removed_cookies.empty()) [[unlikely]] {
      write_cookies(field.value, plan, out);
      continue;
    }
    out.field(field.name, field.value);
  }
  write_forwarding_fields(forwarding, out);
  write_identity_fields(forwarding, out);
  write_edited_fields(forwarding, out);
  if (plan.client_certificate != config::ForwardCertificate::kNone)
    write_certificate_fields(forwarding, out);
  // Of a body that is decoded nobody knows yet how long it will be.
  if (request.body == http::BodyKind::kUnknown || decodes_body(forwarding)) {
    out.put("transfer-encoding: chunked\r\n");
  } else if (request.body == http::BodyKind::kLength) {
    out.put("content-length: ").put_number(request.content_length).put("\r\n");
  } else if (request.method == http::Method::kPost || request.method == http::Method::kPut ||
             request.method == http::Method::kPatch) {
    out.put("content-length: 0\r\n");  // RFC 9110 8.6: a method that anticipates content
  }
  if (const std::string_view protocol = forwarding.account.upgrade; !protocol.empty())
      [[unlikely]] {
    out.field("upgrade", protocol).put("connection: upgrade\r\n\r\n");
    return;
  }
  // Only `trailers` means anything beyond one connection (RFC 9110 10.1.4); they are passed on.
  if (takes_trailers(request.fields)) out.put("te: trailers\r\nconnection: te\r\n");
  out.put("\r\n");
}

}  // namespace portcullis::gateway
