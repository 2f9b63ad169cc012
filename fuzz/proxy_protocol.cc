// Any bytes as the front of a connection: a PROXY header is read within its bounds, no earlier than
// it is whole, the same however much stands behind it; and what it says can be written and read
// again.

#include "http/proxy_protocol.h"

#include "base/check.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace http = portcullis::http;

namespace {

std::string ends_of(const http::ProxyHeader& header) {
  return header.ends ? header.ends->source.to_string() + " " + header.ends->destination.to_string()
                     : std::string();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Its own memory, so that AddressSanitizer sees an access beside it.
  const std::vector<char> bytes(data, data + size);
  const std::string_view text(bytes.data(), bytes.size());
  const auto whole = http::parse_proxy_header(text);
  if (!whole) return 0;
  if (!*whole) {
    PC_CHECK(size < http::kMaximumProxyHeader);
    return 0;
  }
  const http::ProxyHeader& header = **whole;
  PC_CHECK(header.size > 0 && header.size <= size && header.size <= http::kMaximumProxyHeader);
  const auto alone = http::parse_proxy_header(text.substr(0, header.size));
  PC_CHECK(alone && *alone && (*alone)->size == header.size && ends_of(**alone) == ends_of(header));
  const auto early = http::parse_proxy_header(text.substr(0, header.size - 1));
  PC_CHECK(early && !*early);
  for (const auto version : {http::ProxyVersion::kV1, http::ProxyVersion::kV2}) {
    const auto again = http::parse_proxy_header(http::write_proxy_header(version, header.ends));
    PC_CHECK(again && *again && ends_of(**again) == ends_of(header));
  }
  return 0;
}
