// A byte that chooses a definition, then what a request has for it. Whatever is read is written,
// and reads the same again.

#include "openapi/parameters.h"

#include "base/check.h"
#include "openapi/parameter_text.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace openapi = portcullis::openapi;

namespace {

std::vector<openapi::ParameterDefinition> make_definitions() {
  using enum openapi::Place;
  using enum openapi::Style;
  openapi::Shape array;
  array.kind = openapi::Shape::Kind::kArray;
  openapi::Shape object;
  object.kind = openapi::Shape::Kind::kObject;
  object.properties = {{"a", {}}, {"b", array}};
  object.additional = std::make_shared<const openapi::Shape>();
  openapi::Shape flat = object;
  flat.properties = {{"a", {}}};
  std::vector<openapi::ParameterDefinition> all;
  for (const openapi::Shape& shape : {openapi::Shape{}, array, flat, object}) {
    for (const auto place : {kPath, kQuery, kHeader, kCookie}) {
      for (const auto style : {kSimple, kLabel, kMatrix, kForm, kSpaceDelimited, kPipeDelimited,
                               kDeepObject, kContent}) {
        for (const auto explode : {openapi::Explode::kNo, openapi::Explode::kYes}) {
          openapi::ParameterDefinition definition;
          definition.name = "p";
          definition.place = place;
          definition.style = style;
          definition.explode = explode;
          definition.allow_reserved = explode == openapi::Explode::kYes;
          definition.shape = shape;
          if (openapi::check_definition(definition)) all.push_back(std::move(definition));
        }
      }
    }
  }
  return all;
}

openapi::MaybeValue read(const openapi::ParameterDefinition& definition, std::string_view raw,
                         portcullis::Arena& arena) {
  const openapi::ParameterBounds bounds;
  if (definition.place == openapi::Place::kPath)
    return openapi::read_path_parameter(definition, raw, bounds, arena);
  if (definition.place == openapi::Place::kHeader)
    return openapi::read_header_parameter(definition, raw, bounds, arena);
  const auto pairs = definition.place == openapi::Place::kQuery
                         ? openapi::read_query(raw, bounds, arena)
                         : openapi::read_cookies(raw, bounds, arena);
  if (!pairs) return std::unexpected(pairs.error());
  return openapi::read_pair_parameter(definition, *pairs, bounds, arena);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<openapi::ParameterDefinition> definitions = make_definitions();
  if (size == 0) return 0;
  const openapi::ParameterDefinition& definition = definitions[data[0] % definitions.size()];
  const std::string_view raw(reinterpret_cast<const char*>(data + 1), size - 1);
  portcullis::Arena arena;
  const auto value = read(definition, raw, arena);
  if (!value || !*value) return 0;
  std::string json;
  openapi::append_json(json, definition, **value);
  std::string text;
  openapi::append_parameter(text, definition, **value);
  // Bounds on what comes in can refuse what grew by being encoded.
  const auto again = read(definition, text, arena);
  if (!again && again.error().detail.contains("too long")) return 0;
  PC_CHECK(again.has_value() && again->has_value());
  std::string same;
  openapi::append_json(same, definition, **again);
  PC_CHECK(same == json);
  return 0;
}
