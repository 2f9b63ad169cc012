// Any bytes as a chunked body: the same payload, end and verdict whether they come whole or in
// pieces (whose size is the first octet), and nothing taken that does not belong to the body.

#include "http/chunked.h"

#include "base/check.h"
#include "http/head.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace http = portcullis::http;

namespace {

struct Read {
  bool failed = false;
  bool done = false;
  std::size_t consumed = 0;
  std::string data;
  std::string trailers;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view text, std::size_t piece_size) {
  http::ChunkedReader reader(256);
  Read result;
  while (!text.empty() && !reader.done()) {
    const std::string_view from = text.substr(0, piece_size);
    // Its own memory, so that AddressSanitizer sees an access beside it.
    std::vector<char> piece(from.begin(), from.end());
    const auto step = reader.feed(piece);
    if (!step) {
      return {.failed = true, .done = false, .consumed = 0, .data = {}, .trailers = {}};
    }
    PC_CHECK(step->consumed <= piece.size() && step->data.size() <= step->consumed);
    PC_CHECK(step->data.empty() || step->data.data() == piece.data());
    PC_CHECK(reader.done() || step->consumed == piece.size());
    result.consumed += step->consumed;
    result.data += step->data;
    text.remove_prefix(piece.size());
  }
  result.done = reader.done();
  if (result.done)
    result.trailers.assign(reader.trailer_section().begin(), reader.trailer_section().end());
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Read whole = read(text, std::max<std::size_t>(text.size(), 1));
  PC_CHECK(read(text, 1 + data[0] % 16U) == whole);
  if (!whole.done) return 0;
  PC_CHECK(whole.trailers.size() <= 256 && whole.trailers.ends_with("\r\n"));
  std::string section = whole.trailers;
  portcullis::Arena arena;
  http::Fields trailers(arena);
  if (!http::parse_trailers({section.data(), section.size()}, 8, trailers)) return 0;
  PC_CHECK(trailers.size() <= 8);
  for (const http::Field& field : trailers) PC_CHECK(field.id != http::FieldId::kContentLength);
  return 0;
}
