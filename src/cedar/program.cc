#include "cedar/program.h"

#include "cedar/escape.h"
#include "cedar/evaluator.h"
#include "cedar/request.h"

#include <algorithm>
#include <memory>

namespace portcullis::cedar {
namespace {

bool is_constant(const Node* node) { return node->op == Op::kConstant; }
bool is_bool_constant(const Node* node, bool value) {
  return is_constant(node) && node->constant.is(ValueKind::kBool) &&
         node->constant.boolean == value;
}

// Whether an operation gives a Bool or an error, never another value.
bool gives_bool(const Node* node) {
  switch (node->op) {
    case Op::kConstant:
      return node->constant.is(ValueKind::kBool);
    case Op::kVariable:
    case Op::kIf:
    case Op::kNegate:
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
    case Op::kGetTag:
    case Op::kAttribute:
    case Op::kSet:
    case Op::kRecord:
      return false;
    case Op::kCall:
      return info_of(node->function).result == FunctionType::kBool;
    default:
      return true;
  }
}

// Whether the value depends on the operands alone, and not on entities.
bool is_pure(Op op) {
  switch (op) {
    case Op::kVariable:
    case Op::kIn:
    case Op::kInEntity:
    case Op::kInEntities:
    case Op::kGetTag:
    case Op::kHasTag:
    case Op::kAttribute:
    case Op::kHas:
    case Op::kIs:
      return false;
    default:
      return true;
  }
}

Op op_of(ExprKind kind) {
  switch (kind) {
    case ExprKind::kEqual:
      return Op::kEqual;
    case ExprKind::kNotEqual:
      return Op::kNotEqual;
    case ExprKind::kLess:
      return Op::kLess;
    case ExprKind::kLessEqual:
      return Op::kLessEqual;
    case ExprKind::kGreater:
      return Op::kGreater;
    case ExprKind::kGreaterEqual:
      return Op::kGreaterEqual;
    case ExprKind::kAdd:
      return Op::kAdd;
    case ExprKind::kSubtract:
      return Op::kSubtract;
    case ExprKind::kMultiply:
      return Op::kMultiply;
    case ExprKind::kContains:
      return Op::kContains;
    case ExprKind::kContainsAll:
      return Op::kContainsAll;
    case ExprKind::kContainsAny:
      return Op::kContainsAny;
    case ExprKind::kIsEmpty:
      return Op::kIsEmpty;
    case ExprKind::kGetTag:
      return Op::kGetTag;
    case ExprKind::kHasTag:
      return Op::kHasTag;
    case ExprKind::kSet:
      return Op::kSet;
    case ExprKind::kIf:
      return Op::kIf;
    default:
      return Op::kNegate;
  }
}

}  // namespace

bool Pattern::matches(std::string_view text) const {
  const std::string_view first = parts.front();
  if (parts.size() == 1) return text == first;
  const std::string_view last = parts.back();
  if (text.size() < first.size() + last.size()) return false;
  if (!text.starts_with(first) || !text.ends_with(last)) return false;
  text.remove_prefix(first.size());
  text.remove_suffix(last.size());
  // The leftmost place for each part leaves the most for those after it.
  for (const std::string_view part : parts.subspan(1, parts.size() - 2)) {
    const std::size_t at = text.find(part);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + part.size());
  }
  return true;
}

const Node* Compiler::make(const Node& node) {
  return std::construct_at(arena_.array<Node>(1), node);
}

const Node* Compiler::constant(const Value& value, const Expr* source) {
  Node node;
  node.constant = value;
  node.source = source;
  return make(node);
}

std::span<const Node* const> Compiler::keep(const std::vector<const Node*>& nodes) {
  const Node** kept = arena_.array<const Node*>(nodes.size());
  std::ranges::copy(nodes, kept);
  return {kept, nodes.size()};
}

const NameId* Compiler::keep_names(std::span<const std::string_view> names) {
  NameId* kept = arena_.array<NameId>(names.size());
  std::ranges::transform(names, kept, [&](std::string_view name) { return symbols_.name(name); });
  return kept;
}

const Node* Compiler::with_operands(Op op, const Expr& expr, std::uint32_t index) {
  std::vector<const Node*> operands;
  operands.reserve(expr.operands.size());
  for (const Expr* operand : expr.operands) operands.push_back(compile(*operand));
  Node node;
  node.op = op;
  node.index = index;
  node.function = expr.function;
  node.count = static_cast<std::uint32_t>(operands.size());
  node.operands = keep(operands).data();
  node.source = &expr;
  return fold(make(node));
}

// What has constant operands only is evaluated now, unless it errs: then it errs at run time.
const Node* Compiler::fold(const Node* node) {
  if (!is_pure(node->op) || !std::ranges::all_of(node->all(), is_constant)) return node;
  const Entities nothing;
  const RequestNames names(symbols_, arena_);
  Request request;
  request.names = &names;
  Evaluator evaluator(nothing, request, arena_);
  Value value;
  return evaluator.value(*node, value) ? constant(value, node->source) : node;
}

const Node* Compiler::compile(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kBool:
    case ExprKind::kLong:
    case ExprKind::kString:
    case ExprKind::kEntity:
    case ExprKind::kVariable:
      return compile_leaf(expr);
    case ExprKind::kNot:
    case ExprKind::kAnd:
    case ExprKind::kOr:
      return compile_logic(expr);
    case ExprKind::kIn:
      return compile_in(expr);
    case ExprKind::kGetAttribute:
    case ExprKind::kHas:
    case ExprKind::kLike:
    case ExprKind::kCall:
      return compile_named(expr);
    case ExprKind::kIs:
      return compile_is(expr);
    case ExprKind::kRecord:
      return compile_record(expr);
    default:
      return compile_binary(expr);
  }
}

const Node* Compiler::compile_leaf(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kBool:
      return constant(Value::of_bool(expr.boolean), &expr);
    case ExprKind::kLong:
      return constant(Value::of_long(expr.integer), &expr);
    case ExprKind::kString:
      return constant(Value::of_string(expr.text), &expr);
    case ExprKind::kEntity:
      return constant(Value::of_entity(symbols_.entity(EntityUid{expr.text, expr.id})), &expr);
    default:
      return with_operands(Op::kVariable, expr, static_cast<std::uint32_t>(expr.variable));
  }
}

const Node* Compiler::compile_logic(const Expr& expr) {
  if (expr.kind == ExprKind::kNot) return negate(compile(*expr.operands[0]), &expr);
  std::vector<const Node*> parts;
  parts.reserve(expr.operands.size());
  for (const Expr* operand : expr.operands) parts.push_back(compile(*operand));
  return join(expr.kind == ExprKind::kAnd ? Op::kAnd : Op::kOr, parts, &expr);
}

const Node* Compiler::negate(const Node* node, const Expr* source) {
  Node made;
  made.op = Op::kNot;
  made.count = 1;
  made.operands = keep({node}).data();
  made.source = source;
  return fold(make(made));
}

// Leaves out operands that are constant and do not decide, and all behind one that does.
const Node* Compiler::join(Op op, const std::vector<const Node*>& parts, const Expr* source) {
  const bool decides = op == Op::kOr;
  std::vector<const Node*> left;
  for (const Node* part : parts) {
    if (is_bool_constant(part, !decides)) continue;
    left.push_back(part);
    if (is_bool_constant(part, decides)) break;
  }
  if (left.empty()) return constant(Value::of_bool(!decides), source);
  if (left.size() == 1 && gives_bool(left.front())) return left.front();
  Node node;
  node.op = left.size() == 1 ? Op::kTruth : op;
  node.count = static_cast<std::uint32_t>(left.size());
  node.operands = keep(left).data();
  node.source = source;
  return make(node);
}

const Node* Compiler::compile_binary(const Expr& expr) {
  const Node* node = with_operands(op_of(expr.kind), expr);
  // The branch that a constant condition chooses.
  if (node->op == Op::kIf && is_constant(node->operands[0]) &&
      node->operand(0).constant.is(ValueKind::kBool))
    return node->operands[node->operand(0).constant.boolean ? 1 : 2];
  return node;
}

const Node* Compiler::compile_in(const Expr& expr) {
  const Node* node = with_operands(Op::kIn, expr);
  const Node& right = node->operand(1);
  if (!is_constant(&right)) return node;
  Node made = *node;
  if (right.constant.is(ValueKind::kEntity)) {
    made.op = Op::kInEntity;
    made.index = right.constant.entity;
    return make(made);
  }
  if (!right.constant.is(ValueKind::kSet)) return node;
  std::vector<EntityId> ids;
  for (const Value& element : right.constant.set->all()) {
    if (!element.is(ValueKind::kEntity)) return node;
    ids.push_back(element.entity);
  }
  made.op = Op::kInEntities;
  made.ids = std::construct_at(arena_.array<IdSet>(1), IdSet::make(arena_, std::move(ids)));
  return make(made);
}

const Node* Compiler::compile_named(const Expr& expr) {
  if (expr.kind == ExprKind::kCall) return with_operands(Op::kCall, expr);
  if (expr.kind == ExprKind::kGetAttribute)
    return with_operands(Op::kAttribute, expr, symbols_.name(expr.text));
  if (expr.kind == ExprKind::kHas) {
    Node node = *with_operands(Op::kHas, expr);
    node.names = keep_names(expr.names);
    node.name_count = static_cast<std::uint16_t>(expr.names.size());
    return make(node);
  }
  std::vector<std::string_view> parts;
  std::string_view rest = expr.text;
  for (std::size_t at = rest.find(kWildcard); at != rest.npos; at = rest.find(kWildcard)) {
    parts.push_back(rest.substr(0, at));
    rest.remove_prefix(at + 1);
  }
  parts.push_back(rest);
  std::string_view* kept = arena_.array<std::string_view>(parts.size());
  std::uninitialized_copy(parts.begin(), parts.end(), kept);
  Node node;
  node.op = Op::kLike;
  node.count = 1;
  node.operands = keep({compile(*expr.operands[0])}).data();
  node.pattern = std::construct_at(arena_.array<Pattern>(1), Pattern{{kept, parts.size()}});
  node.source = &expr;
  return fold(make(node));
}

const Node* Compiler::compile_is(const Expr& expr) {
  Node node;
  node.op = Op::kIs;
  node.index = symbols_.type(expr.text);
  node.count = 1;
  const Node* operand = compile(*expr.operands[0]);
  node.operands = keep({operand}).data();
  node.source = &expr;
  const Node* is = make(node);
  if (expr.operands.size() == 1) return is;
  // `e is T in x` is `e is T && e in x`.
  Node in;
  in.op = Op::kIn;
  in.count = 2;
  const Node* ancestor = compile(*expr.operands[1]);
  in.operands = keep({operand, ancestor}).data();
  in.source = &expr;
  if (is_constant(ancestor) && ancestor->constant.is(ValueKind::kEntity)) {
    in.op = Op::kInEntity;
    in.index = ancestor->constant.entity;
  }
  return join(Op::kAnd, {is, make(in)}, &expr);
}

const Node* Compiler::compile_record(const Expr& expr) {
  struct Entry {
    NameId name;
    const Expr* value;
  };
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < expr.names.size(); ++i)
    entries.push_back({symbols_.name(expr.names[i]), expr.operands[i]});
  std::ranges::sort(entries, {}, &Entry::name);
  std::vector<const Node*> operands;
  NameId* names = arena_.array<NameId>(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    names[i] = entries[i].name;
    operands.push_back(compile(*entries[i].value));
  }
  Node node;
  node.op = Op::kRecord;
  node.count = static_cast<std::uint32_t>(operands.size());
  node.operands = keep(operands).data();
  node.names = names;
  node.source = &expr;
  return fold(make(node));
}

const Node* Compiler::compile_conditions(std::span<const Condition> conditions) {
  std::vector<const Node*> parts;
  for (const Condition& condition : conditions) {
    const Node* node = compile(*condition.body);
    parts.push_back(condition.kind == ConditionKind::kWhen ? node : negate(node, condition.body));
  }
  const Node* all = join(Op::kAnd, parts, nullptr);
  return is_bool_constant(all, true) ? nullptr : all;
}

}  // namespace portcullis::cedar
