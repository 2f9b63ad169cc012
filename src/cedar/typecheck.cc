#include "cedar/typecheck.h"

#include "cedar/escape.h"

#include <algorithm>
#include <iterator>

namespace portcullis::cedar {

namespace {

using Kind = Type::Kind;

bool has(const Capabilities& known, std::uint32_t wanted) {
  return std::ranges::binary_search(known, wanted);
}

}  // namespace

Capabilities both(const Capabilities& first, const Capabilities& second) {
  Capabilities joined;
  std::ranges::set_intersection(first, second, std::back_inserter(joined));
  return joined;
}

Capabilities either(const Capabilities& first, const Capabilities& second) {
  Capabilities joined;
  joined.reserve(first.size() + second.size());
  std::ranges::set_union(first, second, std::back_inserter(joined));
  return joined;
}

void Typechecker::say(Span at, std::string message, std::string help) {
  if (findings_.size() >= kMaxFindings) return;
  if (!said_.insert(std::to_string(at.begin) + ":" + std::to_string(at.end) + message).second)
    return;
  findings_.push_back({at, std::move(message), std::move(help), Severity::kError});
}

Typed Typechecker::check_policy(const Policy& policy, const Environment& environment) {
  environment_ = environment;
  Typed whole = check_principal_or_resource(policy.principal, *environment.principal);
  whole = conjoin(std::move(whole), {},
                  [&](const Capabilities&) { return check_action_scope(policy.action); });
  whole = conjoin(std::move(whole), {}, [&](const Capabilities&) {
    return check_principal_or_resource(policy.resource, *environment.resource);
  });
  for (const Condition& condition : policy.conditions) {
    whole = conjoin(std::move(whole), {}, [&](const Capabilities& known) {
      Typed body = expect(*condition.body, known, Wanted::kBool);
      if (condition.kind == ConditionKind::kWhen) return body;
      if (body.is(Kind::kTrue)) return plain(Kind::kFalse, body.ok);
      if (body.is(Kind::kFalse)) return plain(Kind::kTrue, body.ok);
      return plain(Kind::kBool, body.ok);
    });
  }
  return whole;
}

// What `principal == ?principal` and `principal in ?principal` may be is not known before the
// template is linked; all that a link can fill in makes them Bool.
Typed Typechecker::check_principal_or_resource(const Scope& scope, const SchemaEntity& entity) {
  const Typed variable{pool_.entity(entity.name), true, {}};
  const auto group = [&] { return scope.is_slot ? Typed{} : check_entity(scope.entities.front()); };
  const auto in_group = [&] {
    if (scope.is_slot) return plain(Kind::kBool);
    return type_of_in(variable, nullptr, group(), nullptr);
  };
  switch (scope.kind) {
    case ScopeKind::kAny:
      return plain(Kind::kTrue);
    case ScopeKind::kEqual: {
      if (scope.is_slot) return plain(Kind::kBool);
      const Typed other = group();
      const bool disjoint = other.type != nullptr && other.type != variable.type;
      return plain(disjoint ? Kind::kFalse : Kind::kBool, other.ok);
    }
    case ScopeKind::kIn:
      return in_group();
    case ScopeKind::kIs:
      return type_of_is(variable, scope.type);
    case ScopeKind::kIsIn:
      return conjoin(type_of_is(variable, scope.type), {},
                     [&](const Capabilities&) { return in_group(); });
  }
  return {};
}

Typed Typechecker::check_action_scope(const Scope& scope) {
  const SchemaAction& action = *environment_.action;
  const EntityUid uid{action.name.type, action.name.id};
  const Typed variable{pool_.entity(action.name.type), true, {}};
  if (scope.kind == ScopeKind::kAny) return plain(Kind::kTrue);
  if (scope.kind == ScopeKind::kEqual) {
    const Typed other = check_entity(scope.entities.front());
    const bool same = scope.entities.front() == uid;
    if (other.type != nullptr && other.type != variable.type) return plain(Kind::kFalse, other.ok);
    return plain(same ? Kind::kTrue : Kind::kFalse, other.ok);
  }
  Typed groups;
  const std::vector<EntityUid> uids(scope.entities.begin(), scope.entities.end());
  if (uids.empty()) {
    say(scope.span, "an empty set has no type", "list at least one action, or write `action`");
    groups.ok = false;
  }
  for (const EntityUid& group : uids) {
    const Typed one = check_entity(group);
    groups.ok = groups.ok && one.ok;
    if (one.type == nullptr || (&group != uids.data() && groups.type == nullptr)) {
      groups.type = nullptr;
      continue;
    }
    groups.type = groups.type == nullptr
                      ? one.type
                      : join(groups.type, one.type, scope.span, "the elements of a set");
    if (groups.type == nullptr) groups.ok = false;
  }
  return type_of_in(variable, &uid, groups, &uids);
}

Typed Typechecker::check(const Expr& expr, const Capabilities& known) {
  if (steps_ == 0) return {nullptr, false, {}};
  --steps_;
  switch (expr.kind) {
    case ExprKind::kBool:
    case ExprKind::kLong:
    case ExprKind::kString:
      return check_constant(expr);
    case ExprKind::kEntity:
      return check_entity({expr.text, expr.id});
    case ExprKind::kVariable:
      return check_variable(expr);
    case ExprKind::kNot:
      return check_not(expr, known);
    case ExprKind::kNegate:
      return plain(Kind::kLong, expect(*expr.operands[0], known, Wanted::kLong).ok);
    case ExprKind::kAnd:
      return check_and(expr, known);
    case ExprKind::kOr:
      return check_or(expr, known);
    case ExprKind::kIf:
      return check_if(expr, known);
    case ExprKind::kEqual:
    case ExprKind::kNotEqual:
      return check_equality(expr, known);
    case ExprKind::kLess:
    case ExprKind::kLessEqual:
    case ExprKind::kGreater:
    case ExprKind::kGreaterEqual:
      return check_comparison(expr, known);
    case ExprKind::kIn:
      return check_in(expr, known);
    case ExprKind::kAdd:
    case ExprKind::kSubtract:
    case ExprKind::kMultiply:
      return check_arithmetic(expr, known);
    case ExprKind::kContains:
    case ExprKind::kContainsAll:
    case ExprKind::kContainsAny:
      return check_contains(expr, known);
    case ExprKind::kIsEmpty:
      return plain(Kind::kBool, expect(*expr.operands[0], known, Wanted::kSet,
                                       "compare a string with `\"\"` instead")
                                    .ok);
    case ExprKind::kGetTag:
    case ExprKind::kHasTag:
      return check_tag(expr, known);
    case ExprKind::kGetAttribute:
      return check_attribute(expr, known);
    case ExprKind::kHas:
      return check_has(expr, known);
    case ExprKind::kLike:
      return check_like(expr, known);
    case ExprKind::kIs:
      return check_is(expr, known);
    case ExprKind::kSet:
      return check_set(expr, known);
    case ExprKind::kRecord:
      return check_record(expr, known);
    case ExprKind::kCall:
      return check_call(expr, known);
  }
  return {nullptr, false, {}};
}

Typed Typechecker::check_constant(const Expr& expr) {
  if (expr.kind == ExprKind::kBool) return {pool_.boolean(expr.boolean), true, {}};
  return plain(expr.kind == ExprKind::kLong ? Kind::kLong : Kind::kString);
}

Typed Typechecker::check_variable(const Expr& expr) {
  switch (expr.variable) {
    case Variable::kPrincipal:
      return {pool_.entity(environment_.principal->name), true, {}};
    case Variable::kAction:
      return {pool_.entity(environment_.action->name.type), true, {}};
    case Variable::kResource:
      return {pool_.entity(environment_.resource->name), true, {}};
    case Variable::kContext:
      return {environment_.action->context, true, {}};
  }
  return {nullptr, false, {}};
}

// What the schema does not know is reported once for the policy (validator.cc), not here for each
// environment.
Typed Typechecker::check_entity(const EntityUid& uid) {
  const bool known = is_action_name(uid.type) ? schema_.action(uid.type, uid.id) != nullptr
                                              : schema_.entity(uid.type) != nullptr;
  if (!known) return {nullptr, false, {}};
  return {pool_.entity(uid.type), true, {}};
}

bool Typechecker::fits(TypeRef type, Wanted wanted) {
  switch (wanted) {
    case Wanted::kBool:
      return type->is_bool();
    case Wanted::kLong:
      return type->is(Kind::kLong);
    case Wanted::kString:
      return type->is(Kind::kString);
    case Wanted::kSet:
      return type->is(Kind::kSet);
    case Wanted::kEntity:
      return type->is(Kind::kEntity);
    case Wanted::kEntityOrRecord:
      return type->is(Kind::kEntity) || type->is(Kind::kRecord);
    case Wanted::kEntityOrEntities:
      return type->is(Kind::kEntity) || (type->is(Kind::kSet) && type->element->is(Kind::kEntity));
  }
  return false;
}

std::string_view Typechecker::name_of(Wanted wanted) {
  switch (wanted) {
    case Wanted::kBool:
      return "Bool";
    case Wanted::kLong:
      return "Long";
    case Wanted::kString:
      return "String";
    case Wanted::kSet:
      return "a set";
    case Wanted::kEntity:
      return "an entity";
    case Wanted::kEntityOrRecord:
      return "an entity or a record";
    case Wanted::kEntityOrEntities:
      return "an entity or a set of entities";
  }
  return {};
}

Typed Typechecker::expect(const Expr& expr, const Capabilities& known, Wanted wanted,
                          std::string_view help) {
  return wanted_only(check(expr, known), wanted, expr.span, help);
}

Typed Typechecker::wanted_only(Typed typed, Wanted wanted, Span at, std::string_view help) {
  if (typed.type == nullptr) return {nullptr, false, {}};
  if (fits(typed.type, wanted)) return typed;
  say(at,
      "expected " + std::string(name_of(wanted)) + ", but this is of type `" +
          to_string(typed.type) + "`",
      std::string(help));
  return {nullptr, false, {}};
}

template <typename Right>
Typed Typechecker::conjoin(Typed left, const Capabilities& known, Right right) {
  // What cannot be true decides; the rest is never evaluated, and so not typed.
  if (left.is(Kind::kFalse)) return {left.type, left.ok, {}};
  const Capabilities gained = left.ok ? std::move(left.gained) : Capabilities{};
  Typed last = right(either(known, gained));
  const bool ok = left.ok && last.ok;
  if (left.type == nullptr || last.type == nullptr) return plain(Kind::kBool, false);
  if (last.is(Kind::kFalse)) return plain(Kind::kFalse, ok);
  Typed whole = plain(Kind::kBool, ok);
  if (last.is(Kind::kTrue)) whole.type = left.type;
  if (left.is(Kind::kTrue)) whole.type = last.type;
  if (ok) whole.gained = either(gained, last.gained);
  return whole;
}

Typed Typechecker::check_and(const Expr& expr, const Capabilities& known) {
  Typed whole = expect(*expr.operands[0], known, Wanted::kBool);
  for (const Expr* operand : expr.operands.subspan(1)) {
    whole = conjoin(std::move(whole), known,
                    [&](const Capabilities& now) { return expect(*operand, now, Wanted::kBool); });
  }
  return whole;
}

Typed Typechecker::check_or(const Expr& expr, const Capabilities& known) {
  Typed left = expect(*expr.operands[0], known, Wanted::kBool);
  for (const Expr* operand : expr.operands.subspan(1)) {
    if (left.is(Kind::kTrue)) {
      if (!left.ok) left.gained.clear();
      continue;
    }
    Typed right = expect(*operand, known, Wanted::kBool);
    const bool ok = left.ok && right.ok;
    Typed whole = plain(Kind::kBool, ok);
    if (left.type == nullptr || right.type == nullptr) {
      whole.ok = false;
    } else if (right.is(Kind::kTrue)) {
      whole.type = right.type;
      whole.gained = std::move(right.gained);
    } else if (right.is(Kind::kFalse)) {
      whole.type = left.type;
      whole.gained = std::move(left.gained);
    } else if (left.is(Kind::kFalse)) {
      whole.type = right.type;
      whole.gained = std::move(right.gained);
    } else {
      whole.gained = both(left.gained, right.gained);
    }
    if (!whole.ok) whole.gained.clear();
    left = std::move(whole);
  }
  return left;
}

Typed Typechecker::check_not(const Expr& expr, const Capabilities& known) {
  const Typed operand = expect(*expr.operands[0], known, Wanted::kBool);
  if (operand.is(Kind::kTrue)) return plain(Kind::kFalse, operand.ok);
  if (operand.is(Kind::kFalse)) return plain(Kind::kTrue, operand.ok);
  return plain(Kind::kBool, operand.ok);
}

Typed Typechecker::check_if(const Expr& expr, const Capabilities& known) {
  const Typed test = expect(*expr.operands[0], known, Wanted::kBool);
  const Capabilities gained = test.ok ? test.gained : Capabilities{};
  if (test.is(Kind::kFalse)) {
    Typed only = check(*expr.operands[2], known);
    only.ok = only.ok && test.ok;
    return only;
  }
  Typed then = check(*expr.operands[1], either(known, gained));
  then.gained = either(then.gained, gained);
  if (test.is(Kind::kTrue)) {
    then.ok = then.ok && test.ok;
    return then;
  }
  const Typed otherwise = check(*expr.operands[2], known);
  if (then.type == nullptr || otherwise.type == nullptr) return {nullptr, false, {}};
  const TypeRef joined = join(then.type, otherwise.type, expr.span, "both branches of `if`");
  const bool ok = test.ok && then.ok && otherwise.ok && joined != nullptr;
  return {joined, ok, ok ? both(then.gained, otherwise.gained) : Capabilities{}};
}

Typed Typechecker::check_set(const Expr& expr, const Capabilities& known) {
  if (expr.operands.empty()) {
    say(expr.span, "an empty set has no type",
        "use `.isEmpty()`, or compare with a set that has an element");
    return {nullptr, false, {}};
  }
  bool ok = true;
  std::vector<TypeRef> types;
  for (const Expr* element : expr.operands) {
    const Typed one = check(*element, known);
    ok = ok && one.ok;
    types.push_back(one.type);
  }
  if (std::ranges::find(types, nullptr) != types.end()) return {nullptr, false, {}};
  TypeRef joined = types.front();
  for (const TypeRef type : types) {
    joined = join(joined, type, expr.span, "the elements of a set");
    if (joined == nullptr) return {nullptr, false, {}};
  }
  return {pool_.set_of(joined), ok, {}};
}

Typed Typechecker::check_record(const Expr& expr, const Capabilities& known) {
  bool ok = true;
  std::vector<AttributeType> attributes;
  for (std::size_t i = 0; i < expr.operands.size(); ++i) {
    const Typed value = check(*expr.operands[i], known);
    ok = ok && value.ok;
    attributes.push_back({std::string(expr.names[i]), value.type, true});
  }
  if (std::ranges::find(attributes, nullptr, &AttributeType::type) != attributes.end())
    return {nullptr, false, {}};
  return {pool_.record(std::move(attributes)), ok, {}};
}

const AttributeType* Typechecker::find_attribute(TypeRef type, std::string_view name) const {
  if (type->is(Kind::kRecord)) return type->attribute(name);
  const SchemaEntity* entity = schema_.entity(type->name);
  return entity == nullptr ? nullptr : entity->shape->attribute(name);
}

std::vector<std::string> Typechecker::attributes_of(TypeRef type) const {
  const SchemaEntity* entity = type->is(Kind::kEntity) ? schema_.entity(type->name) : nullptr;
  const TypeRef record = type->is(Kind::kRecord) ? type
                         : entity != nullptr     ? entity->shape
                                                 : nullptr;
  std::vector<std::string> names;
  if (record == nullptr) return names;
  for (const AttributeType& attribute : record->attributes) names.push_back(attribute.name);
  return names;
}

Typed Typechecker::type_of_attribute(const Typed& base, std::uint32_t shape, std::string_view name,
                                     const Capabilities& known, Span at) {
  if (base.type == nullptr) return {nullptr, false, {}};
  const AttributeType* attribute = find_attribute(base.type, name);
  const std::string owner =
      (base.type->is(Kind::kEntity) ? "`" + base.type->name + "`" : std::string("the record"));
  if (attribute == nullptr) {
    say(at, owner + " has no attribute `" + std::string(name) + "`",
        did_you_mean(name, attributes_of(base.type)));
    return {nullptr, false, {}};
  }
  if (!attribute->required && !has(known, attribute_capability(shape, name))) {
    say(at, "the attribute `" + std::string(name) + "` of " + owner + " is optional",
        "ask with `has` before it is read");
    return {attribute->type, false, {}};
  }
  return {attribute->type, base.ok, {}};
}

Typed Typechecker::type_of_has(const Typed& base, std::uint32_t shape, std::string_view name,
                               const Capabilities& known) {
  if (base.type == nullptr) return plain(Kind::kBool, false);
  const AttributeType* attribute = find_attribute(base.type, name);
  if (attribute == nullptr) return plain(Kind::kFalse, base.ok);
  const std::uint32_t capability = attribute_capability(shape, name);
  // An entity that is not there has no attributes, not even those that are required.
  const bool sure = has(known, capability) || (attribute->required && base.type->is(Kind::kRecord));
  return {pool_.simple(sure ? Kind::kTrue : Kind::kBool), base.ok, {capability}};
}

Typed Typechecker::check_attribute(const Expr& expr, const Capabilities& known) {
  const Typed base = expect(*expr.operands[0], known, Wanted::kEntityOrRecord);
  return type_of_attribute(base, shape_of(*expr.operands[0]), expr.text, known, expr.span);
}

// `e has a.b` is `e has a && e.a has b`.
Typed Typechecker::check_has(const Expr& expr, const Capabilities& known) {
  static constexpr std::string_view kHelp = "ask a set with `contains`, a string with `like`";
  Typed base = expect(*expr.operands[0], known, Wanted::kEntityOrRecord, kHelp);
  std::uint32_t shape = shape_of(*expr.operands[0]);
  Typed whole = type_of_has(base, shape, expr.names[0], known);
  for (std::size_t i = 1; i < expr.names.size(); ++i) {
    whole = conjoin(std::move(whole), known, [&](const Capabilities& now) {
      base = type_of_attribute(base, shape, expr.names[i - 1], now, expr.span);
      shape = shape_of_attribute(shape, expr.names[i - 1]);
      base = wanted_only(std::move(base), Wanted::kEntityOrRecord, expr.span, kHelp);
      return type_of_has(base, shape, expr.names[i], now);
    });
  }
  return whole;
}

Typed Typechecker::check_like(const Expr& expr, const Capabilities& known) {
  const Typed text = expect(*expr.operands[0], known, Wanted::kString,
                            "the type of an entity is asked for with `is`");
  return plain(Kind::kBool, text.ok);
}

Typed Typechecker::type_of_is(const Typed& entity, std::string_view type) {
  if (entity.type == nullptr) return plain(Kind::kBool, false);
  return plain(entity.type->name == type ? Kind::kTrue : Kind::kFalse, entity.ok);
}

Typed Typechecker::check_is(const Expr& expr, const Capabilities& known) {
  const Typed entity =
      expect(*expr.operands[0], known, Wanted::kEntity, "`is` asks for the type of an entity");
  Typed whole = type_of_is(entity, expr.text);
  if (expr.operands.size() < 2) return whole;
  return conjoin(std::move(whole), known,
                 [&](const Capabilities& now) { return check_in(expr, now); });
}

std::uint32_t Typechecker::shape_named(std::string key) {
  const auto next = static_cast<std::uint32_t>(shape_names_.size());
  return shape_names_.emplace(std::move(key), next).first->second;
}

std::uint32_t Typechecker::shape_of_attribute(std::uint32_t base, std::string_view name) {
  return shape_named("." + std::to_string(base) + " " + std::string(name));
}

std::uint32_t Typechecker::attribute_capability(std::uint32_t shape, std::string_view name) {
  return shape_named("?" + std::to_string(shape) + " " + std::string(name));
}

std::uint32_t Typechecker::shape_of(const Expr& expr) {
  if (const auto at = shapes_.find(&expr); at != shapes_.end()) return at->second;
  std::uint32_t shape = 0;
  if (expr.kind == ExprKind::kGetAttribute) {
    shape = shape_of_attribute(shape_of(*expr.operands[0]), expr.text);
  } else {
    std::string key = "x";
    const auto add = [&](std::string_view part) {
      key.append(std::to_string(part.size())).append(" ").append(part);
    };
    for (const auto number :
         {static_cast<std::int64_t>(expr.kind), static_cast<std::int64_t>(expr.variable),
          static_cast<std::int64_t>(expr.function), std::int64_t{expr.boolean}, expr.integer})
      add(std::to_string(number));
    add(expr.text);
    add(expr.id);
    for (const std::string_view name : expr.names) add(name);
    for (const Expr* operand : expr.operands) add("#" + std::to_string(shape_of(*operand)));
    shape = shape_named(std::move(key));
  }
  shapes_.emplace(&expr, shape);
  return shape;
}

}  // namespace portcullis::cedar
