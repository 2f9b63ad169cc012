// Fields in the form of nghttp2, which copies them. For .cc files alone: they see nghttp2.
#pragma once

#include "http/message.h"

#include <nghttp2/nghttp2.h>
#include <span>
#include <vector>

namespace portcullis::http2 {

// Secrets are never put into the table of a connection (RFC 7541 7.1.3): others' requests share it.
[[nodiscard]] inline std::vector<nghttp2_nv> name_values(std::span<const http::Field> fields) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  std::vector<nghttp2_nv> pairs;
  pairs.reserve(fields.size());
  for (const http::Field& field : fields) {
    const bool secret =
        field.id == http::FieldId::kAuthorization || field.id == http::FieldId::kCookie ||
        field.id == http::FieldId::kClientCert || field.id == http::FieldId::kClientCertChain;
    const auto flags = secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
    pairs.push_back({bytes(field.name), bytes(field.value), field.name.size(), field.value.size(),
                     static_cast<std::uint8_t>(flags)});
  }
  return pairs;
}

}  // namespace portcullis::http2
