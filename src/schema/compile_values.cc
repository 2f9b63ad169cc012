// What is said of a value by itself: its type, which values there are, numbers and strings.
#include "schema/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace portcullis::schema {
namespace {

struct TypeName {
  std::string_view name;
  Kinds kinds;
  std::string_view with_article;
};
constexpr std::array kTypes = {
    TypeName{"null", only(Kind::kNull), "null"},
    TypeName{"boolean", only(Kind::kBoolean), "a boolean"},
    TypeName{"integer", only(Kind::kNumber), "an integer"},
    TypeName{"number", only(Kind::kNumber), "a number"},
    TypeName{"string", only(Kind::kString), "a string"},
    TypeName{"array", only(Kind::kArray), "an array"},
    TypeName{"object", only(Kind::kObject), "an object"},
};

const TypeName* find_type(std::string_view name) {
  const auto found = std::ranges::find(kTypes, name, &TypeName::name);
  return found == kTypes.end() ? nullptr : &*found;
}

std::string type_message(Kinds kinds, bool integer) {
  std::string message = "must be ";
  bool first = true;
  for (const TypeName& type : kTypes) {
    if ((kinds & type.kinds) == 0) continue;
    if (type.kinds == only(Kind::kNumber) && integer != (type.name == "integer")) continue;
    if (!first) message += " or ";
    message += type.with_article;
    first = false;
  }
  return message;
}

// What values there are, while that is short.
std::string values_message(std::span<const Node> values) {
  constexpr std::size_t kLongest = 120;
  std::string listed;
  for (const Node value : values) {
    if (!listed.empty()) listed += ", ";
    listed += value.text().raw(value.at());
    if (listed.size() > kLongest || listed.contains('\n')) {
      return values.size() == 1
                 ? std::string("must be the value that the schema gives")
                 : fmt::format("must be one of the {} values that the schema lists", values.size());
    }
  }
  if (values.empty()) return "no value is valid here";
  return (values.size() == 1 ? "must be " : "must be one of ") + listed;
}

}  // namespace

std::optional<Kinds> Compiler::read_types(Building& b, Node type, bool& integer) {
  constexpr std::string_view kExpects =
      "expects array, boolean, integer, null, number, object or string";
  Kinds kinds = 0;
  bool number = false;
  bool fine = true;
  const auto add = [&](Node name) {
    const TypeName* const known = name.is(Kind::kString) ? find_type(name.string()) : nullptr;
    fine &= known != nullptr;
    if (known == nullptr) return;
    kinds |= known->kinds;
    integer |= known->name == "integer";
    number |= known->name == "number";
  };
  if (b.dialect.draft == Draft::kOpenApi30) {
    add(type);
    if (!fine || kinds == only(Kind::kNull)) {
      wrong(b, Keyword::kType,
            "expects array, boolean, integer, number, object or string; `nullable: true` lets null "
            "through");
      return std::nullopt;
    }
  } else if (type.is(Kind::kArray)) {
    type.for_elements(add);
    fine &= type.count() > 0;
  } else {
    add(type);
  }
  integer &= !number;
  if (fine) return kinds;
  wrong(b, Keyword::kType, std::string(kExpects) + ", or a list of them");
  return std::nullopt;
}

void Compiler::compile_type(Building& b) {
  const std::optional<Node> nullable = b.find(Keyword::kNullable);
  if (nullable && !nullable->is(Kind::kBoolean)) wrong(b, Keyword::kNullable, "expects a boolean");
  const std::optional<Node> type = b.find(Keyword::kType);
  if (!type) return;
  bool integer = false;
  const std::optional<Kinds> kinds = read_types(b, *type, integer);
  if (!kinds) return;
  b.block.kinds = *kinds;
  if (nullable && nullable->is_true()) b.block.kinds |= only(Kind::kNull);
  b.block.type_rule = rule(b, Keyword::kType, type_message(b.block.kinds, integer));
  if (!integer) return;
  const bool plain = b.dialect.draft == Draft::k4;
  b.add(only(Kind::kNumber),
        {.op = plain ? Op::kPlainInteger : Op::kInteger, .rule = b.block.type_rule});
}

void Compiler::compile_enum(Building& b) {
  if (const std::optional<Node> value = b.find(Keyword::kEnum)) {
    if (value->is(Kind::kArray)) {
      std::vector<Node> values;
      value->for_elements([&](Node one) { values.push_back(one); });
      compile_values(b, Keyword::kEnum, values);
    } else {
      wrong(b, Keyword::kEnum, "expects a list of values");
    }
  }
  if (const std::optional<Node> value = b.find(Keyword::kConst)) {
    compile_values(b, Keyword::kConst, std::array{*value});
  }
}

// By kind of value: strings by hash, numbers by what they are worth, the rest one by one.
void Compiler::compile_values(Building& b, Keyword keyword, std::span<const Node> values) {
  const std::uint32_t broken = rule(b, keyword, values_message(values));
  for (std::size_t i = 0; i < kKinds; ++i) {
    const auto kind = static_cast<Kind>(i);
    std::vector<Node> own;
    std::ranges::copy_if(values, std::back_inserter(own),
                         [kind](const Node& one) { return one.is(kind); });
    Instruction made{.op = Op::kFail, .rule = broken};
    if (!own.empty() && kind == Kind::kString) {
      NameTable names;
      for (const Node one : own) names.add(one.string());
      made.op = Op::kEnumStrings;
      made.a = push(program_.string_sets, std::move(names));
    } else if (!own.empty() && kind == Kind::kNumber) {
      NumberSet set;
      for (const Node one : own) set.numbers.push_back(constant(one));
      std::ranges::sort(set.numbers, is_less);
      made.op = Op::kEnumNumbers;
      made.a = push(program_.number_sets, std::move(set));
    } else if (!own.empty()) {
      made.op = Op::kEqual;
      made.a = static_cast<std::uint32_t>(program_.constants.places.size());
      made.b = static_cast<std::uint32_t>(own.size());
      for (const Node one : own) add_constant(one);
    }
    b.add(only(kind), made);
  }
}

// One end of a range, by the keyword of now (a number that is excluded) or of draft 4 and OpenAPI
// 3.0 (a boolean beside the number).
void Compiler::compile_range_end(Building& b, Range::End& end, Keyword keyword, Keyword exclusive) {
  const bool old = b.dialect.draft == Draft::k4 || b.dialect.draft == Draft::kOpenApi30;
  const bool is_min = keyword == Keyword::kMinimum;
  const auto set = [&](Keyword by, Node value, bool excluded) {
    const Number number = constant(value);
    const int order = end.exists ? compare(number, end.number) : 0;
    const bool narrower = is_min ? order > 0 : order < 0;
    if (end.exists && !narrower && !(order == 0 && excluded)) return;
    end.exists = true;
    end.number = number;
    end.excluded = excluded;
    std::string_view relation = is_min ? "at least" : "at most";
    if (excluded) relation = is_min ? "more than" : "less than";
    end.rule = rule(b, by, fmt::format("must be {} {}", relation, value.text().raw(value.at())));
  };
  const std::optional<Node> inclusive = b.find(keyword);
  const std::optional<Node> excluding = b.find(exclusive);
  if (inclusive && !inclusive->is(Kind::kNumber)) {
    wrong(b, keyword, "expects a number");
  } else if (inclusive) {
    set(keyword, *inclusive, old && excluding && excluding->is_true());
  }
  if (!excluding) return;
  if (old) {
    if (!excluding->is(Kind::kBoolean)) {
      wrong(b, exclusive,
            fmt::format("expects a boolean, beside `{}`", is_min ? "minimum" : "maximum"));
    }
  } else if (excluding->is(Kind::kNumber)) {
    set(exclusive, *excluding, true);
  } else {
    wrong(b, exclusive, "expects a number");
  }
}

namespace {

// The small numbers that are within for sure; where an end is too great to tell, none.
void narrow(Range& range) {
  if (range.min.exists) {
    const std::optional<std::int64_t> whole = range.min.number.whole_part();
    const bool next = !range.min.number.is_integer() || range.min.excluded;
    range.low = whole ? *whole + (next ? 1 : 0) : INT64_MAX;
  }
  if (range.max.exists) {
    const std::optional<std::int64_t> whole = range.max.number.whole_part();
    const bool previous = !range.max.number.is_integer() || range.max.excluded;
    range.high = whole ? *whole - (previous ? 1 : 0) : INT64_MIN;
  }
}

}  // namespace

void Compiler::compile_range(Building& b) {
  Range range;
  compile_range_end(b, range.min, Keyword::kMinimum, Keyword::kExclusiveMinimum);
  compile_range_end(b, range.max, Keyword::kMaximum, Keyword::kExclusiveMaximum);
  if (!range.min.exists && !range.max.exists) return;
  narrow(range);
  b.add(only(Kind::kNumber), {.op = Op::kRange, .a = push(program_.ranges, std::move(range))});
}

void Compiler::compile_multiple(Building& b) {
  const std::optional<Node> value = b.find(Keyword::kMultipleOf);
  if (!value) return;
  Divisor divisor;
  if (!value->is(Kind::kNumber) || !divisor.set(constant(*value))) {
    wrong(b, Keyword::kMultipleOf, "expects a number above 0, of at most 18 digits that matter");
    return;
  }
  const std::uint32_t broken =
      rule(b, Keyword::kMultipleOf,
           fmt::format("must be a multiple of {}", value->text().raw(value->at())));
  b.add(only(Kind::kNumber),
        {.op = Op::kMultipleOf, .a = push(program_.divisors, divisor), .rule = broken});
}

// False when the keyword is absent or wrong.
bool Compiler::read_count(Building& b, Keyword keyword, std::uint64_t& count) {
  const std::optional<Node> value = b.find(keyword);
  if (!value) return false;
  const std::optional<Number> number =
      value->is(Kind::kNumber) ? std::optional(constant(*value)) : std::nullopt;
  if (!number || !number->is_integer() || compare(*number, Number(0)) < 0) {
    wrong(b, keyword, "expects a whole number, 0 or more");
    return false;
  }
  // Beyond 18 digits nothing is ever as long.
  count = number->is_small() ? static_cast<std::uint64_t>(number->small()) : UINT64_MAX;
  return true;
}

void Compiler::compile_span(Building& b, Kind kind, Op op, Keyword min, Keyword max,
                            const Noun& what) {
  Span span;
  const bool has_min = read_count(b, min, span.min);
  const bool has_max = read_count(b, max, span.max);
  const auto say = [&](Keyword keyword, std::string_view how, std::uint64_t count) {
    return rule(b, keyword,
                fmt::format("must have {} {} {}", how, count, count == 1 ? what.one : what.many));
  };
  if (has_min) span.min_rule = say(min, "at least", span.min);
  if (has_max) span.max_rule = say(max, "at most", span.max);
  if (has_min || has_max) b.add(only(kind), {.op = op, .a = push(program_.spans, span)});
}

void Compiler::compile_strings(Building& b) {
  compile_span(b, Kind::kString, Op::kLength, Keyword::kMinLength, Keyword::kMaxLength,
               {"character", "characters"});
  if (const std::optional<Node> value = b.find(Keyword::kPattern)) {
    if (!value->is(Kind::kString)) {
      wrong(b, Keyword::kPattern, "expects a regular expression");
    } else if (const auto pattern =
                   add_pattern(b, Keyword::kPattern, *value, {}, value->string())) {
      const std::uint32_t broken =
          rule(b, Keyword::kPattern, fmt::format("must match the pattern {}", value->string()));
      b.add(only(Kind::kString), {.op = Op::kPattern, .a = *pattern, .rule = broken});
    }
  }
  compile_format(b);
  compile_content(b);
}

void Compiler::compile_format(Building& b) {
  const std::optional<Node> value = b.find(Keyword::kFormat);
  if (!value) return;
  if (!value->is(Kind::kString)) {
    wrong(b, Keyword::kFormat, "expects a string");
    return;
  }
  if (!options_.assert_formats && !b.dialect.asserts_format) return;
  const std::string_view name = value->string();
  if ((b.dialect.vocabularies & kOpenApi) != 0) compile_integer_format(b, name);
  // Formats that nobody has described are annotations (validation 7.2.3).
  const std::optional<Format> format = find_format(name);
  if (!format || is_number_format(*format)) return;
  const std::uint32_t broken =
      rule(b, Keyword::kFormat, fmt::format("must have the format {}", name));
  b.add(only(Kind::kString),
        {.op = Op::kFormat, .a = static_cast<std::uint32_t>(*format), .rule = broken});
}

// OpenAPI's formats of numbers.
void Compiler::compile_integer_format(Building& b, std::string_view format) {
  if (format != "int32" && format != "int64") return;
  const bool short_one = format == "int32";
  const std::uint32_t broken = rule(
      b, Keyword::kFormat, fmt::format("must be a signed integer of {} bits", short_one ? 32 : 64));
  Range range;
  const auto set = [&](Range::End& end, std::string_view number) {
    program_.number_texts.emplace_back(number);
    end = {Number(std::string_view(program_.number_texts.back())), true, false, broken};
  };
  set(range.min, short_one ? "-2147483648" : "-9223372036854775808");
  set(range.max, short_one ? "2147483647" : "9223372036854775807");
  narrow(range);
  // Every small number fits 64 bits.
  if (!short_one) {
    range.low = INT64_MIN;
    range.high = INT64_MAX;
  }
  b.add(only(Kind::kNumber), {.op = Op::kInteger, .rule = broken});
  b.add(only(Kind::kNumber), {.op = Op::kRange, .a = push(program_.ranges, std::move(range))});
}

void Compiler::compile_content(Building& b) {
  const std::optional<Node> encoding = b.find(Keyword::kContentEncoding);
  const std::optional<Node> media = b.find(Keyword::kContentMediaType);
  if (encoding && !encoding->is(Kind::kString)) {
    wrong(b, Keyword::kContentEncoding, "expects a string");
    return;
  }
  if (media && !media->is(Kind::kString)) {
    wrong(b, Keyword::kContentMediaType, "expects a string");
    return;
  }
  if (!options_.assert_content || (!encoding && !media)) return;
  const bool base64 = encoding && encoding->string() == "base64";
  // What is encoded in a way that is not known cannot be looked into.
  const bool json = media && media->string() == "application/json" && (base64 || !encoding);
  if (!base64 && !json) return;
  const std::uint32_t broken =
      rule(b, base64 ? Keyword::kContentEncoding : Keyword::kContentMediaType,
           base64 ? (json ? "must be JSON in base64" : "must be base64") : "must hold JSON");
  b.add(only(Kind::kString), {.op = Op::kContent,
                              .a = static_cast<std::uint32_t>(base64),
                              .b = static_cast<std::uint32_t>(json),
                              .rule = broken});
}

}  // namespace portcullis::schema
