// Reading and writing heads: what HTTP itself costs a request.
#include "http/head.h"
#include "http/head_writer.h"
#include "http/path.h"

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <string_view>

namespace portcullis::http {
namespace {

// As a browser sends it: about 400 bytes, 10 fields.
constexpr std::string_view kHead =
    "GET /v1/orders/42?status=open&page=3 HTTP/1.1\r\n"
    "Host: api.example.test\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: application/json\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Origin: https://shop.example.test\r\n"
    "Referer: https://shop.example.test/orders\r\n"
    "Sec-Fetch-Mode: cors\r\n"
    "Sec-Fetch-Site: same-site\r\n"
    "Connection: keep-alive\r\n"
    "\r\n";

// Finding the head's end, and parsing it in place (the copy that is parsed is part of it).
void read_head(benchmark::State& state) {
  char buffer[kHead.size()];
  alignas(std::max_align_t) std::byte memory[8192];
  for (auto _ : state) {
    std::memcpy(buffer, kHead.data(), kHead.size());
    HeadScanner scanner;
    auto size = scanner.scan({buffer, kHead.size()});
    Arena arena(memory, sizeof memory);
    Request request(arena);
    auto facts =
        parse_request_head({buffer, sizeof buffer}, HeadLimits{}, PathRules{}, arena, request);
    if (!size || !*size || !facts) return state.SkipWithError("the head was refused");
    benchmark::DoNotOptimize(request);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kHead.size()));
}
BENCHMARK(read_head);

void canonical(benchmark::State& state, std::string_view raw) {
  alignas(std::max_align_t) std::byte memory[4096];
  for (auto _ : state) {
    Arena arena(memory, sizeof memory);
    auto path = canonical_path(raw, PathRules{}, arena);
    if (!path) return state.SkipWithError("the path was refused");
    benchmark::DoNotOptimize(*path);
  }
}
BENCHMARK_CAPTURE(canonical, path_as_it_should_be, "/v1/customers/4711/orders/42");
BENCHMARK_CAPTURE(canonical, path_with_work, "/v1/%63ustomers/./4711/x/../orders/caf%c3%a9");

// The head of row 1 as it goes upstream: the client's fields and five of ours.
void write_head(benchmark::State& state) {
  char buffer[kHead.size()];
  std::memcpy(buffer, kHead.data(), kHead.size());
  Arena arena;
  Request request(arena);
  if (!parse_request_head({buffer, sizeof buffer}, HeadLimits{}, PathRules{}, arena, request))
    return state.SkipWithError("the head was refused");
  runtime::BufferPool pool;
  for (auto _ : state) {
    HeadWriter out(pool);
    out.put(request.method_text).put(" ").put(request.path).put("?").put(request.query);
    out.put(" HTTP/1.1\r\n").field("host", request.authority);
    for (const Field& field : request.fields) {
      if (field.id == FieldId::kHost || field.id == FieldId::kConnection) continue;
      out.field(field.name, field.value);
    }
    out.field("x-forwarded-for", "203.0.113.9").field("x-forwarded-proto", "https");
    out.field("x-forwarded-host", request.authority).field("via", "1.1 portcullis");
    out.field("x-request-id", "5c6349417e6159c44fb3ecb7cd7f9c6a").put("\r\n");
    benchmark::DoNotOptimize(out.text());
  }
}
BENCHMARK(write_head);

}  // namespace
}  // namespace portcullis::http
