// References and the applicators that ask something else of the same value.
#include "schema/compiler.h"
#include "schema/uri.h"

#include <fmt/format.h>

namespace portcullis::schema {

void Compiler::compile_references(Building& b) {
  if (const std::optional<Node> value = b.find(Keyword::kRef)) {
    if (!value->is(Kind::kString)) {
      wrong(b, Keyword::kRef, "expects a URI reference");
    } else if (const auto target = registry_.resolve(b.where, "$ref", value->string())) {
      const std::uint32_t block = same_value_block(b, block_at(b, Keyword::kRef, *target));
      if (block != kAccept) b.add(kAllKinds, {.op = Op::kCall, .a = block});
    }
  }
  if (b.find(Keyword::kDynamicRef)) compile_dynamic_reference(b, Keyword::kDynamicRef);
  if (b.find(Keyword::kRecursiveRef)) compile_dynamic_reference(b, Keyword::kRecursiveRef);
}

// A dynamic reference is an ordinary one, unless it first leads to a dynamic anchor (2020-12 core
// 8.2.3.2), or to a root with `$recursiveAnchor` (2019-09 core 8.2.4.2.1).
void Compiler::compile_dynamic_reference(Building& b, Keyword keyword) {
  const Node value = b.value(keyword);
  if (!value.is(Kind::kString)) {
    wrong(b, keyword, "expects a URI reference");
    return;
  }
  const std::optional<Location> target =
      registry_.resolve(b.where, b.name(keyword), value.string());
  if (!target) return;
  const std::uint32_t block = block_at(b, keyword, *target);
  const Resource& resource = registry_.resource(target->resource);
  std::string anchor;
  bool is_dynamic = false;
  if (keyword == Keyword::kRecursiveRef) {
    is_dynamic = resource.recursive_anchor && resource.root == target->at;
  } else if (percent_decode(split_fragment(value.string()).fragment, anchor)) {
    const auto known = resource.dynamic_anchors.find(anchor);
    is_dynamic = known != resource.dynamic_anchors.end() && known->second == target->at;
  }
  if (is_dynamic) {
    b.add(kAllKinds, {.op = Op::kDynamicCall, .a = dynamic_number(anchor), .b = block});
  } else if (same_value_block(b, block) != kAccept) {
    b.add(kAllKinds, {.op = Op::kCall, .a = block});
  }
}

void Compiler::compile_applicators(Building& b) {
  compile_all_of(b);
  compile_alternatives(b, Keyword::kAnyOf, Op::kAnyOf);
  compile_alternatives(b, Keyword::kOneOf, Op::kOneOf);
  if (b.find(Keyword::kNot)) {
    const std::uint32_t block = same_value_block(b, block_in(b, Keyword::kNot));
    const std::uint32_t broken =
        rule(b, Keyword::kNot, "must not be valid by the schema under `not`");
    if (block == kAccept) {
      b.add(kAllKinds, {.op = Op::kFail, .rule = broken});
    } else {
      b.add(kAllKinds, {.op = Op::kNot, .a = block, .rule = broken});
    }
  }
  compile_condition(b);
}

void Compiler::compile_all_of(Building& b) {
  const std::optional<Node> value = b.find(Keyword::kAllOf);
  if (!value) return;
  if (!value->is(Kind::kArray) || value->count() == 0) {
    wrong(b, Keyword::kAllOf, "expects a list of schemas");
    return;
  }
  std::size_t index = 0;
  value->for_elements([&](Node element) {
    const Location held = child(b, Keyword::kAllOf, fmt::to_string(index++), element);
    const std::uint32_t block = same_value_block(b, block_at(b, Keyword::kAllOf, held));
    if (block != kAccept) b.add(kAllKinds, {.op = Op::kCall, .a = block});
  });
}

void Compiler::compile_alternatives(Building& b, Keyword keyword, Op op) {
  const std::optional<Node> value = b.find(keyword);
  if (!value) return;
  if (!value->is(Kind::kArray) || value->count() == 0) {
    wrong(b, keyword, "expects a list of schemas");
    return;
  }
  std::vector<std::uint32_t> blocks;
  value->for_elements([&](Node element) {
    const Location held = child(b, keyword, fmt::to_string(blocks.size()), element);
    blocks.push_back(same_value_block(b, block_at(b, keyword, held)));
  });
  const auto first = static_cast<std::uint32_t>(program_.lists.size());
  program_.lists.insert(program_.lists.end(), blocks.begin(), blocks.end());
  const bool one_of = op == Op::kOneOf;
  const std::uint32_t broken =
      rule(b, keyword,
           fmt::format("must be valid by {} of the {} alternatives, and is by none",
                       one_of ? "exactly one" : "at least one", blocks.size()));
  if (one_of) {
    rule(b, keyword,
         fmt::format("must be valid by exactly one of the {} alternatives, and is by several",
                     blocks.size()));
  }
  b.add(kAllKinds,
        {.op = op, .a = first, .b = static_cast<std::uint32_t>(blocks.size()), .rule = broken});
}

void Compiler::compile_condition(Building& b) {
  if (!b.find(Keyword::kIf)) {
    // Without `if` the branches are schemas all the same, and must be ones.
    if (b.find(Keyword::kThen)) (void)block_in(b, Keyword::kThen);
    if (b.find(Keyword::kElse)) (void)block_in(b, Keyword::kElse);
    return;
  }
  Condition made;
  made.test = same_value_block(b, block_in(b, Keyword::kIf));
  if (b.find(Keyword::kThen)) made.pass = same_value_block(b, block_in(b, Keyword::kThen));
  if (b.find(Keyword::kElse)) made.fail = same_value_block(b, block_in(b, Keyword::kElse));
  b.add(kAllKinds, {.op = Op::kIf, .a = push(program_.conditions, made)});
}

// It asserts nothing by itself; a wrong one would mislead whoever reads it.
void Compiler::compile_discriminator(Building& b) {
  const std::optional<Node> value = b.find(Keyword::kDiscriminator);
  if (!value) return;
  const std::optional<Node> property = value->find("propertyName");
  if (!property || !property->is(Kind::kString)) {
    wrong(b, Keyword::kDiscriminator, "expects an object with `propertyName`");
  }
}

}  // namespace portcullis::schema
