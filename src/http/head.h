// HTTP/1.1 message heads (RFC 9112 2 to 6), read strictly: what this accepts is the security
// boundary.
//
// Stricter than the RFC on purpose, each because two readers have disagreed about it: no line
// folding, no bare CR or LF, no whitespace around a field's name, no repeated Content-Length even
// when equal, no Transfer-Encoding but a single `chunked`, no Transfer-Encoding beside
// Content-Length or in HTTP/1.0.
#pragma once

#include "base/ascii.h"
#include "base/result.h"
#include "http/message.h"
#include "http/path.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace portcullis::http {

struct HeadLimits {
  std::uint32_t size = 32 * 1024;  // bytes of the whole head
  std::uint32_t fields = 100;
  std::uint32_t arguments = 1'000;  // of the query, divided by `&`
};

// Finds the end of a head in bytes that arrive piece by piece, each looked at once.
class HeadScanner {
 public:
  // `bytes` is the buffer from its start, longer at each call. The value is the head's length with
  // its empty line, or nothing while it is incomplete. Errors: kMalformedRequest (a line that ends
  // without CR).
  Result<std::optional<std::size_t>> scan(std::string_view bytes);
  // With its CR LF; 0 while it is incomplete.
  [[nodiscard]] std::size_t first_line_size() const { return first_line_size_; }

 private:
  std::size_t next_ = 0;        // first byte not looked at
  std::size_t line_start_ = 0;  // of the line that next_ is in
  std::size_t first_line_size_ = 0;
};

enum class Version : std::uint8_t { kHttp10, kHttp11 };

// What a head says about its connection and framing, beside the message itself.
struct HeadFacts {
  Version version = Version::kHttp11;
  bool keep_alive = true;  // RFC 9112 9.3
  bool chunked = false;
};

// Parses a complete request head in place (names become lower case in the buffer, which must live
// as long as `request`). Errors: the client's, kMalformedRequest and its neighbours.
[[nodiscard]] Result<HeadFacts> parse_request_head(std::span<char> head, const HeadLimits& limits,
                                                   const PathRules& paths, Arena& arena,
                                                   Request& request);

// Parses a complete response head in place. `to` is the method of the request that it answers.
// Errors: kUpstreamBroken.
[[nodiscard]] Result<HeadFacts> parse_response_head(std::span<char> head, const HeadLimits& limits,
                                                    Method to, Response& response);

// Parses field lines up to and with their empty line, in place: trailers (RFC 9112 7.1.2). Fields
// that frame, route or authenticate are refused there (RFC 9110 6.5.1).
[[nodiscard]] Result<void> parse_trailers(std::span<char> section, std::uint32_t most_fields,
                                          Fields& trailers);

// `host` or `host:port` (RFC 9110 7.2): a registered name of letters, digits, `-`, `_` and dots, an
// IPv4 address, or an IPv6 address in brackets; lower-cased in memory of the arena where it must
// be. Userinfo is refused.
struct Authority {
  std::string_view whole;
  std::string_view host;
};
[[nodiscard]] Result<Authority> parse_authority(std::string_view text, Arena& arena);

// The characters of a token (RFC 9110 5.6.2).
[[nodiscard]] bool is_token(std::string_view text) noexcept;
// A token without capitals: a field's name as HTTP/2 has it (RFC 9113 8.2).
[[nodiscard]] bool is_lower_token(std::string_view text) noexcept;
using portcullis::equals_ignoring_case;
using portcullis::is_field_value;
// RFC 9110 8.6: digits, at most nineteen of them. Errors: kAmbiguousFraming.
[[nodiscard]] Result<std::uint64_t> parse_content_length(std::string_view text);
// A name that an application may take for Content-Length or Transfer-Encoding, though HTTP does
// not: CGI and its heirs read `_` as `-`, others drop what they do not know.
[[nodiscard]] bool imitates_framing(const Field& field) noexcept;
// Whether it may stand in trailers: what frames, routes or authenticates may not (RFC 9110 6.5.1).
[[nodiscard]] bool may_stand_in_trailers(const Field& field) noexcept;

// Calls `visit(element)` for each element of a comma-separated list, without its whitespace; empty
// elements are skipped.
template <typename Visit>
void for_each_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (!element.empty()) visit(element);
  }
}

}  // namespace portcullis::http
