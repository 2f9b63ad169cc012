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

constexpr std::string_view kKeyField = "sec-websocket-key";
constexpr std::string_view kGrpcTimeout = "grpc-timeout";

// ---- the two forms of a head: `field` for a whole one, `begin`, `put` and `end` for a value in
// parts

class TextForm {
 public:
  explicit TextForm(http::HeadWriter& out) : out_(out) {}
  void field(std::string_view name, std::string_view value) { out_.field(name, value); }
  TextForm& begin(std::string_view name) {
    out_.put(name).put(": ");
    return *this;
  }
  TextForm& put(std::string_view part) {
    out_.put(part);
    return *this;
  }
  TextForm& put_number(std::uint64_t number) {
    out_.put_number(number);
    return *this;
  }
  void end() { out_.put("\r\n"); }

 private:
  http::HeadWriter& out_;
};

// Names are of the request or of the configuration, as are whole values; both outlive the head.
class FieldsForm {
 public:
  // `left_out` is the name of a field that has no meaning in this form.
  FieldsForm(http::Fields& fields, http::HeadWriter& parts, Arena& arena, std::string_view left_out)
      : fields_(fields), parts_(parts), arena_(arena), left_out_(left_out) {}
  void field(std::string_view name, std::string_view value) {
    if (name != left_out_) fields_.add(name, value);
  }
  FieldsForm& begin(std::string_view name) {
    name_ = name;
    parts_.clear();
    return *this;
  }
  FieldsForm& put(std::string_view part) {
    parts_.put(part);
    return *this;
  }
  FieldsForm& put_number(std::uint64_t number) {
    parts_.put_number(number);
    return *this;
  }
  void end() { fields_.add(name_, arena_.copy(parts_.text())); }

 private:
  http::Fields& fields_;
  http::HeadWriter& parts_;
  Arena& arena_;
  std::string_view left_out_;
  std::string_view name_;
};

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
template <typename Form>
void write_if_match(std::string_view tags, Form& out) {
  out.begin("if-match").put(tags);
  for (std::size_t at = 0; (at = tags.find('"', at)) != std::string_view::npos;) {
    const std::size_t end = tags.find('"', at + 1);
    if (end == std::string_view::npos) break;
    if (tags.substr(0, at).ends_with("W/")) out.put(", ").put(tags.substr(at, end + 1 - at));
    at = end + 1;
  }
  out.end();
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
template <typename Form>
void write_list(const http::Fields& fields, FieldId id, Form& out) {
  for (const http::Field& field : fields) {
    if (field.id == id && !field.value.empty()) out.put(field.value).put(", ");
  }
}

template <typename Form>
void write_forwarding_fields(const Forwarding& forwarding, Form& out) {
  const http::Exchange& exchange = forwarding.exchange;
  const http::Request& request = exchange.request();
  const IpAddress& peer = exchange.connection().peer.address;
  const bool believed =
      !forwarding.trusted_proxies.empty() && is_trusted(peer, forwarding.trusted_proxies);

  if (believed) {
    out.begin("x-forwarded-for");
    write_list(request.fields, FieldId::kXForwardedFor, out);
    out.put(peer.to_string()).end();
  } else {
    out.field("x-forwarded-for", forwarding.account.client_text());
  }
  const http::Field* proto = believed ? request.fields.find(FieldId::kXForwardedProto) : nullptr;
  const std::string_view scheme = request.scheme == http::Scheme::kHttps ? "https" : "http";
  out.field("x-forwarded-proto", proto != nullptr ? proto->value : scheme);
  const http::Field* host = believed ? request.fields.find(FieldId::kXForwardedHost) : nullptr;
  if (const std::string_view named = host != nullptr ? host->value : request.authority;
      !named.empty()) {
    out.field("x-forwarded-host", named);
  }
  out.begin("via");
  write_list(request.fields, FieldId::kVia, out);
  out.put(exchange.connection().version()).put(" portcullis").end();
  out.field("x-request-id", forwarding.account.request_id);
}

template <typename Form>
void write_joined(std::string_view name, const std::vector<std::string>& values, Form& out) {
  if (values.empty()) return;
  out.begin(name);
  for (std::size_t i = 0; i < values.size(); ++i) out.put(i == 0 ? "" : ",").put(values[i]);
  out.end();
}

template <typename Form>
void write_text(std::string_view name, std::string_view value, Form& out) {
  if (!value.empty() && http::is_field_value(value)) out.field(name, value);
}

template <typename Form>
void write_identity_fields(const Forwarding& forwarding, Form& out) {
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
template <typename Form>
void write_edited_fields(const Forwarding& forwarding, Form& out) {
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
template <typename Form>
void write_cookies(std::string_view value, const ForwardPlan& plan, Form& out) {
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
    if (first) out.begin("cookie");
    out.put(first ? "" : "; ").put(piece->text);
    first = false;
  }
  if (!first) out.end();
}

// The client's certificate as byte sequences of structured fields (RFC 9440 2; RFC 9651 3.3.5),
// while it holds.
template <typename Form>
void write_certificate_fields(const Forwarding& forwarding, Form& out) {
  http::Exchange& exchange = forwarding.exchange;
  const runtime::ClientCertificate* certificate = exchange.connection().certificate;
  if (certificate == nullptr || !certificate->holds(exchange.loop().wall_now())) return;
  out.begin("client-cert").put(":").put(certificate->leaf_base64()).put(":").end();
  if (forwarding.plan.forward.client_certificate != config::ForwardCertificate::kChain) return;
  const std::vector<std::string> chain = certificate->chain_base64();
  if (chain.empty()) return;
  out.begin("client-cert-chain");
  for (std::size_t i = 0; i < chain.size(); ++i)
    out.put(i == 0 ? ":" : ", :").put(chain[i]).put(":");
  out.end();
}

// ---- the head as a whole

// What goes on of the client's fields, and what we say ourselves; what frames the message, and what
// is of one connection alone, comes from the form.
template <typename Form>
void write_fields(const Forwarding& forwarding, Form& out) {
  const http::Request& request = forwarding.exchange.request();
  const ForwardPlan& plan = forwarding.plan.forward;
  const bool nominates = may_nominate(request.fields);
  const bool compresses = !forwarding.plan.coding.responses.empty();
  const GrpcCall* const call = forwarding.grpc;
  for (const http::Field& field : request.fields) {
    if (field.id == FieldId::kOther) {
      if (stays_here(field.name, plan)) continue;
      if (decodes_body(forwarding) && is_of_coded_bytes(field.name)) continue;
      if (call != nullptr && field.name == kGrpcTimeout) continue;
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
  if (call != nullptr && !call->timeout.empty()) out.field(kGrpcTimeout, call->timeout);
  write_edited_fields(forwarding, out);
  if (plan.client_certificate != config::ForwardCertificate::kNone)
    write_certificate_fields(forwarding, out);
}

// A length, where one is known; 0 for a method that anticipates content (RFC 9110 8.6).
std::optional<std::uint64_t> announced_length(const Forwarding& forwarding) {
  const http::Request& request = forwarding.exchange.request();
  if (request.body == http::BodyKind::kUnknown || decodes_body(forwarding)) return std::nullopt;
  if (request.body == http::BodyKind::kLength) return request.content_length;
  if (request.method == http::Method::kPost || request.method == http::Method::kPut ||
      request.method == http::Method::kPatch)
    return 0;
  return std::nullopt;
}

void write_text_head(const Forwarding& forwarding, http::HeadWriter& out) {
  const http::Request& request = forwarding.exchange.request();
  out.put(request.method_text).put(" ").put(forwarding.path);
  if (request.has_query) out.put("?").put(request.query);
  out.put(" HTTP/1.1\r\n");
  out.field("host", request.authority);
  TextForm form(out);
  write_fields(forwarding, form);
  // Of a body that is decoded nobody knows yet how long it will be.
  if (request.body == http::BodyKind::kUnknown || decodes_body(forwarding))
    out.put("transfer-encoding: chunked\r\n");
  else if (const auto length = announced_length(forwarding))
    out.put("content-length: ").put_number(*length).put("\r\n");
  if (const std::string_view protocol = forwarding.account.upgrade; !protocol.empty())
      [[unlikely]] {
    out.field("upgrade", protocol).put("connection: upgrade\r\n\r\n");
    return;
  }
  // Only `trailers` means anything beyond one connection (RFC 9110 10.1.4); they are passed on.
  if (takes_trailers(request.fields)) out.put("te: trailers\r\nconnection: te\r\n");
  out.put("\r\n");
}

// RFC 9113 8.3.1; for another protocol RFC 8441 4, where the key of a handshake has no part.
void write_fields_head(const Forwarding& forwarding, http::Fields& fields,
                       http::HeadWriter& parts) {
  const http::Request& request = forwarding.exchange.request();
  const std::string_view protocol = forwarding.account.upgrade;
  const bool tunnel = !protocol.empty();
  FieldsForm form(fields, parts, forwarding.exchange.arena(), tunnel ? kKeyField : "");
  form.field(":method", tunnel ? std::string_view("CONNECT") : request.method_text);
  if (tunnel) form.field(":protocol", protocol);
  form.field(":scheme", forwarding.upstream.is_tls() ? "https" : "http");
  if (request.has_query)
    form.begin(":path").put(forwarding.path).put("?").put(request.query).end();
  else
    form.field(":path", forwarding.path);
  if (!request.authority.empty()) form.field(":authority", request.authority);
  write_fields(forwarding, form);
  if (tunnel) return;
  if (const auto length = announced_length(forwarding))
    form.begin("content-length").put_number(*length).end();
  // RFC 9113 8.2.2: the one value that TE may have. gRPC asks for it; others seldom mean it.
  if (forwarding.grpc != nullptr && takes_trailers(request.fields)) form.field("te", "trailers");
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

void fill_upstream_trailers(const Forwarding& forwarding, http::Fields& to) {
  for (const http::Field& field : forwarding.exchange.request().trailers) {
    if (field.id != FieldId::kOther || stays_here(field.name, forwarding.plan.forward)) continue;
    if (decodes_body(forwarding) && is_of_coded_bytes(field.name)) continue;
    to.add(field);
  }
}

UpstreamHead::UpstreamHead(const Forwarding& forwarding)
    : text_(forwarding.exchange.loop().buffers()),
      fields_(forwarding.exchange.arena()),
      body_(decodes_body(forwarding) ? http::BodyKind::kUnknown
                                     : forwarding.exchange.request().body),
      tunnel_(!forwarding.account.upgrade.empty()) {
  if (forwarding.upstream.head_form() == http::HeadForm::kText) {
    write_text_head(forwarding, text_);
    return;
  }
  write_fields_head(forwarding, fields_, text_);
}

}  // namespace portcullis::gateway
