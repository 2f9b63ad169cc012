#include "cedar/evaluator.h"

#include "cedar/extension_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

namespace portcullis::cedar {
namespace {

Truth truth_of(bool value) { return value ? Truth::kTrue : Truth::kFalse; }

}  // namespace

const EntityData* Evaluator::find(EntityId id) const {
  for (const RequestEntity& own : request_.entities) {
    if (own.id == id) return &own.data;
  }
  return entities_.find(id);
}

bool Evaluator::is_in(EntityId entity, EntityId ancestor) const {
  if (entity == ancestor) return true;
  for (const RequestEntity& own : request_.entities) {
    if (own.id != entity) continue;
    if (own.data.ancestors.contains(ancestor)) return true;
    return std::ranges::any_of(own.data.ancestors.ids(), [&](EntityId parent) {
      const EntityData* data = entities_.find(parent);
      return data != nullptr && data->ancestors.contains(ancestor);
    });
  }
  const EntityData* data = entities_.find(entity);
  return data != nullptr && data->ancestors.contains(ancestor);
}

Truth Evaluator::wrong(EvalFault fault, const Node& node, const Value& value,
                       std::string_view expected, std::string_view name) {
  error_ = {fault, node.source, expected, value, name};
  return Truth::kError;
}

bool Evaluator::operand_of(ValueKind kind, const Node& node, Value& out) {
  if (!value(node, out)) return false;
  if (out.kind == kind) [[likely]]
    return true;
  (void)wrong(EvalFault::kType, node, out, name_of(kind));
  return false;
}

bool Evaluator::pair_of(ValueKind first, ValueKind second, const Node& node, Value& a, Value& b) {
  return operand_of(first, node.operand(0), a) && operand_of(second, node.operand(1), b);
}

Truth Evaluator::truth(const Node& node) {
  switch (node.op) {
    case Op::kAnd:
    case Op::kOr:
    case Op::kNot:
      return logic(node);
    case Op::kTruth:
      return truth(node.operand(0));
    case Op::kEqual:
    case Op::kNotEqual: {
      Value a;
      Value b;
      if (!value(node.operand(0), a) || !value(node.operand(1), b)) return Truth::kError;
      return truth_of(equal(a, b) == (node.op == Op::kEqual));
    }
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
      return compare(node);
    case Op::kIn:
    case Op::kInEntity:
    case Op::kInEntities:
      return membership(node);
    case Op::kContains:
    case Op::kContainsAll:
    case Op::kContainsAny:
    case Op::kIsEmpty:
      return sets(node);
    case Op::kHas:
      return has(node);
    case Op::kHasTag:
      return has_tag(node);
    case Op::kLike: {
      Value text;
      if (!operand_of(ValueKind::kString, node.operand(0), text)) return Truth::kError;
      return truth_of(node.pattern->matches(text.text()));
    }
    case Op::kIs: {
      Value entity;
      if (!operand_of(ValueKind::kEntity, node.operand(0), entity)) return Truth::kError;
      return truth_of(request_.names->type_of(entity.entity) == node.index);
    }
    default: {
      Value result;
      if (!operand_of(ValueKind::kBool, node, result)) return Truth::kError;
      return truth_of(result.boolean);
    }
  }
}

Truth Evaluator::logic(const Node& node) {
  if (node.op == Op::kNot) {
    const Truth inner = truth(node.operand(0));
    return inner == Truth::kError ? inner : truth_of(inner == Truth::kFalse);
  }
  // What follows the operand that decides is not looked at, not even its type.
  const Truth decides = truth_of(node.op == Op::kOr);
  for (const Node* operand : node.all()) {
    const Truth one = truth(*operand);
    if (one == decides || one == Truth::kError) return one;
  }
  return truth_of(node.op == Op::kAnd);
}

Truth Evaluator::compare(const Node& node) {
  Value a;
  Value b;
  if (!value(node.operand(0), a) || !value(node.operand(1), b)) return Truth::kError;
  const auto ordered = [](const Value& one) {
    return one.is(ValueKind::kLong) || one.is(ValueKind::kDatetime) || one.is(ValueKind::kDuration);
  };
  if (!ordered(a)) return wrong(EvalFault::kType, node.operand(0), a, "Long, datetime or duration");
  if (a.kind != b.kind) return wrong(EvalFault::kType, node.operand(1), b, name_of(a.kind));
  switch (node.op) {
    case Op::kLess:
      return truth_of(a.integer < b.integer);
    case Op::kLessEqual:
      return truth_of(a.integer <= b.integer);
    case Op::kGreater:
      return truth_of(a.integer > b.integer);
    default:
      return truth_of(a.integer >= b.integer);
  }
}

Truth Evaluator::membership(const Node& node) {
  Value left;
  if (!operand_of(ValueKind::kEntity, node.operand(0), left)) return Truth::kError;
  if (node.op == Op::kInEntity) return truth_of(is_in(left.entity, node.index));
  if (node.op == Op::kInEntities)
    return truth_of(std::ranges::any_of(node.ids->ids(),
                                        [&](EntityId one) { return is_in(left.entity, one); }));
  Value right;
  if (!value(node.operand(1), right)) return Truth::kError;
  return in_value(node, left.entity, right);
}

Truth Evaluator::in_value(const Node& node, EntityId entity, const Value& right) {
  if (right.is(ValueKind::kEntity)) return truth_of(is_in(entity, right.entity));
  if (!right.is(ValueKind::kSet))
    return wrong(EvalFault::kType, node.operand(1), right, "entity or set of entities");
  // An element that is no entity is an error even when another one matches.
  bool found = false;
  for (const Value& element : right.set->all()) {
    if (!element.is(ValueKind::kEntity))
      return wrong(EvalFault::kType, node.operand(1), element, "entity");
    found = found || is_in(entity, element.entity);
  }
  return truth_of(found);
}

Truth Evaluator::sets(const Node& node) {
  Value set;
  if (!operand_of(ValueKind::kSet, node.operand(0), set)) return Truth::kError;
  if (node.op == Op::kIsEmpty) return truth_of(set.set->count == 0);
  Value other;
  if (node.op == Op::kContains) {
    if (!value(node.operand(1), other)) return Truth::kError;
    return truth_of(set.set->contains(other));
  }
  if (!operand_of(ValueKind::kSet, node.operand(1), other)) return Truth::kError;
  const auto contained = [&](const Value& element) { return set.set->contains(element); };
  return truth_of(node.op == Op::kContainsAll ? std::ranges::all_of(other.set->all(), contained)
                                              : std::ranges::any_of(other.set->all(), contained));
}

// Along a path: `e has a.b` is `e has a && e.a has b`.
Truth Evaluator::has(const Node& node) {
  Value current;
  if (!value(node.operand(0), current)) return Truth::kError;
  for (std::uint16_t i = 0; i < node.name_count; ++i) {
    const Record* record = nullptr;
    if (current.is(ValueKind::kRecord)) {
      record = current.record;
    } else if (current.is(ValueKind::kEntity)) {
      const EntityData* data = find(current.entity);
      if (data == nullptr) return Truth::kFalse;
      record = &data->attributes;
    } else {
      return wrong(EvalFault::kType, i == 0 ? node.operand(0) : node, current, "entity or record");
    }
    const Value* found = record->find(node.names[i]);
    if (found == nullptr) return Truth::kFalse;
    current = *found;
  }
  return Truth::kTrue;
}

bool Evaluator::value(const Node& node, Value& out) {
  switch (node.op) {
    case Op::kConstant:
      out = node.constant;
      return true;
    case Op::kVariable:
      return variable(node, out);
    case Op::kAttribute:
      return attribute(node, out);
    case Op::kIf: {
      const Truth condition = truth(node.operand(0));
      if (condition == Truth::kError) return false;
      return value(node.operand(condition == Truth::kTrue ? 1 : 2), out);
    }
    case Op::kNegate:
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
      return arithmetic(node, out);
    case Op::kGetTag:
      return tag(node, out);
    case Op::kSet:
      return make_set_of(node, out);
    case Op::kRecord:
      return make_record_of(node, out);
    case Op::kCall:
      return call(node, out);
    default: {
      const Truth result = truth(node);
      if (result == Truth::kError) return false;
      out = Value::of_bool(result == Truth::kTrue);
      return true;
    }
  }
}

bool Evaluator::variable(const Node& node, Value& out) {
  switch (static_cast<Variable>(node.index)) {
    case Variable::kPrincipal:
      out = Value::of_entity(request_.principal);
      break;
    case Variable::kAction:
      out = Value::of_entity(request_.action);
      break;
    case Variable::kResource:
      out = Value::of_entity(request_.resource);
      break;
    case Variable::kContext:
      out = Value::of_record(request_.context);
      break;
  }
  return true;
}

bool Evaluator::attribute(const Node& node, Value& out) {
  Value object;
  if (!value(node.operand(0), object)) return false;
  const Record* record = nullptr;
  if (object.is(ValueKind::kEntity)) {
    const EntityData* data = find(object.entity);
    if (data == nullptr) {
      (void)wrong(EvalFault::kNoEntity, node.operand(0), object);
      return false;
    }
    record = &data->attributes;
  } else if (object.is(ValueKind::kRecord)) {
    record = object.record;
  } else {
    (void)wrong(EvalFault::kType, node.operand(0), object, "entity or record");
    return false;
  }
  const Value* found = record->find(node.index);
  if (found == nullptr) {
    (void)wrong(EvalFault::kNoAttribute, node, object, {},
                node.source == nullptr ? std::string_view() : node.source->text);
    return false;
  }
  out = *found;
  return true;
}

bool Evaluator::arithmetic(const Node& node, Value& out) {
  Value a;
  Value b;
  if (node.op == Op::kNegate) {
    a = Value::of_long(0);
    if (!operand_of(ValueKind::kLong, node.operand(0), b)) return false;
  } else if (!pair_of(ValueKind::kLong, ValueKind::kLong, node, a, b)) {
    return false;
  }
  std::int64_t result = 0;
  bool overflows = false;
  if (node.op == Op::kAdd) {
    overflows = __builtin_add_overflow(a.integer, b.integer, &result);
  } else if (node.op == Op::kMultiply) {
    overflows = __builtin_mul_overflow(a.integer, b.integer, &result);
  } else {
    overflows = __builtin_sub_overflow(a.integer, b.integer, &result);
  }
  if (overflows) {
    (void)wrong(EvalFault::kOverflow, node);
    return false;
  }
  out = Value::of_long(result);
  return true;
}

const Value* Evaluator::find_tag(const EntityData& data, std::string_view tag) const {
  const NameId name = request_.names->find_name(tag);
  return name == kNoId ? nullptr : data.tags.find(name);
}

bool Evaluator::tag(const Node& node, Value& out) {
  Value entity;
  Value name;
  if (!pair_of(ValueKind::kEntity, ValueKind::kString, node, entity, name)) return false;
  const EntityData* data = find(entity.entity);
  if (data == nullptr) {
    (void)wrong(EvalFault::kNoEntity, node.operand(0), entity);
    return false;
  }
  const Value* found = find_tag(*data, name.text());
  if (found == nullptr) {
    (void)wrong(EvalFault::kNoTag, node, entity, {}, name.text());
    return false;
  }
  out = *found;
  return true;
}

Truth Evaluator::has_tag(const Node& node) {
  Value entity;
  Value name;
  if (!pair_of(ValueKind::kEntity, ValueKind::kString, node, entity, name)) return Truth::kError;
  const EntityData* data = find(entity.entity);
  return truth_of(data != nullptr && find_tag(*data, name.text()) != nullptr);
}

bool Evaluator::operands(const Node& node, Value*& out) {
  out = arena_.array<Value>(node.count);
  for (std::uint32_t i = 0; i < node.count; ++i) {
    std::construct_at(out + i);
    if (!value(node.operand(i), out[i])) return false;
  }
  return true;
}

bool Evaluator::make_set_of(const Node& node, Value& out) {
  Value* elements = nullptr;
  if (!operands(node, elements)) return false;
  out = Value::of_set(make_set(arena_, {elements, node.count}));
  return true;
}

bool Evaluator::make_record_of(const Node& node, Value& out) {
  Value* values = nullptr;
  if (!operands(node, values)) return false;
  out = Value::of_record(
      std::construct_at(arena_.array<Record>(1), Record{node.count, node.names, values}));
  return true;
}

bool Evaluator::call(const Node& node, Value& out) {
  Value* arguments = nullptr;
  if (!operands(node, arguments)) return false;
  const CallResult result = call_function(node.function, {arguments, node.count}, arena_);
  const FunctionInfo& info = info_of(node.function);
  switch (result.fault) {
    case CallFault::kNone:
      out = result.value;
      return true;
    case CallFault::kCount:
      (void)wrong(EvalFault::kCall, node, {}, "the wrong number of arguments", info.name);
      return false;
    case CallFault::kArgument:
      (void)wrong(EvalFault::kType, node.operand(result.position), arguments[result.position],
                  name_of(info.arguments[result.position]));
      return false;
    case CallFault::kText:
      (void)wrong(EvalFault::kCall, node, arguments[0], "a string that it cannot read", info.name);
      return false;
    case CallFault::kOverflow:
      (void)wrong(EvalFault::kCall, node, {}, "a result beyond 64 bits", info.name);
      return false;
  }
  return false;
}

std::string describe(const EvalError& error, const Names& names) {
  switch (error.fault) {
    case EvalFault::kNone:
      return {};
    case EvalFault::kType:
      return fmt::format("expected {}, found {} ({})", error.expected,
                         to_string(error.value, names), name_of(error.value.kind));
    case EvalFault::kOverflow:
      return "the result does not fit into 64 bits";
    case EvalFault::kNoEntity:
      return fmt::format("the entity `{}` does not exist", to_string(error.value, names));
    case EvalFault::kNoAttribute:
      return fmt::format("`{}` has no attribute `{}`", to_string(error.value, names), error.name);
    case EvalFault::kNoTag:
      return fmt::format("`{}` has no tag `{}`", to_string(error.value, names), error.name);
    case EvalFault::kCall:
      return fmt::format("`{}` got {}", error.name, error.expected);
  }
  return {};
}

}  // namespace portcullis::cedar
