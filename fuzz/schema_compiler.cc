// Any bytes as a schema, in every dialect: compiling ends, and what was compiled checks in the same
// way by both of its ways.

#include "base/check.h"
#include "schema/schema.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace schema = portcullis::schema;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::array kDialects = {schema::kDraft2020, schema::kDraft2019, schema::kDraft7,
                                    schema::kDraft6,    schema::kDraft4,    schema::kOpenApi30,
                                    schema::kOpenApi31};
  constexpr std::array<std::string_view, 5> kInstances = {
      "null", "1.5", R"("abc")", R"([1,"a",[1],{"a":1}])",
      R"({"a":1,"b":[true,{"c":{}}],"foo":"bar","$id":"x"})"};
  schema::Options options;
  options.dialect = kDialects[data[0] % kDialects.size()];
  options.assert_formats = (data[0] & 0x80) != 0;
  options.assert_content = options.assert_formats;
  options.document_bytes = 1 << 16;
  options.depth = 64;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto compiled = schema::Schema::compile(text, options);
  if (!compiled) {
    PC_CHECK(!compiled.error().empty());
    return 0;
  }
  schema::Text instance;
  schema::Checker checker;
  for (const std::string_view one : kInstances) {
    PC_CHECK(instance.read(one).has_value());
    const bool valid = checker.check(compiled->program(), instance);
    PC_CHECK(valid == checker.explain(compiled->program(), instance, 10).empty());
  }
  return 0;
}
