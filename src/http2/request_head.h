// A request's head, from the fields that HPACK gave (RFC 9113 8.2, 8.3): held to what HTTP/1.1
// could say, since that is what it may be sent on as.
#pragma once

#include "base/arena.h"
#include "base/result.h"
#include "http/head.h"
#include "http/message.h"
#include "http/path.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace portcullis::http2 {

// Collects the fields of one header block in the order of arrival, in memory of the arena. What is
// wrong is remembered, the first of it, and said at the end: the block must be decoded as a whole,
// or the connection is lost (RFC 9113 4.3).
class RequestHead {
 public:
  RequestHead(const http::HeadLimits& limits, Arena& arena, http::Request& request)
      : limits_(limits), arena_(arena), request_(request) {}

  void add(std::string_view name, std::string_view value);

  // At the end of the block. `last`: the request ends with it (END_STREAM). Errors: the client's;
  // of a malformed request (RFC 9113 8.1.1) see is_malformed().
  Result<void> finish(const http::PathRules& paths, http::Scheme connection, bool last);

  // As SETTINGS_MAX_HEADER_LIST_SIZE counts: 32 bytes a field beside its text.
  [[nodiscard]] std::size_t size() const { return size_; }
  // RFC 8441: what a CONNECT asks to speak; empty: it is no such request.
  [[nodiscard]] std::string_view protocol() const { return pseudo_.protocol.value_or(""); }

 private:
  struct Pseudo {
    std::optional<std::string_view> method, scheme, authority, path, protocol;
  };
  Result<void> add_pseudo(std::string_view name, std::string_view value);
  Result<void> add_field(std::string_view name, std::string_view value);
  void keep_kind(std::string_view name, std::string_view value);
  [[nodiscard]] bool is_too_large();
  Result<void> read_method();
  Result<void> read_scheme(http::Scheme connection);
  Result<void> read_authority();
  Result<void> read_path(const http::PathRules& paths);
  Result<void> read_framing(bool last);
  void join_cookies();

  const http::HeadLimits& limits_;
  Arena& arena_;
  http::Request& request_;
  Pseudo pseudo_;
  std::optional<Error> error_;
  std::size_t size_ = 0;
  std::uint32_t fields_ = 0;
  std::uint32_t cookies_ = 0;
  std::size_t cookie_size_ = 0;
  std::optional<std::uint64_t> length_;
};

// Whether the error of a head makes its request malformed: the stream ends with PROTOCOL_ERROR,
// whatever was answered.
[[nodiscard]] bool is_malformed(ErrorCode code);

// Fields behind a body. Errors: kMalformedRequest, kHeadTooLarge.
Result<void> add_trailer(std::string_view name, std::string_view value,
                         const http::HeadLimits& limits, Arena& arena, http::Fields& trailers);

}  // namespace portcullis::http2
