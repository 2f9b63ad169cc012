#include "http/message.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace portcullis::http {
namespace {

struct KnownField {
  std::string_view name;
  FieldId id;
};

constexpr KnownField kKnown[] = {
    {"te", FieldId::kTe},
    {"via", FieldId::kVia},
    {"date", FieldId::kDate},
    {"host", FieldId::kHost},
    {"cookie", FieldId::kCookie},
    {"expect", FieldId::kExpect},
    {"origin", FieldId::kOrigin},
    {"server", FieldId::kServer},
    {"trailer", FieldId::kTrailer},
    {"upgrade", FieldId::kUpgrade},
    {"forwarded", FieldId::kForwarded},
    {"x-real-ip", FieldId::kXRealIp},
    {"connection", FieldId::kConnection},
    {"keep-alive", FieldId::kKeepAlive},
    {"user-agent", FieldId::kUserAgent},
    {"client-cert", FieldId::kClientCert},
    {"content-type", FieldId::kContentType},
    {"x-request-id", FieldId::kXRequestId},
    {"authorization", FieldId::kAuthorization},
    {"content-length", FieldId::kContentLength},
    {"http2-settings", FieldId::kHttp2Settings},
    {"x-forwarded-for", FieldId::kXForwardedFor},
    {"proxy-connection", FieldId::kProxyConnection},
    {"x-forwarded-host", FieldId::kXForwardedHost},
    {"content-encoding", FieldId::kContentEncoding},
    {"x-forwarded-port", FieldId::kXForwardedPort},
    {"transfer-encoding", FieldId::kTransferEncoding},
    {"client-cert-chain", FieldId::kClientCertChain},
    {"x-forwarded-proto", FieldId::kXForwardedProto},
    {"proxy-authenticate", FieldId::kProxyAuthenticate},
    {"proxy-authorization", FieldId::kProxyAuthorization},
};
static_assert(std::size(kKnown) + 1 == static_cast<std::size_t>(FieldId::kCount));
static_assert(static_cast<std::size_t>(FieldId::kCount) <= 64, "Fields::present_ is one word");

// Where the names of each length begin in kKnown, which is sorted by length.
constexpr std::size_t kLongest = 19;
constexpr std::array<std::uint8_t, kLongest + 2> kFirstOfLength = [] {
  std::array<std::uint8_t, kLongest + 2> first{};
  for (std::size_t length = 0; length < first.size(); ++length) {
    std::size_t i = 0;
    while (i < std::size(kKnown) && kKnown[i].name.size() < length) ++i;
    first[length] = static_cast<std::uint8_t>(i);
  }
  return first;
}();

constexpr std::uint64_t bit(FieldId id) { return 1ULL << static_cast<unsigned>(id); }

}  // namespace

Method parse_method(std::string_view text) noexcept {
  switch (text.size()) {
    case 3:
      if (text == "GET") return Method::kGet;
      if (text == "PUT") return Method::kPut;
      break;
    case 4:
      if (text == "POST") return Method::kPost;
      if (text == "HEAD") return Method::kHead;
      break;
    case 5:
      if (text == "PATCH") return Method::kPatch;
      if (text == "TRACE") return Method::kTrace;
      break;
    case 6:
      if (text == "DELETE") return Method::kDelete;
      break;
    case 7:
      if (text == "OPTIONS") return Method::kOptions;
      if (text == "CONNECT") return Method::kConnect;
      break;
    default:
      break;
  }
  return Method::kOther;
}

bool is_safe(Method method) noexcept {
  return method == Method::kGet || method == Method::kHead || method == Method::kOptions ||
         method == Method::kTrace;
}

bool is_idempotent(Method method) noexcept {
  return is_safe(method) || method == Method::kPut || method == Method::kDelete;
}

FieldId identify_field(std::string_view name) noexcept {
  if (name.size() > kLongest) return FieldId::kOther;
  for (std::size_t i = kFirstOfLength[name.size()]; i < kFirstOfLength[name.size() + 1]; ++i) {
    if (std::memcmp(kKnown[i].name.data(), name.data(), name.size()) == 0) return kKnown[i].id;
  }
  return FieldId::kOther;
}

void Fields::add(Field field) {
  if (size_ == capacity_) {
    const std::uint32_t wanted = capacity_ == 0 ? 16 : capacity_ * 2;
    auto* larger = arena_->array<Field>(wanted);
    std::uninitialized_copy_n(fields_, size_, larger);
    fields_ = larger;
    capacity_ = wanted;
  }
  std::construct_at(fields_ + size_++, field);
  present_ |= bit(field.id);
}

const Field* Fields::find(FieldId id) const {
  if ((present_ & bit(id)) == 0) return nullptr;
  for (const Field& field : *this) {
    if (field.id == id) return &field;
  }
  return nullptr;
}

const Field* Fields::find(std::string_view lower_case_name) const {
  for (const Field& field : *this) {
    if (field.name == lower_case_name) return &field;
  }
  return nullptr;
}

std::size_t Fields::count(FieldId id) const {
  if ((present_ & bit(id)) == 0) return 0;
  return static_cast<std::size_t>(std::ranges::count(all(), id, &Field::id));
}

std::size_t Fields::count(std::string_view lower_case_name) const {
  return static_cast<std::size_t>(std::ranges::count(all(), lower_case_name, &Field::name));
}

bool is_connection_specific(FieldId id) noexcept {
  switch (id) {
    case FieldId::kConnection:
    case FieldId::kKeepAlive:
    case FieldId::kProxyConnection:
    case FieldId::kTransferEncoding:
    case FieldId::kUpgrade:
      return true;
    default:
      return false;
  }
}

bool is_ours_to_write(FieldId id) noexcept {
  return is_connection_specific(id) || id == FieldId::kContentLength || id == FieldId::kTe;
}

}  // namespace portcullis::http
