// Fields in the form of nghttp2, which copies them when they are submitted: a frame may wait for
// longer than its exchange lives. For .cc files alone: they see nghttp2.
#pragma once

#include "base/arena.h"
#include "http/message.h"

#include <cstddef>
#include <cstdint>
#include <nghttp2/nghttp2.h>
#include <span>
#include <string_view>

namespace portcullis::http2 {

class NameValues {
 public:
  // Room for so many, in the arena.
  NameValues(Arena& arena, std::size_t room) : entries_(arena.array<nghttp2_nv>(room)) {}
  NameValues(Arena& arena, std::span<const http::Field> fields) : NameValues(arena, fields.size()) {
    for (const http::Field& field : fields) add(field);
  }

  void add(std::string_view name, std::string_view value) {
    add(name, value, NGHTTP2_NV_FLAG_NONE);
  }
  // Secrets are never put into the table of a connection (RFC 7541 7.1.3): others' requests may
  // share it.
  void add(const http::Field& field) {
    const bool secret =
        field.id == http::FieldId::kAuthorization || field.id == http::FieldId::kCookie ||
        field.id == http::FieldId::kClientCert || field.id == http::FieldId::kClientCertChain;
    add(field.name, field.value, secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE);
  }

  [[nodiscard]] const nghttp2_nv* data() const { return entries_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  void add(std::string_view name, std::string_view value, unsigned flags) {
    const auto bytes = [](std::string_view text) {
      return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    entries_[size_++] = {bytes(name), bytes(value), name.size(), value.size(),
                         static_cast<std::uint8_t>(flags)};
  }

  nghttp2_nv* entries_;
  std::size_t size_ = 0;
};

}  // namespace portcullis::http2
