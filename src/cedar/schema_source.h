// A schema as it is written: what both syntaxes, the human one and the JSON one, say, before any
// name in it is looked up. Each can be read into this form and written from it, which is how one
// syntax is converted to the other.
//
// Reference: docs.cedarpolicy.com, "Human-readable schema format" and "JSON schema format".
#pragma once

#include "cedar/source.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portcullis::cedar {

using Findings = std::vector<Finding>;

// More than these are not collected from one text: the first are what a reader mends.
inline constexpr std::size_t kMaxFindings = 100;

// Where something was written. A human text has bytes; JSON, whose reader keeps no positions, has a
// JSON Pointer (RFC 6901), which messages begin with.
struct Where {
  Span at;
  std::string pointer;
};

// A finding at that place.
[[nodiscard]] Finding finding_at(const Where& where, std::string message, std::string help = {});

// `@name("value")`, in the order of writing; the value may be left out.
using Annotations = std::vector<std::pair<std::string, std::optional<std::string>>>;

struct SourceAttribute;

struct SourceType {
  enum class Kind : std::uint8_t {
    kString,
    kLong,
    kBoolean,
    kSet,
    kRecord,
    kEntity,          // `name` is an entity type
    kEntityOrCommon,  // `name` is one or the other: all that the human syntax can say
    kCommon,          // `name` is a common type
    kExtension,       // `name` is an extension type
  };
  Kind kind = Kind::kRecord;
  std::string name;                         // as written, `A::B` with no blanks
  std::vector<SourceType> element;          // of a set: exactly one
  std::vector<SourceAttribute> attributes;  // of a record, in the order of writing
  Where where;
};

struct SourceAttribute {
  std::string name;
  SourceType type;
  bool required = true;
  Annotations annotations;
  Where where;
};

struct SourceName {
  std::string name;  // of an entity type, as written
  Where where;
};

struct SourceEntity {
  std::string name;
  Annotations annotations;
  std::vector<SourceName> parents;  // memberOfTypes
  SourceType shape;                 // an empty record when there is none
  std::optional<SourceType> tags;
  std::vector<std::string> choices;  // of an enumerated entity type; then it has nothing else
  Where where;
};

struct SourceActionName {
  std::string type;  // empty: `Action` of the namespace
  std::string id;
  Where where;
};

struct SourceAppliesTo {
  std::vector<SourceName> principals;
  std::vector<SourceName> resources;
  SourceType context;
};

struct SourceAction {
  std::string id;
  Annotations annotations;
  std::vector<SourceActionName> parents;  // memberOf
  std::optional<SourceAppliesTo> applies_to;
  Where where;
};

struct SourceCommonType {
  std::string name;
  Annotations annotations;
  SourceType type;
  Where where;
};

struct SourceNamespace {
  std::string name;  // empty for what is declared outside of any
  Annotations annotations;
  std::vector<SourceCommonType> common_types;
  std::vector<SourceEntity> entities;
  std::vector<SourceAction> actions;
  Where where;
};

struct SchemaSource {
  std::vector<SourceNamespace> namespaces;  // each name once
};

struct SchemaBounds {
  std::size_t size = 16 * 1024 * 1024;  // bytes of the text
  std::uint32_t depth = 64;             // sets and records within each other
};

// Reads the human syntax. Findings are positioned by byte.
[[nodiscard]] std::expected<SchemaSource, Findings> parse_schema_text(
    std::string_view text, const SchemaBounds& bounds = {});

// Reads the JSON syntax. Findings are positioned by JSON Pointer.
[[nodiscard]] std::expected<SchemaSource, Findings> parse_schema_json(
    std::string_view text, const SchemaBounds& bounds = {});

// Whichever it is: JSON begins with `{`, which the human syntax cannot.
[[nodiscard]] std::expected<SchemaSource, Findings> parse_schema(std::string_view text,
                                                                 const SchemaBounds& bounds = {});

// Fails for what only JSON can say: a shape that is not written out, and a name that is both an
// entity type and a common type of one namespace.
[[nodiscard]] std::expected<std::string, Findings> write_schema_text(const SchemaSource& schema);

[[nodiscard]] std::string write_schema_json(const SchemaSource& schema);

// Words that no name of a type, namespace or attribute can be without quotes.
[[nodiscard]] bool is_reserved_word(std::string_view word);
// `A::B::C`, of identifiers that are not reserved.
[[nodiscard]] bool is_path(std::string_view text);

}  // namespace portcullis::cedar
