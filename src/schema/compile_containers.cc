// Arrays and objects.
#include "schema/compiler.h"

#include <fmt/format.h>

#include <array>

namespace portcullis::schema {

void Compiler::compile_arrays(Building& b) {
  compile_span(b, Kind::kArray, Op::kItemCount, Keyword::kMinItems, Keyword::kMaxItems,
               {"item", "items"});
  if (const std::optional<Node> value = b.find(Keyword::kUniqueItems)) {
    if (!value->is(Kind::kBoolean)) wrong(b, Keyword::kUniqueItems, "expects a boolean");
    if (value->is_true()) {
      const std::uint32_t broken =
          rule(b, Keyword::kUniqueItems, "must not have the same item twice");
      b.add(only(Kind::kArray), {.op = Op::kUnique, .rule = broken});
    }
  }
  compile_items(b);
  compile_contains(b);
}

// `prefixItems` and `items`, or in the drafts before 2020-12 a list under `items` and
// `additionalItems`.
void Compiler::compile_items(Building& b) {
  ItemRules rules;
  const std::optional<Node> items = b.find(Keyword::kItems);
  const bool list = items && items->is(Kind::kArray) && b.dialect.draft != Draft::k2020 &&
                    b.dialect.draft != Draft::kOpenApi30;
  const Keyword prefix_keyword = list ? Keyword::kItems : Keyword::kPrefixItems;
  if (const std::optional<Node> prefix = b.find(prefix_keyword)) {
    if (!prefix->is(Kind::kArray) || (prefix->count() == 0 && !list)) {
      wrong(b, prefix_keyword, "expects a list of schemas");
      return;
    }
    prefix->for_elements([&](Node element) {
      const Location held = child(b, prefix_keyword, fmt::to_string(rules.prefix.size()), element);
      rules.prefix.push_back(block_at(b, prefix_keyword, held));
    });
  }
  const Keyword rest = list ? Keyword::kAdditionalItems : Keyword::kItems;
  if (b.find(rest)) {
    rules.marks_all = true;
    const std::uint32_t block = block_in(b, rest);
    rules.rest = is_false(b, rest) ? kReject : block;
    if (rules.rest == kReject) {
      rules.rest_rule = rule(
          b, rest, fmt::format("no item may be here: at most {} are known", rules.prefix.size()));
    }
  }
  if (rules.prefix.empty() && !rules.marks_all) return;
  b.add(only(Kind::kArray), {.op = Op::kItems, .a = push(program_.item_rules, std::move(rules))});
}

void Compiler::compile_contains(Building& b) {
  ContainsRule made;
  const bool has_min = read_count(b, Keyword::kMinContains, made.count.min);
  const bool has_max = read_count(b, Keyword::kMaxContains, made.count.max);
  if (!b.find(Keyword::kContains)) return;
  made.block = block_in(b, Keyword::kContains);
  made.marks = b.dialect.draft == Draft::k2020;
  const auto say = [](std::string_view how, std::uint64_t count) {
    return fmt::format("must have {} {} item{} that {} valid by the schema under `contains`", how,
                       count, count == 1 ? "" : "s", count == 1 ? "is" : "are");
  };
  made.count.min_rule = rule(b, has_min ? Keyword::kMinContains : Keyword::kContains,
                             say("at least", made.count.min));
  if (has_max) made.count.max_rule = rule(b, Keyword::kMaxContains, say("at most", made.count.max));
  b.add(only(Kind::kArray), {.op = Op::kContains, .a = push(program_.contains_rules, made)});
}

void Compiler::compile_objects(Building& b) {
  compile_span(b, Kind::kObject, Op::kPropertyCount, Keyword::kMinProperties,
               Keyword::kMaxProperties, {"property", "properties"});
  compile_properties(b);
  if (b.find(Keyword::kPropertyNames)) {
    const std::uint32_t block = block_in(b, Keyword::kPropertyNames);
    if (block != kAccept) b.add(only(Kind::kObject), {.op = Op::kPropertyNames, .a = block});
  }
  compile_dependent(b);
}

void Compiler::compile_properties(Building& b) {
  PropertyRules rules;
  const std::optional<Node> properties = b.find(Keyword::kProperties);
  if (properties && !properties->is(Kind::kObject)) {
    wrong(b, Keyword::kProperties, "expects an object of schemas");
  } else if (properties) {
    properties->for_members([&](Node name, Node value) {
      const Location held = child(b, Keyword::kProperties, name.string(), value);
      rules.names.add(name.string());
      rules.known.push_back(
          {.block = block_at(b, Keyword::kProperties, held), .in_properties = true});
    });
  }
  compile_required(b, rules);
  compile_matching(b, rules);
  if (b.find(Keyword::kAdditionalProperties)) {
    rules.marks_rest = true;
    const std::uint32_t block = block_in(b, Keyword::kAdditionalProperties);
    rules.rest = is_false(b, Keyword::kAdditionalProperties) ? kReject : block;
    if (rules.rest == kReject) {
      rules.rest_rule = rule(b, Keyword::kAdditionalProperties,
                             "must not be there: the schema does not know the property");
    }
  }
  if (rules.known.empty() && rules.matching.empty() && !rules.marks_rest) return;
  b.add(only(Kind::kObject),
        {.op = Op::kProperties, .a = push(program_.property_rules, std::move(rules))});
}

void Compiler::compile_required(Building& b, PropertyRules& rules) {
  const std::optional<Node> required = b.find(Keyword::kRequired);
  if (!required) return;
  if (!required->is(Kind::kArray)) {
    wrong(b, Keyword::kRequired, "expects a list of names of properties");
    return;
  }
  std::size_t index = 0;
  required->for_elements([&](Node name) {
    const std::string token = fmt::to_string(index++);
    if (!name.is(Kind::kString)) {
      wrong_at(b, Keyword::kRequired, name, token, "expects the name of a property");
      return;
    }
    const std::uint32_t number = rules.names.add(name.string());
    if (number == rules.known.size()) rules.known.emplace_back();
    PropertyRules::Known& known = rules.known[number];
    if (known.required != kNone) return;
    known.required = rules.required++;
    rules.required_names.push_back(number);
    known.required_rule =
        rule(b, Keyword::kRequired, fmt::format("must have the property `{}`", name.string()));
  });
}

void Compiler::compile_matching(Building& b, PropertyRules& rules) {
  const std::optional<Node> patterns = b.find(Keyword::kPatternProperties);
  if (!patterns) return;
  if (!patterns->is(Kind::kObject)) {
    wrong(b, Keyword::kPatternProperties, "expects an object of schemas");
    return;
  }
  patterns->for_members([&](Node name, Node value) {
    const auto pattern =
        add_pattern(b, Keyword::kPatternProperties, value, name.string(), name.string());
    const Location held = child(b, Keyword::kPatternProperties, name.string(), value);
    const std::uint32_t block = block_at(b, Keyword::kPatternProperties, held);
    if (pattern) rules.matching.push_back({*pattern, block});
  });
}

void Compiler::compile_dependent(Building& b) {
  DependentRules rules;
  for (const Keyword keyword :
       {Keyword::kDependentRequired, Keyword::kDependentSchemas, Keyword::kDependencies}) {
    const std::optional<Node> value = b.find(keyword);
    if (!value) continue;
    if (!value->is(Kind::kObject)) {
      wrong(b, keyword, "expects an object");
      continue;
    }
    value->for_members(
        [&](Node name, Node held) { compile_dependency(b, rules, keyword, name, held); });
  }
  if (rules.rows.empty()) return;
  b.add(only(Kind::kObject),
        {.op = Op::kDependent, .a = push(program_.dependent_rules, std::move(rules))});
}

void Compiler::compile_dependency(Building& b, DependentRules& rules, Keyword keyword, Node name,
                                  Node value) {
  // The same name may be under two keywords: it has one row.
  const std::uint32_t number = rules.names.add(name.string());
  if (number == rules.rows.size()) rules.rows.emplace_back();
  const bool names = keyword == Keyword::kDependentRequired ||
                     (keyword == Keyword::kDependencies && value.is(Kind::kArray));
  if (!names) {
    const std::uint32_t block =
        same_value_block(b, block_at(b, keyword, child(b, keyword, name.string(), value)));
    DependentRules::Row& row = rules.rows[number];
    row.blocks.push_back(block);
    return;
  }
  bool fine = value.is(Kind::kArray);
  value.for_elements([&](Node need) {
    if (!need.is(Kind::kString)) {
      fine = false;
      return;
    }
    const std::string message =
        fmt::format("must have the property `{}`, since it has `{}`", need.string(), name.string());
    rules.rows[number].needs.push_back({std::string(need.string()), name_hash(need.string()),
                                        rule(b, keyword, message, name.string())});
  });
  if (!fine) wrong_at(b, keyword, value, name.string(), "expects a list of names of properties");
}

void Compiler::compile_unevaluated(Building& b) {
  struct Row {
    Keyword keyword;
    Kind kind;
    Op op;
    std::string_view message;
  };
  constexpr std::array kRows = {
      Row{Keyword::kUnevaluatedItems, Kind::kArray, Op::kUnevaluatedItems,
          "no item may be here: no schema says anything of it"},
      Row{Keyword::kUnevaluatedProperties, Kind::kObject, Op::kUnevaluatedProperties,
          "must not be there: no schema says anything of the property"}};
  for (const Row& row : kRows) {
    if (!b.find(row.keyword)) continue;
    b.block.marks = true;
    std::uint32_t block = block_in(b, row.keyword);
    std::uint32_t broken = 0;
    if (is_false(b, row.keyword)) {
      block = kReject;
      broken = rule(b, row.keyword, std::string(row.message));
    }
    b.add(only(row.kind), {.op = row.op, .a = block, .rule = broken});
  }
}

}  // namespace portcullis::schema
