// Parameters as an OpenAPI document describes them, and their values as a request has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::openapi {

enum class Place : std::uint8_t { kPath, kQuery, kHeader, kCookie };

enum class Style : std::uint8_t {
  kSimple,          // path, header
  kLabel,           // path
  kMatrix,          // path
  kForm,            // query, cookie
  kSpaceDelimited,  // query
  kPipeDelimited,   // query
  kDeepObject,      // query
  kContent,         // any place: `content` with a media type of JSON instead of a style
};

enum class Explode : std::uint8_t { kNo, kYes };

// What a scalar may be, as bits; none set: anything, so that it stays text.
enum ScalarType : std::uint8_t {
  kString = 1,
  kInteger = 2,
  kNumber = 4,
  kBoolean = 8,
  kNull = 16,
};

struct Property;

// As much of the schema as deserialising needs: where a text is cut, and what its pieces are.
// Whether the result is valid is the schema's business.
struct Shape {
  enum class Kind : std::uint8_t { kScalar, kArray, kObject };
  Kind kind = Kind::kScalar;
  std::uint8_t types = 0;  // of a scalar: ScalarType
  std::vector<Property> properties;
  std::shared_ptr<const Shape> items;  // of an array; anything when null
  // Of an object: what properties beyond those are. Null: they are no part of the parameter where
  // it is exploded, and text where it is not.
  std::shared_ptr<const Shape> additional;

  [[nodiscard]] const Shape* find(std::string_view property) const;
  // What one element of an array, or the property of an object, is.
  [[nodiscard]] const Shape& item() const;
  [[nodiscard]] const Shape& member(std::string_view property) const;
};

struct Property {
  std::string name;
  Shape shape;
};

inline const Shape kAnything{};

inline const Shape* Shape::find(std::string_view property) const {
  for (const Property& known : properties) {
    if (known.name == property) return &known.shape;
  }
  return nullptr;
}
inline const Shape& Shape::item() const { return items ? *items : kAnything; }
inline const Shape& Shape::member(std::string_view property) const {
  if (const Shape* known = find(property)) return *known;
  return additional ? *additional : kAnything;
}

struct Member;

// A value read from a request. Borrows from the request or from the arena it was read with.
struct Value {
  Shape::Kind kind = Shape::Kind::kScalar;
  std::string_view text;          // of a scalar, decoded: valid UTF-8 without NUL
  std::span<const Member> items;  // of an array (names empty) or an object, in the request's order
};

struct Member {
  std::string_view name;
  Value value;
};

struct ParameterDefinition {
  std::string name;
  Place place = Place::kQuery;
  Style style = Style::kForm;
  Explode explode = Explode::kYes;
  bool required = false;
  bool allow_reserved =
      false;  // of a query: written with RFC 3986's reserved characters as they are
  bool allow_empty_value = false;  // of a query: `?flag` and `?flag=` stand for no value at all
  Shape shape;
  std::optional<std::string> default_json;  // the schema's `default`, as JSON
};

// Bounds on what one request may bring, whatever the document says.
struct ParameterBounds {
  std::size_t pairs = 256;   // name=value pairs of a query or of cookies
  std::size_t items = 1024;  // elements and properties of one parameter
  std::size_t depth = 4;     // brackets in a name of deepObject
  std::size_t text = 16384;  // bytes of one parameter, decoded
};

}  // namespace portcullis::openapi
