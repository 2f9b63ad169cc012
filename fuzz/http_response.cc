// Any bytes as an upstream's response: its first octet chooses the method that it answers. Read
// without harm, every refusal laid at the upstream's door, and nothing accepted that could end a
// line where it is written again.

#include "base/check.h"
#include "http/head.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace http = portcullis::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::array kMethods = {http::Method::kGet, http::Method::kHead, http::Method::kPost};
  const http::Method method = kMethods[data[0] % kMethods.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::HeadScanner scanner;
  const auto end = scanner.scan(text);
  if (!end || !*end) return 0;
  std::vector<char> head(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(**end));
  portcullis::Arena arena;
  http::Response response(arena);
  const auto facts =
      http::parse_response_head(head, http::HeadLimits{.fields = 50}, method, response);
  if (!facts) {
    PC_CHECK(facts.error().code == portcullis::ErrorCode::kUpstreamBroken);
    PC_CHECK(facts.error().source == portcullis::ErrorSource::kUpstream);
    return 0;
  }
  PC_CHECK(response.status >= 100 && response.status <= 599);
  for (const http::Field& field : response.fields) {
    PC_CHECK(http::is_token(field.name));
    PC_CHECK(std::ranges::none_of(field.value, [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    }));
  }
  // RFC 9112 6.3: no content, whatever the fields say.
  if (method == http::Method::kHead || response.status < 200 || response.status == 204 ||
      response.status == 304) {
    PC_CHECK(response.body == http::BodyKind::kNone);
  }
  // A body that only the end of the connection ends leaves no connection.
  if (response.body == http::BodyKind::kUnknown && !facts->chunked) PC_CHECK(!facts->keep_alive);
  return 0;
}
