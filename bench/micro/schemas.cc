// A body of 1 KB by its schema: reading it, checking what was read, and both.
#include "schema/schema.h"

#include <benchmark/benchmark.h>

#include <fstream>
#include <iterator>
#include <string>

namespace portcullis::schema {
namespace {

std::string slurp(const char* name) {
  std::ifstream file(std::string(PC_BENCH_SCHEMA "/") + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Schema order_schema() { return Schema::compile(slurp("order.schema.json")).value(); }

void schema_read(benchmark::State& state) {
  const std::string order = slurp("order.json");
  Text text;
  for (auto _ : state) {
    if (!text.read(order)) return state.SkipWithError("no JSON");
  }
}
BENCHMARK(schema_read);

void schema_check(benchmark::State& state) {
  const Schema schema = order_schema();
  const std::string order = slurp("order.json");
  Text text;
  Checker checker;
  if (!text.read(order)) return state.SkipWithError("no JSON");
  for (auto _ : state) {
    if (!checker.check(schema.program(), text)) return state.SkipWithError("not valid");
  }
}
BENCHMARK(schema_check);

void schema_read_and_check(benchmark::State& state) {
  const Schema schema = order_schema();
  const std::string order = slurp("order.json");
  Text text;
  Checker checker;
  for (auto _ : state) {
    if (!text.read(order) || !checker.check(schema.program(), text)) {
      return state.SkipWithError("not valid");
    }
  }
}
BENCHMARK(schema_read_and_check);

}  // namespace
}  // namespace portcullis::schema
