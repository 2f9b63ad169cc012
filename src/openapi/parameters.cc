#include "openapi/parameters.h"

#include "base/ascii.h"
#include "openapi/decode.h"
#include "openapi/deep_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

namespace portcullis::openapi {

namespace {

using Kind = Shape::Kind;

std::unexpected<Error> bad(std::string_view what) {
  return refuse(ErrorCode::kMalformedRequest, std::string(what));
}

// How the pieces of one raw text are told apart and decoded.
struct Rules {
  // Any of them; what is empty is none.
  std::array<std::string_view, 3> dividers = {","};
  Plus plus = Plus::kItself;
  bool encoded = true;  // percent-encoding; header fields have none, and blanks around pieces
};

class Reader {
 public:
  Reader(const Rules& rules, const ParameterBounds& bounds, Arena& arena)
      : rules_(rules), bounds_(bounds), arena_(arena) {}

  Result<std::string_view> text(std::string_view raw) const {
    if (raw.size() > 3 * bounds_.text) return bad("too long");
    std::string_view decoded = raw;
    if (rules_.encoded) {
      PC_TRY(decoded, decode_text(raw, rules_.plus, arena_));
    } else {
      decoded = trim(raw);
      PC_CHECK_OK(check_text(decoded));
    }
    if (decoded.size() > bounds_.text) return bad("too long");
    return decoded;
  }

  Result<Value> scalar(std::string_view raw) const {
    PC_TRY(const std::string_view decoded, text(raw));
    return Value{Kind::kScalar, decoded, {}};
  }

  // `a,b,c`
  Result<Value> array(std::string_view raw) const {
    PC_TRY(Member* const members, room(raw));
    std::size_t count = 0;
    for (std::optional<std::string_view> piece = next(raw); piece; piece = next(raw)) {
      PC_TRY(const Value value, scalar(*piece));
      new (&members[count++]) Member{{}, value};
    }
    return Value{Kind::kArray, {}, std::span(members, count)};
  }

  // `R,100,G,200`
  Result<Value> object(std::string_view raw) const {
    PC_TRY(Member* const members, room(raw));
    std::size_t count = 0;
    for (std::optional<std::string_view> name = next(raw); name; name = next(raw)) {
      const std::optional<std::string_view> value = next(raw);
      if (!value) return bad("a property without a value");
      PC_CHECK_OK(member(*name, *value, members, count));
    }
    return Value{Kind::kObject, {}, std::span(members, count)};
  }

  // `R=100,G=200`
  Result<Value> exploded_object(std::string_view raw) const {
    PC_TRY(Member* const members, room(raw));
    std::size_t count = 0;
    for (std::optional<std::string_view> piece = next(raw); piece; piece = next(raw)) {
      const std::size_t equals = piece->find('=');
      if (equals == std::string_view::npos) return bad("a property without a '='");
      PC_CHECK_OK(member(piece->substr(0, equals), piece->substr(equals + 1), members, count));
    }
    return Value{Kind::kObject, {}, std::span(members, count)};
  }

  Result<Value> pieces(const ParameterDefinition& definition, std::string_view raw) const {
    switch (definition.shape.kind) {
      case Kind::kScalar:
        return scalar(raw);
      case Kind::kArray:
        return array(raw);
      case Kind::kObject:
        return definition.explode == Explode::kYes ? exploded_object(raw) : object(raw);
    }
    return scalar(raw);
  }

  Result<void> member(std::string_view name, std::string_view raw, Member* members,
                      std::size_t& count) const {
    PC_TRY(const std::string_view decoded, text(name));
    for (const Member& known : std::span(members, count)) {
      if (known.name == decoded) return bad("a property twice");
    }
    PC_TRY(const Value value, scalar(raw));
    new (&members[count++]) Member{decoded, value};
    return {};
  }

 private:
  // Memory for as many members as there are pieces.
  Result<Member*> room(std::string_view raw) const {
    std::size_t count = 1;
    std::size_t at = 0;
    std::size_t size = 0;
    while ((at = find_divider(raw, size)) != std::string_view::npos) {
      ++count;
      raw.remove_prefix(at + size);
    }
    if (count > bounds_.items) return bad(fmt::format("more than {} items", bounds_.items));
    return arena_.array<Member>(count);
  }

  std::size_t find_divider(std::string_view raw, std::size_t& size) const {
    std::size_t first = std::string_view::npos;
    for (const std::string_view divider : rules_.dividers) {
      const std::size_t at = divider.empty() ? std::string_view::npos : raw.find(divider);
      if (at >= first) continue;
      first = at;
      size = divider.size();
    }
    return first;
  }

  // The next piece of `raw`, which is cut off it; nothing behind the last one. `raw` without data
  // is the end.
  std::optional<std::string_view> next(std::string_view& raw) const {
    if (raw.data() == nullptr) return std::nullopt;
    std::size_t size = 0;
    const std::size_t end = find_divider(raw, size);
    const std::string_view piece = raw.substr(0, end);
    raw = end == std::string_view::npos ? std::string_view() : raw.substr(end + size);
    return piece;
  }

  Rules rules_;
  const ParameterBounds& bounds_;
  Arena& arena_;
};

// `;name=a;name=b` and `;R=100;G=200` behind their first `;`.
Result<Value> read_matrix(const ParameterDefinition& definition, std::string_view raw,
                          const ParameterBounds& bounds, Arena& arena) {
  const Reader commas({}, bounds, arena);
  const bool exploded =
      definition.explode == Explode::kYes && definition.shape.kind != Kind::kScalar;
  const Reader semicolons({.dividers = {";"}}, bounds, arena);
  if (exploded && definition.shape.kind == Kind::kObject) return semicolons.exploded_object(raw);
  const auto value_of = [&](std::string_view piece) -> Result<std::string_view> {
    const std::size_t equals = std::min(piece.find('='), piece.size());
    PC_TRY(const std::string_view name, commas.text(piece.substr(0, equals)));
    if (name != definition.name) return bad("another name than the parameter's");
    return piece.substr(std::min(equals + 1, piece.size()));
  };
  if (!exploded) {
    if (raw.contains(';')) return bad("a ';' too many");
    PC_TRY(const std::string_view value, value_of(raw));
    return commas.pieces(definition, value);
  }
  const auto most = static_cast<std::size_t>(std::ranges::count(raw, ';')) + 1;
  if (most > bounds.items) return bad(fmt::format("more than {} items", bounds.items));
  Member* const members = arena.array<Member>(most);
  std::size_t count = 0;
  while (true) {
    const std::size_t end = raw.find(';');
    PC_TRY(const std::string_view text, value_of(raw.substr(0, end)));
    PC_TRY(const Value value, commas.scalar(text));
    new (&members[count++]) Member{{}, value};
    if (end == std::string_view::npos) return Value{Kind::kArray, {}, std::span(members, count)};
    raw.remove_prefix(end + 1);
  }
}

Rules rules_of(const ParameterDefinition& definition) {
  Rules rules;
  if (definition.place == Place::kQuery) rules.plus = Plus::kSpace;
  if (definition.style == Style::kSpaceDelimited) {
    rules.dividers = {"%20", "+"};
  } else if (definition.style == Style::kPipeDelimited) {
    rules.dividers = {"|", "%7C", "%7c"};
  }
  return rules;
}

class PairReader {
 public:
  PairReader(const ParameterDefinition& definition, std::span<Pair> pairs,
             const ParameterBounds& bounds, Arena& arena)
      : definition_(definition),
        pairs_(pairs),
        bounds_(bounds),
        arena_(arena),
        reader_(rules_of(definition), bounds, arena) {}

  MaybeValue read() {
    const bool exploded = definition_.explode == Explode::kYes;
    if (definition_.style == Style::kDeepObject)
      return read_deep_object(definition_, pairs_, bounds_, arena_);
    if (exploded && definition_.style != Style::kContent) {
      if (definition_.shape.kind == Kind::kArray) return each();
      if (definition_.shape.kind == Kind::kObject) return properties();
    }
    return one();
  }

 private:
  // The one pair of that name.
  MaybeValue one() {
    Pair* found = nullptr;
    for (Pair& pair : pairs_) {
      if (pair.name != definition_.name) continue;
      if (found != nullptr) return bad("given twice");
      found = &pair;
      pair.used = true;
    }
    if (found == nullptr) return std::nullopt;
    if (found->raw.empty() && definition_.allow_empty_value) return std::nullopt;
    if (!found->has_value) return bad("without a '=' and a value");
    if (definition_.style == Style::kContent) {
      PC_TRY(const Value value, reader_.scalar(found->raw));
      return value;
    }
    PC_TRY(const Value value, reader_.pieces(definition_, found->raw));
    return value;
  }

  // `color=blue&color=black`
  MaybeValue each() {
    const auto most = static_cast<std::size_t>(
        std::ranges::count(pairs_, std::string_view(definition_.name), &Pair::name));
    if (most == 0) return std::nullopt;
    if (most > bounds_.items) return bad(fmt::format("more than {} items", bounds_.items));
    Member* const members = arena_.array<Member>(most);
    std::size_t count = 0;
    for (Pair& pair : pairs_) {
      if (pair.name != definition_.name) continue;
      pair.used = true;
      if (pair.raw.empty() && definition_.allow_empty_value && most == 1) return std::nullopt;
      if (!pair.has_value) return bad("without a '=' and a value");
      PC_TRY(const Value value, reader_.scalar(pair.raw));
      new (&members[count++]) Member{{}, value};
    }
    return Value{Kind::kArray, {}, std::span(members, count)};
  }

  // `R=100&G=200`: the properties are pairs of their own.
  MaybeValue properties() {
    Member* const members = arena_.array<Member>(pairs_.size());
    std::size_t count = 0;
    for (Pair& pair : pairs_) {
      if (pair.used) continue;
      const bool declared = definition_.shape.find(pair.name) != nullptr;
      if (!declared && definition_.shape.additional == nullptr) continue;
      if (!pair.has_value) return bad("a property without a '=' and a value");
      pair.used = true;
      for (const Member& known : std::span(members, count)) {
        if (known.name == pair.name) return bad("a property twice");
      }
      PC_TRY(const Value value, reader_.scalar(pair.raw));
      new (&members[count++]) Member{pair.name, value};
    }
    if (count == 0) return std::nullopt;
    return Value{Kind::kObject, {}, std::span(members, count)};
  }

  const ParameterDefinition& definition_;
  std::span<Pair> pairs_;
  const ParameterBounds& bounds_;
  Arena& arena_;
  Reader reader_;
};

bool style_fits(Style style, Place place) {
  switch (style) {
    case Style::kSimple:
      return place == Place::kPath || place == Place::kHeader;
    case Style::kLabel:
    case Style::kMatrix:
      return place == Place::kPath;
    case Style::kForm:
      return place == Place::kQuery || place == Place::kCookie;
    case Style::kSpaceDelimited:
    case Style::kPipeDelimited:
    case Style::kDeepObject:
      return place == Place::kQuery;
    case Style::kContent:
      return true;
  }
  return false;
}

bool is_nested(const Shape& shape) {
  if (shape.kind == Kind::kArray) return shape.item().kind != Kind::kScalar;
  const auto nests = [](const Property& property) { return property.shape.kind != Kind::kScalar; };
  return std::ranges::any_of(shape.properties, nests) ||
         (shape.additional && shape.additional->kind != Kind::kScalar);
}

}  // namespace

MaybeValue read_path_parameter(const ParameterDefinition& definition, std::string_view raw,
                               const ParameterBounds& bounds, Arena& arena) {
  Result<Value> value = Value{};
  if (definition.style == Style::kLabel || definition.style == Style::kMatrix) {
    const bool label = definition.style == Style::kLabel;
    // An encoded `;` is no divider: who sent it so meant the character.
    if (!raw.starts_with(label ? '.' : ';'))
      return bad(label ? "without its '.'" : "without its ';'");
    raw.remove_prefix(1);
    const bool dots = label && definition.explode == Explode::kYes;
    value = label ? Reader({.dividers = {dots ? "." : ","}}, bounds, arena).pieces(definition, raw)
                  : read_matrix(definition, raw, bounds, arena);
  } else {
    const Reader reader({}, bounds, arena);
    value =
        definition.style == Style::kContent ? reader.scalar(raw) : reader.pieces(definition, raw);
  }
  if (!value) return std::unexpected(std::move(value).error());
  return *value;
}

MaybeValue read_pair_parameter(const ParameterDefinition& definition, std::span<Pair> pairs,
                               const ParameterBounds& bounds, Arena& arena) {
  return PairReader(definition, pairs, bounds, arena).read();
}

MaybeValue read_header_parameter(const ParameterDefinition& definition,
                                 std::optional<std::string_view> field,
                                 const ParameterBounds& bounds, Arena& arena) {
  if (!field) return std::nullopt;
  const Reader reader({.encoded = false}, bounds, arena);
  if (definition.style == Style::kContent) {
    PC_TRY(const Value value, reader.scalar(*field));
    return value;
  }
  PC_TRY(const Value value, reader.pieces(definition, *field));
  return value;
}

Result<void> check_definition(const ParameterDefinition& definition) {
  if (!style_fits(definition.style, definition.place))
    return fail(ErrorCode::kBadConfig, "this style is not one for parameters in this place");
  const Kind kind = definition.shape.kind;
  if (definition.style == Style::kDeepObject && kind != Kind::kObject)
    return fail(ErrorCode::kBadConfig, "style deepObject is for objects");
  const bool delimited =
      definition.style == Style::kSpaceDelimited || definition.style == Style::kPipeDelimited;
  if (delimited && kind == Kind::kScalar)
    return fail(ErrorCode::kBadConfig, "this style is for arrays and objects");
  if (delimited && kind == Kind::kObject && definition.explode == Explode::kYes)
    return fail(ErrorCode::kBadConfig, "this style has no exploded form for objects");
  const bool deep = definition.style == Style::kDeepObject || definition.style == Style::kContent;
  if (!deep && kind != Kind::kScalar && is_nested(definition.shape)) {
    return fail(ErrorCode::kBadConfig,
                "arrays and objects within arrays and objects have no form in this style: use "
                "deepObject, or `content` with application/json");
  }
  return {};
}

}  // namespace portcullis::openapi
