// What an upstream may send over HTTP/2, whole or in pieces, while requests are sent, read and
// given up. The first byte of each step says what happens, the second how many bytes of the rest
// arrive.
#include "http2/client_session.h"
#include "http2/client_stream.h"
#include "runtime/testing/runner.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace portcullis::http2 {
namespace {

const http::Field kHead[] = {
    {":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a.test"}};

// Asks, and reads what comes until it fails or ends.
Task<void> ask(ClientStream& stream, http::Method method, bool with_body) {
  const TimePoint never = kNoDeadline;
  const auto more = with_body ? http::More::kYes : http::More::kNo;
  const auto sent = co_await stream.send_head(
      {.text = {}, .fields = kHead, .body = http::BodyKind::kUnknown}, {{}, more}, never);
  if (!sent) co_return;
  Arena arena;
  std::optional<std::uint64_t> promised;
  for (;;) {
    http::Response response(arena);
    const auto head = co_await stream.read_head(method, response, never);
    if (!head) co_return;
    // What is passed on holds nothing that could be a line of its own.
    for (const http::Field& field : response.fields) {
      if (field.name.find_first_of("\r\n:") != std::string_view::npos ||
          field.value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
        __builtin_trap();
    }
    if (response.status < 100 || response.status > 599) __builtin_trap();
    if (response.body == http::BodyKind::kLength) promised = response.content_length;
    if (response.status >= 200) break;
  }
  std::uint64_t size = 0;
  for (;;) {
    const auto piece = co_await stream.read_body(never);
    if (!piece) co_return;
    if (piece->empty()) break;
    size += piece->size();
  }
  // An answer is whole, or it fails.
  if (promised && size != *promised) __builtin_trap();
  http::Fields trailers(arena);
  if (!stream.read_trailers(trailers)) co_return;
}

struct Asking {
  std::unique_ptr<ClientStream> stream;
  TaskGroup tasks;
};

Task<void> play(Loop& loop, std::string_view script) {
  runtime::testing::Pair pair(loop);
  const auto session = std::make_shared<ClientSession>(std::move(pair.a));
  std::vector<std::unique_ptr<Asking>> asking;
  std::vector<char> sink(65536);
  while (script.size() >= 2) {
    const auto what = static_cast<unsigned char>(script[0]);
    const std::size_t count = static_cast<unsigned char>(script[1]) * std::size_t{4};
    script.remove_prefix(2);
    switch (what % 4) {
      case 0:
        if (session->has_room() && asking.size() < 8) {
          asking.push_back(std::make_unique<Asking>());
          Asking& one = *asking.back();
          one.stream = ClientSession::open(session);
          one.tasks.spawn(ask(*one.stream,
                              (what & 4U) != 0 ? http::Method::kHead : http::Method::kGet,
                              (what & 8U) != 0));
        }
        break;
      case 1:
        if (!asking.empty()) {
          asking.back()->stream->abandon();
          asking.back()->stream->cancel_send();
          co_await asking.back()->tasks.join();
          asking.pop_back();
        }
        break;
      default: {
        const std::string_view bytes = script.substr(0, count);
        script.remove_prefix(bytes.size());
        session->feed(bytes);
        break;
      }
    }
    while (session->collect(sink) > 0) {
    }
    co_await loop.yield();
  }
  session->close("over");
  for (const auto& one : asking) {
    co_await one->tasks.join();
    one->stream.reset();
  }
}

}  // namespace
}  // namespace portcullis::http2

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  portcullis::runtime::testing::Runner runner;
  runner.run(portcullis::http2::play(runner.loop, {reinterpret_cast<const char*>(bytes), size}));
  return 0;
}
