// Which keywords a schema has, and where schemas are within a schema: by its dialect.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace portcullis::schema {

enum class Draft : std::uint8_t { k4, k6, k7, k2019, k2020, kOpenApi30 };

// Vocabularies (2019-09 on), as bits; an older draft has all of them.
enum Vocabulary : std::uint16_t {
  kCore = 1,
  kApplicator = 2,
  kValidation = 4,
  kUnevaluated = 8,
  kFormat = 16,
  kContent = 32,
  kMetaData = 64,
  kOpenApi = 128,  // discriminator, xml, externalDocs, example
  kEverything = 255 & ~128,
};

struct Dialect {
  Draft draft = Draft::k2020;
  std::uint16_t vocabularies = kEverything;
  bool asserts_format = false;  // by a vocabulary; options may ask for it as well

  // `$ref` is all that counts where it stands, `$id` with a fragment is an anchor.
  [[nodiscard]] bool ref_stands_alone() const {
    return draft <= Draft::k7 || draft == Draft::kOpenApi30;
  }
  [[nodiscard]] bool is_older_than_2019() const { return ref_stands_alone(); }
  friend bool operator==(const Dialect&, const Dialect&) = default;
};

inline constexpr Dialect kDraft4{Draft::k4};
inline constexpr Dialect kDraft6{Draft::k6};
inline constexpr Dialect kDraft7{Draft::k7};
inline constexpr Dialect kDraft2019{Draft::k2019};
inline constexpr Dialect kDraft2020{Draft::k2020};
inline constexpr Dialect kOpenApi30{Draft::kOpenApi30, kEverything | kOpenApi};
inline constexpr Dialect kOpenApi31{Draft::k2020, kEverything | kOpenApi};

// By the names of the command line: 2020-12, 2019-09, 7, 6, 4, openapi-3.0, openapi-3.1.
[[nodiscard]] std::optional<Dialect> find_dialect(std::string_view name);
// By the URI that `$schema` gives, with or without its empty fragment.
[[nodiscard]] std::optional<Dialect> find_dialect_of_uri(std::string_view uri);

struct VocabularyUri {
  std::uint16_t bit = 0;
  bool asserts_format = false;
};
[[nodiscard]] std::optional<VocabularyUri> find_vocabulary(std::string_view uri);

enum class Keyword : std::uint8_t {
  // core
  kId,
  kSchema,
  kRef,
  kAnchor,
  kDynamicRef,
  kDynamicAnchor,
  kRecursiveRef,
  kRecursiveAnchor,
  kVocabulary,
  kDefs,
  // applicators
  kAllOf,
  kAnyOf,
  kOneOf,
  kNot,
  kIf,
  kThen,
  kElse,
  kProperties,
  kPatternProperties,
  kAdditionalProperties,
  kPropertyNames,
  kDependentSchemas,
  kDependencies,
  kItems,
  kPrefixItems,
  kAdditionalItems,
  kContains,
  kUnevaluatedProperties,
  kUnevaluatedItems,
  // assertions
  kType,
  kNullable,
  kEnum,
  kConst,
  kMultipleOf,
  kMaximum,
  kExclusiveMaximum,
  kMinimum,
  kExclusiveMinimum,
  kMaxLength,
  kMinLength,
  kPattern,
  kFormat,
  kMaxItems,
  kMinItems,
  kUniqueItems,
  kMaxContains,
  kMinContains,
  kMaxProperties,
  kMinProperties,
  kRequired,
  kDependentRequired,
  kContentEncoding,
  kContentMediaType,
  kContentSchema,
  // annotations whose form is checked
  kDiscriminator,
};

// What the value of a keyword is made of.
enum class Holds : std::uint8_t {
  kNothing,       // no schemas
  kSchema,        // one
  kList,          // an array of them
  kMap,           // an object of them
  kSchemaOrList,  // `items` of old
  kDependencies,  // an object of schemas and arrays of names
};

struct KeywordRow {
  std::string_view name;
  Keyword keyword = Keyword::kId;
  std::uint8_t drafts = 0;  // a bit for each Draft
  std::uint16_t vocabulary = 0;
  Holds holds = Holds::kNothing;
};

// The keyword of that name in the dialect; nullptr when it has none.
[[nodiscard]] const KeywordRow* find_keyword(const Dialect& dialect, std::string_view name);
// Whether some dialect has a keyword of that name that asserts something.
[[nodiscard]] bool is_assertion_elsewhere(std::string_view name);

}  // namespace portcullis::schema
