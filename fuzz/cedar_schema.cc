// Schemas of both syntaxes: what is read is written as JSON that reads the same, and as text that
// does too where the human syntax can say it; resolving ends.

#include "base/check.h"
#include "cedar/schema.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cedar = portcullis::cedar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto source = cedar::parse_schema(text, {.size = 1 << 20, .depth = 16});
  if (!source) return 0;
  const std::string json = cedar::write_schema_json(*source);
  const auto again = cedar::parse_schema_json(json, {.size = SIZE_MAX, .depth = 16});
  PC_CHECK(again.has_value());
  PC_CHECK(cedar::write_schema_json(*again) == json);
  if (const auto human = cedar::write_schema_text(*source))
    PC_CHECK(cedar::parse_schema_text(*human, {.size = SIZE_MAX, .depth = 16}).has_value());
  const bool resolved = cedar::Schema::resolve(*source).has_value();
  PC_CHECK(resolved == cedar::Schema::resolve(*again).has_value());
  return 0;
}
