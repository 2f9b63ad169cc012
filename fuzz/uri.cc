// Any bytes as a path, a query, an authority and a URL. A canonical path is its own canonical form,
// and holds nothing that a second reader could resolve, merge or decode into another path.

#include "base/check.h"
#include "base/encoding.h"
#include "http/fetch.h"
#include "http/head.h"
#include "http/path.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace http = portcullis::http;

namespace {

constexpr http::PathRules kLax{http::OnDuplicateSlash::kMerge, http::OnEncodedSlash::kKeep,
                               http::OnPathParameters::kKeep};

std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    PC_CHECK(i + 2 < text.size());
    const int high = portcullis::hex_digit(text[i + 1]);
    const int low = portcullis::hex_digit(text[i + 2]);
    PC_CHECK(high >= 0 && low >= 0);
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

void check_canonical(std::string_view path, const http::PathRules& rules) {
  PC_CHECK(path.starts_with('/') && !path.contains("//"));
  // As a reader sees it that decodes once and takes `\` for `/` and `;` for the end of a segment.
  std::string decoded = decode(path);
  std::string segment;
  for (std::size_t i = 1; i <= decoded.size(); ++i) {
    const char c = i < decoded.size() ? decoded[i] : '/';
    PC_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    if (c != '/' && c != '\\') {
      segment += c;
      continue;
    }
    const std::string_view name = std::string_view(segment).substr(0, segment.find(';'));
    PC_CHECK(name != "." && name != "..");
    segment.clear();
  }
  portcullis::Arena arena;
  const auto again = http::canonical_path(path, rules, arena);
  PC_CHECK(again.has_value() && *again == path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  portcullis::Arena arena;
  if (const auto path = http::canonical_path(text, {}, arena)) {
    check_canonical(*path, {});
    const std::string decoded = decode(*path);
    PC_CHECK(decoded.find_first_of("\\;") == std::string::npos);
    // What the strict rules take, the lax ones read alike.
    const auto lax = http::canonical_path(text, kLax, arena);
    PC_CHECK(lax.has_value() && *lax == *path);
  }
  if (const auto path = http::canonical_path(text, kLax, arena)) check_canonical(*path, kLax);
  if (http::check_query(text)) {
    PC_CHECK(text.find_first_of(std::string_view(" #\r\n\t\"<>\0", 10)) == std::string::npos);
  }
  if (const auto authority = http::parse_authority(text, arena)) {
    PC_CHECK(authority->whole.starts_with(authority->host) && !authority->host.empty());
    const auto again = http::parse_authority(authority->whole, arena);
    PC_CHECK(again.has_value() && again->whole == authority->whole &&
             again->host == authority->host);
  }
  if (const auto url = http::parse_url(text)) {
    PC_CHECK(url->target.starts_with('/') && !url->host.empty());
    PC_CHECK((url->target + url->authority).find_first_of(" \r\n#@") == std::string::npos ||
             url->target.contains('@'));
  }
  return 0;
}
