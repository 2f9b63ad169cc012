#include "schema/dialect.h"

#include <algorithm>
#include <array>

namespace portcullis::schema {
namespace {

constexpr std::uint8_t bit(Draft draft) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(draft));
}
constexpr std::uint8_t k20 = bit(Draft::k2020);
constexpr std::uint8_t k19 = bit(Draft::k2019);
constexpr std::uint8_t kNew = k19 | k20;
constexpr std::uint8_t kFrom7 = kNew | bit(Draft::k7);
constexpr std::uint8_t kFrom6 = kFrom7 | bit(Draft::k6);
constexpr std::uint8_t kJson = kFrom6 | bit(Draft::k4);
constexpr std::uint8_t kAll = kJson | bit(Draft::kOpenApi30);
constexpr std::uint8_t kOld = kJson & ~k20;  // until 2019-09
constexpr std::uint8_t kOnly30 = bit(Draft::kOpenApi30);

using K = Keyword;
using H = Holds;

// Sorted by name; a name may be there twice, for different drafts. `definitions` is looked through
// in the new drafts too, and `dependencies` asserted, as their metaschemas describe both.
constexpr std::array kRows = {
    KeywordRow{"$anchor", K::kAnchor, kNew, kCore},
    KeywordRow{"$defs", K::kDefs, kNew, kCore, H::kMap},
    KeywordRow{"$dynamicAnchor", K::kDynamicAnchor, k20, kCore},
    KeywordRow{"$dynamicRef", K::kDynamicRef, k20, kCore},
    KeywordRow{"$id", K::kId, kFrom6, kCore},
    KeywordRow{"$recursiveAnchor", K::kRecursiveAnchor, k19, kCore},
    KeywordRow{"$recursiveRef", K::kRecursiveRef, k19, kCore},
    KeywordRow{"$ref", K::kRef, kAll, kCore},
    KeywordRow{"$schema", K::kSchema, kJson, kCore},
    KeywordRow{"$vocabulary", K::kVocabulary, kNew, kCore},
    KeywordRow{"additionalItems", K::kAdditionalItems, kOld, kApplicator, H::kSchema},
    KeywordRow{"additionalProperties", K::kAdditionalProperties, kAll, kApplicator, H::kSchema},
    KeywordRow{"allOf", K::kAllOf, kAll, kApplicator, H::kList},
    KeywordRow{"anyOf", K::kAnyOf, kAll, kApplicator, H::kList},
    KeywordRow{"const", K::kConst, kFrom6, kValidation},
    KeywordRow{"contains", K::kContains, kFrom6, kApplicator, H::kSchema},
    KeywordRow{"contentEncoding", K::kContentEncoding, kFrom7, kContent},
    KeywordRow{"contentMediaType", K::kContentMediaType, kFrom7, kContent},
    KeywordRow{"contentSchema", K::kContentSchema, kNew, kContent, H::kSchema},
    KeywordRow{"definitions", K::kDefs, kJson, kCore, H::kMap},
    KeywordRow{"dependencies", K::kDependencies, kJson, kApplicator, H::kDependencies},
    KeywordRow{"dependentRequired", K::kDependentRequired, kNew, kValidation},
    KeywordRow{"dependentSchemas", K::kDependentSchemas, kNew, kApplicator, H::kMap},
    KeywordRow{"discriminator", K::kDiscriminator, kAll, kOpenApi},
    KeywordRow{"else", K::kElse, kFrom7, kApplicator, H::kSchema},
    KeywordRow{"enum", K::kEnum, kAll, kValidation},
    KeywordRow{"exclusiveMaximum", K::kExclusiveMaximum, kAll, kValidation},
    KeywordRow{"exclusiveMinimum", K::kExclusiveMinimum, kAll, kValidation},
    KeywordRow{"format", K::kFormat, kAll, Vocabulary::kFormat},
    KeywordRow{"id", K::kId, bit(Draft::k4), kCore},
    KeywordRow{"if", K::kIf, kFrom7, kApplicator, H::kSchema},
    KeywordRow{"items", K::kItems, k20 | kOnly30, kApplicator, H::kSchema},
    KeywordRow{"items", K::kItems, kOld, kApplicator, H::kSchemaOrList},
    KeywordRow{"maxContains", K::kMaxContains, kNew, kValidation},
    KeywordRow{"maxItems", K::kMaxItems, kAll, kValidation},
    KeywordRow{"maxLength", K::kMaxLength, kAll, kValidation},
    KeywordRow{"maxProperties", K::kMaxProperties, kAll, kValidation},
    KeywordRow{"maximum", K::kMaximum, kAll, kValidation},
    KeywordRow{"minContains", K::kMinContains, kNew, kValidation},
    KeywordRow{"minItems", K::kMinItems, kAll, kValidation},
    KeywordRow{"minLength", K::kMinLength, kAll, kValidation},
    KeywordRow{"minProperties", K::kMinProperties, kAll, kValidation},
    KeywordRow{"minimum", K::kMinimum, kAll, kValidation},
    KeywordRow{"multipleOf", K::kMultipleOf, kAll, kValidation},
    KeywordRow{"not", K::kNot, kAll, kApplicator, H::kSchema},
    KeywordRow{"nullable", K::kNullable, kOnly30, kValidation},
    KeywordRow{"oneOf", K::kOneOf, kAll, kApplicator, H::kList},
    KeywordRow{"pattern", K::kPattern, kAll, kValidation},
    KeywordRow{"patternProperties", K::kPatternProperties, kJson, kApplicator, H::kMap},
    KeywordRow{"prefixItems", K::kPrefixItems, k20, kApplicator, H::kList},
    KeywordRow{"properties", K::kProperties, kAll, kApplicator, H::kMap},
    KeywordRow{"propertyNames", K::kPropertyNames, kFrom6, kApplicator, H::kSchema},
    KeywordRow{"required", K::kRequired, kAll, kValidation},
    KeywordRow{"then", K::kThen, kFrom7, kApplicator, H::kSchema},
    KeywordRow{"type", K::kType, kAll, kValidation},
    // In 2019-09 both belong to the applicators: find_vocabulary gives both bits.
    KeywordRow{"unevaluatedItems", K::kUnevaluatedItems, kNew, kUnevaluated, H::kSchema},
    KeywordRow{"unevaluatedProperties", K::kUnevaluatedProperties, kNew, kUnevaluated, H::kSchema},
    KeywordRow{"uniqueItems", K::kUniqueItems, kAll, kValidation},
};
static_assert(std::ranges::is_sorted(kRows, {}, &KeywordRow::name));

struct DialectName {
  std::string_view name;
  std::string_view uri;
  Dialect dialect;
};
constexpr std::array kDialects = {
    DialectName{"2020-12", "https://json-schema.org/draft/2020-12/schema", kDraft2020},
    DialectName{"2019-09", "https://json-schema.org/draft/2019-09/schema", kDraft2019},
    DialectName{"7", "http://json-schema.org/draft-07/schema", kDraft7},
    DialectName{"6", "http://json-schema.org/draft-06/schema", kDraft6},
    DialectName{"4", "http://json-schema.org/draft-04/schema", kDraft4},
    DialectName{"openapi-3.0", "", kOpenApi30},
    DialectName{"openapi-3.1", "https://spec.openapis.org/oas/3.1/dialect/base", kOpenApi31},
};

struct VocabularyName {
  std::string_view name;
  VocabularyUri vocabulary;
};
constexpr std::array kVocabularies = {
    VocabularyName{"2020-12/vocab/core", {kCore}},
    VocabularyName{"2020-12/vocab/applicator", {kApplicator}},
    VocabularyName{"2020-12/vocab/unevaluated", {kUnevaluated}},
    VocabularyName{"2020-12/vocab/validation", {kValidation}},
    VocabularyName{"2020-12/vocab/meta-data", {kMetaData}},
    VocabularyName{"2020-12/vocab/format-annotation", {Vocabulary::kFormat}},
    VocabularyName{"2020-12/vocab/format-assertion", {Vocabulary::kFormat, true}},
    VocabularyName{"2020-12/vocab/content", {kContent}},
    VocabularyName{"2019-09/vocab/core", {kCore}},
    VocabularyName{"2019-09/vocab/applicator", {kApplicator | kUnevaluated}},
    VocabularyName{"2019-09/vocab/validation", {kValidation}},
    VocabularyName{"2019-09/vocab/meta-data", {kMetaData}},
    VocabularyName{"2019-09/vocab/format", {Vocabulary::kFormat}},
    VocabularyName{"2019-09/vocab/content", {kContent}},
};

}  // namespace

std::optional<Dialect> find_dialect(std::string_view name) {
  for (const DialectName& row : kDialects) {
    if (row.name == name) return row.dialect;
  }
  return std::nullopt;
}

std::optional<Dialect> find_dialect_of_uri(std::string_view uri) {
  if (uri.ends_with('#')) uri.remove_suffix(1);
  for (const DialectName& row : kDialects) {
    if (!uri.empty() && row.uri == uri) return row.dialect;
  }
  return std::nullopt;
}

std::optional<VocabularyUri> find_vocabulary(std::string_view uri) {
  constexpr std::string_view kBase = "https://json-schema.org/draft/";
  if (uri == "https://spec.openapis.org/oas/3.1/vocab/base") return VocabularyUri{kOpenApi, false};
  if (!uri.starts_with(kBase)) return std::nullopt;
  uri.remove_prefix(kBase.size());
  for (const VocabularyName& row : kVocabularies) {
    if (row.name == uri) return row.vocabulary;
  }
  return std::nullopt;
}

const KeywordRow* find_keyword(const Dialect& dialect, std::string_view name) {
  const auto [begin, end] = std::ranges::equal_range(kRows, name, {}, &KeywordRow::name);
  for (const KeywordRow& row : std::ranges::subrange(begin, end)) {
    if ((row.drafts & bit(dialect.draft)) == 0) continue;
    return (dialect.vocabularies & row.vocabulary) != 0 ? &row : nullptr;
  }
  return nullptr;
}

bool is_assertion_elsewhere(std::string_view name) {
  const auto row = std::ranges::lower_bound(kRows, name, {}, &KeywordRow::name);
  return row != kRows.end() && row->name == name &&
         (row->vocabulary & (kApplicator | kUnevaluated | kValidation)) != 0;
}

}  // namespace portcullis::schema
