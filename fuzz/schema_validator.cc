// Any bytes as an instance of a schema that has every keyword. What json/ reads, this reads too;
// both ways of checking agree.

#include "base/check.h"
#include "json/value.h"
#include "schema/schema.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace json = portcullis::json;
namespace schema = portcullis::schema;

namespace {

constexpr std::string_view kSchema = R"json({
  "$id": "https://example.com/s", "$dynamicAnchor": "node",
  "type": ["object", "array", "string", "number", "null"],
  "minimum": -5.5, "exclusiveMaximum": 18446744073709551616, "multipleOf": 0.25,
  "minLength": 1, "maxLength": 20, "pattern": "^[a-zé]+$|x", "format": "date",
  "minItems": 1, "maxItems": 50, "uniqueItems": true,
  "prefixItems": [{ "type": ["integer", "string", "array"] }],
  "contains": { "not": { "const": { "a": [1, "é"] } } }, "minContains": 0, "maxContains": 40,
  "unevaluatedItems": { "$dynamicRef": "#node" },
  "properties": {
    "id": { "type": "integer" }, "items": { "$ref": "#" },
    "kind": { "enum": ["a", "b", 1, 2.5, null, [1], { "x": true }] }
  },
  "patternProperties": { "^p": { "oneOf": [{ "type": "string" }, { "minLength": 3 }] } },
  "propertyNames": { "maxLength": 30 },
  "minProperties": 0, "maxProperties": 40,
  "dependentRequired": { "id": ["kind"] },
  "dependentSchemas": { "kind": { "required": ["id"] } },
  "if": { "required": ["items"] }, "then": { "properties": { "extra": true } },
  "anyOf": [{ "properties": { "any": true } }, { "type": "object" }, true],
  "unevaluatedProperties": { "$dynamicRef": "#node" }
})json";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto kCompiled = schema::Schema::compile(kSchema, {.assert_formats = true});
  PC_CHECK(kCompiled.has_value());
  static schema::Text instance;
  static schema::Checker checker;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bool read = instance.read(text, {.size = 1 << 16}).has_value();
  const auto document = json::Document::parse(text, {.size = 1 << 16, .depth = 32});
  PC_CHECK(read || !document);
  if (!read) return 0;
  const bool valid = checker.check(kCompiled->program(), instance);
  PC_CHECK(valid == checker.explain(kCompiled->program(), instance, 10).empty());
  return 0;
}
