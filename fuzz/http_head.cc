// Any bytes as a request head: found whole or piece by piece alike, read without harm, and what is
// accepted holds what the gateway builds on.

#include "base/check.h"
#include "http/head.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace http = portcullis::http;

namespace {

std::optional<std::size_t> find_end(std::string_view text) {
  http::HeadScanner whole;
  const auto found = whole.scan(text);
  // However the bytes arrive, the verdict is the same.
  http::HeadScanner piecewise;
  std::optional<std::size_t> size;
  bool refused = false;
  for (std::size_t n = 1; n <= text.size() && !size && !refused; ++n) {
    const auto step = piecewise.scan(text.substr(0, n));
    refused = !step;
    if (step) size = *step;
  }
  PC_CHECK(refused == !found);
  PC_CHECK(refused || *found == size);
  return size;
}

void check_field(const http::Field& field) {
  PC_CHECK(http::is_token(field.name));
  PC_CHECK(std::ranges::none_of(field.name, [](char c) { return c >= 'A' && c <= 'Z'; }));
  PC_CHECK(field.id == http::identify_field(field.name));
  // Nothing that could end a line where the field is written again.
  PC_CHECK(std::ranges::none_of(field.value, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  }));
  PC_CHECK(field.value.empty() || (field.value.front() != ' ' && field.value.front() != '\t' &&
                                   field.value.back() != ' ' && field.value.back() != '\t'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = find_end(text);
  if (!end) return 0;
  std::vector<char> head(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*end));
  portcullis::Arena arena;
  http::Request request(arena);
  const auto facts = http::parse_request_head(head, http::HeadLimits{.fields = 50},
                                              http::PathRules{}, arena, request);
  if (!facts) {
    PC_CHECK(facts.error().source == portcullis::ErrorSource::kClient);
    return 0;
  }
  PC_CHECK(http::is_token(request.method_text));
  if (request.path == "*") {
    PC_CHECK(request.method == http::Method::kOptions);
  } else {
    PC_CHECK(request.path.starts_with('/') && !request.path.contains("//") &&
             !request.path.contains("/../"));
  }
  PC_CHECK(http::check_query(request.query).has_value());
  PC_CHECK(request.fields.size() <= 50);
  for (const http::Field& field : request.fields) check_field(field);
  PC_CHECK(request.fields.count(http::FieldId::kContentLength) +
               request.fields.count(http::FieldId::kTransferEncoding) <=
           1);
  PC_CHECK(request.fields.count(http::FieldId::kHost) <= 1);
  PC_CHECK(facts->version == http::Version::kHttp10 || !request.host.empty());
  PC_CHECK(facts->chunked == (request.body == http::BodyKind::kUnknown));
  return 0;
}
