#include "gateway/field_values.h"

#include "http/head.h"

#include <algorithm>
#include <cstring>

namespace portcullis::gateway {
namespace {

using config::ValuePart;

std::string_view join(const std::vector<std::string>& values, Arena& arena) {
  if (values.size() == 1) return values[0];
  std::size_t size = 0;
  for (const std::string& value : values) size += value.size() + 1;
  char* const text = arena.array<char>(size);
  char* at = text;
  for (const std::string& value : values) {
    if (at != text) *at++ = ',';
    std::memcpy(at, value.data(), value.size());
    at += value.size();
  }
  return {text, static_cast<std::size_t>(at - text)};
}

// Empty when there is none.
std::string_view value_of(const ValuePart& part, Account& account, Arena& arena) {
  using Source = ValuePart::Source;
  if (part.source == Source::kText) return part.text;
  if (part.source == Source::kRequestId) return account.request_id;
  if (part.source == Source::kClientAddress) return account.client_text();
  if (!account.identity) return {};
  const authn::Identity& identity = *account.identity;
  switch (part.source) {
    case Source::kSubject:
      return identity.subject;
    case Source::kAuthenticator:
      return identity.authenticator;
    case Source::kIssuer:
      return identity.issuer;
    case Source::kKey:
      return identity.key;
    case Source::kRoles:
      return join(identity.roles, arena);
    case Source::kScopes:
      return join(identity.scopes, arena);
    case Source::kClaim: {
      const std::string* claim = identity.claim(part.text);
      return claim != nullptr ? std::string_view(*claim) : std::string_view{};
    }
    case Source::kText:
    case Source::kRequestId:
    case Source::kClientAddress:
      break;
  }
  return {};
}

}  // namespace

std::optional<std::string_view> fill_value(const config::FieldTemplate& field, Account& account,
                                           Arena& arena) {
  // Text alone was checked when it was read.
  if (field.value.size() == 1 && field.value[0].source == ValuePart::Source::kText)
    return field.value[0].text;
  const std::size_t count = field.value.size();
  auto* const parts = arena.array<std::string_view>(count);
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view part = value_of(field.value[i], account, arena);
    if (part.empty() || !http::is_field_value(part)) return std::nullopt;
    std::construct_at(parts + i, part);
    size += part.size();
  }
  if (count == 1) return parts[0];
  char* const text = arena.array<char>(size);
  char* at = text;
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(at, parts[i].data(), parts[i].size());
    at += parts[i].size();
  }
  return std::string_view(text, size);
}

}  // namespace portcullis::gateway
