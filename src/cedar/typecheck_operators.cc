// Operators and calls: what each takes, and what it is known to give.
#include "cedar/extension_types.h"
#include "cedar/typecheck.h"

#include <algorithm>

namespace portcullis::cedar {

namespace {

using Kind = Type::Kind;

bool is_ordered(TypeRef type) {
  return type->is(Kind::kLong) ||
         (type->is(Kind::kExtension) && (type->name == "datetime" || type->name == "duration"));
}

// Whether the text makes a value of the extension type.
bool is_extension_text(FunctionType type, std::string_view text) {
  switch (type) {
    case FunctionType::kIpaddr:
      return parse_ip(text).has_value();
    case FunctionType::kDecimal:
      return parse_decimal(text).has_value();
    case FunctionType::kDatetime:
      return parse_datetime(text).has_value();
    case FunctionType::kDuration:
      return parse_duration(text).has_value();
    default:
      return true;
  }
}

// What may stand in an error beside two types that do not go together.
std::string_view reason_of(NoBound reason) {
  switch (reason) {
    case NoBound::kDifferent:
      return "values of different types are never equal";
    case NoBound::kEntityTypes:
      return "entities of different types are never equal; `is` tells them apart";
    case NoBound::kAttributes:
      return "the records have different attributes";
    case NoBound::kOptionalness:
      return "an attribute is optional in one of the records and required in the other";
    case NoBound::kEntityAndRecord:
      return "an entity is no record; name one of its attributes";
  }
  return {};
}

}  // namespace

bool Typechecker::comparable(TypeRef first, TypeRef second, Span at, std::string_view what,
                             std::string_view with) {
  const auto bound = least_upper_bound(pool_, first, second);
  if (bound) return true;
  say(at,
      std::string(what) + " of type `" + to_string(first) + "`" + std::string(with) + " of type `" +
          to_string(second) + "`",
      std::string(reason_of(bound.error())));
  return false;
}

TypeRef Typechecker::join(TypeRef first, TypeRef second, Span at, std::string_view what) {
  const auto bound = least_upper_bound(pool_, first, second);
  if (bound) return *bound;
  const std::string_view help =
      bound.error() == NoBound::kDifferent || bound.error() == NoBound::kEntityTypes
          ? std::string_view("make them of one type")
          : reason_of(bound.error());
  say(at,
      std::string(what) + " are of different types: `" + to_string(first) + "` and `" +
          to_string(second) + "`",
      std::string(help));
  return nullptr;
}

bool Typechecker::literal_uid(const Expr& expr, EntityUid& uid) const {
  if (expr.kind == ExprKind::kEntity) {
    uid = {expr.text, expr.id};
    return true;
  }
  if (expr.kind != ExprKind::kVariable || expr.variable != Variable::kAction) return false;
  uid = {environment_.action->name.type, environment_.action->name.id};
  return true;
}

bool Typechecker::literal_uids(const Expr& expr, std::vector<EntityUid>& uids) const {
  EntityUid uid;
  if (literal_uid(expr, uid)) {
    uids.push_back(uid);
    return true;
  }
  if (expr.kind != ExprKind::kSet) return false;
  for (const Expr* element : expr.operands) {
    if (!literal_uid(*element, uid)) return false;
    uids.push_back(uid);
  }
  return true;
}

bool Typechecker::same_literals(const Expr& first, const Expr& second, bool& same) const {
  EntityUid left;
  EntityUid right;
  const auto is_literal = [&](const Expr& expr, EntityUid& uid) {
    return expr.kind == ExprKind::kBool || expr.kind == ExprKind::kLong ||
           expr.kind == ExprKind::kString || literal_uid(expr, uid);
  };
  if (!is_literal(first, left) || !is_literal(second, right)) return false;
  const bool entities = !left.type.empty() && !right.type.empty();
  same = entities ? left == right
                  : first.kind == second.kind && first.boolean == second.boolean &&
                        first.integer == second.integer && first.text == second.text;
  return true;
}

Typed Typechecker::check_equality(const Expr& expr, const Capabilities& known) {
  const Typed left = check(*expr.operands[0], known);
  const Typed right = check(*expr.operands[1], known);
  Typed whole = plain(Kind::kBool, left.ok && right.ok);
  const bool typed = left.type != nullptr && right.type != nullptr;
  bool same = false;
  if (typed && left.is(Kind::kEntity) && right.is(Kind::kEntity) && left.type != right.type) {
    whole.type = pool_.boolean(false);
  } else if (same_literals(*expr.operands[0], *expr.operands[1], same)) {
    whole.type = pool_.boolean(same);
  } else if (typed &&
             !comparable(left.type, right.type, expr.span, "this compares a value", " with one")) {
    whole.ok = false;
  }
  if (expr.kind == ExprKind::kNotEqual && !whole.is(Kind::kBool))
    whole.type = pool_.boolean(whole.is(Kind::kFalse));
  return whole;
}

Typed Typechecker::check_comparison(const Expr& expr, const Capabilities& known) {
  static constexpr std::string_view kHelp =
      "Long, datetime and duration are compared so; decimals with `.lessThan()`";
  const Typed left = check(*expr.operands[0], known);
  const Typed right = check(*expr.operands[1], known);
  if (left.type == nullptr || right.type == nullptr) return plain(Kind::kBool, false);
  if (left.type == right.type && is_ordered(left.type))
    return plain(Kind::kBool, left.ok && right.ok);
  const auto wrong = [&](const Expr& operand, TypeRef type, const std::string& wanted) {
    say(operand.span, "expected " + wanted + ", but this is of type `" + to_string(type) + "`",
        std::string(kHelp));
  };
  if (is_ordered(left.type)) {
    wrong(*expr.operands[1], right.type, to_string(left.type));
  } else if (is_ordered(right.type)) {
    wrong(*expr.operands[0], left.type, to_string(right.type));
  } else {
    wrong(*expr.operands[0], left.type, "Long, datetime or duration");
    wrong(*expr.operands[1], right.type, "Long, datetime or duration");
  }
  return plain(Kind::kBool, false);
}

Typed Typechecker::check_arithmetic(const Expr& expr, const Capabilities& known) {
  static constexpr std::string_view kHelp = "only numbers can be calculated with";
  const Typed left = expect(*expr.operands[0], known, Wanted::kLong, kHelp);
  const Typed right = expect(*expr.operands[1], known, Wanted::kLong, kHelp);
  return plain(Kind::kLong, left.ok && right.ok);
}

Typed Typechecker::check_in(const Expr& expr, const Capabilities& known) {
  const Typed left = expect(*expr.operands[0], known, Wanted::kEntity,
                            "a value is looked for in a set with `.contains()`");
  const Typed right = expect(*expr.operands[1], known, Wanted::kEntityOrEntities,
                             "a value is looked for in a set with `.contains()`");
  EntityUid uid;
  std::vector<EntityUid> uids;
  const bool left_known = literal_uid(*expr.operands[0], uid);
  const bool right_known = literal_uids(*expr.operands[1], uids);
  return type_of_in(left, left_known ? &uid : nullptr, right, right_known ? &uids : nullptr);
}

// `right` may be the type of one entity or of a set of them.
Typed Typechecker::type_of_in(const Typed& left, const EntityUid* left_uid, const Typed& right,
                              const std::vector<EntityUid>* right_uids) {
  if (!left.ok || !right.ok || left.type == nullptr || right.type == nullptr)
    return plain(Kind::kBool, false);
  if (left_uid != nullptr && right_uids != nullptr && is_action_name(left_uid->type))
    return type_of_action_in(*left_uid, *right_uids);
  const TypeRef group = right.is(Kind::kSet) ? right.type->element : right.type;
  return plain(may_be_in(left.type->name, group->name) ? Kind::kBool : Kind::kFalse);
}

// The groups of actions are fixed by the schema, so `in` is decided.
Typed Typechecker::type_of_action_in(const EntityUid& action,
                                     const std::vector<EntityUid>& groups) {
  const SchemaAction* declared = schema_.action(action.type, action.id);
  bool found = false;
  for (const EntityUid& group : groups) {
    if (!is_action_name(group.type)) continue;
    if (schema_.action(group.type, group.id) == nullptr) return plain(Kind::kBool, false);
    const ActionName name{std::string(group.type), std::string(group.id)};
    found = found || action == group ||
            (declared != nullptr && std::ranges::binary_search(declared->ancestors, name));
  }
  return {pool_.boolean(found), true, {}};
}

bool Typechecker::may_be_in(std::string_view type, std::string_view group) const {
  if (type == group) return true;
  const SchemaEntity* holder = schema_.entity(group);
  if (holder != nullptr && holder->may_hold(type)) return true;
  if (!is_action_name(type) || !is_action_name(group)) return false;
  return std::ranges::any_of(schema_.actions(), [&](const auto& entry) {
    return entry.first.type == group &&
           std::ranges::any_of(entry.second.descendants,
                               [&](const ActionName& below) { return below.type == type; });
  });
}

Typed Typechecker::check_contains(const Expr& expr, const Capabilities& known) {
  const Typed set = expect(*expr.operands[0], known, Wanted::kSet,
                           "ask an entity with `in`, a record with `has`, a string with `like`");
  const bool single = expr.kind == ExprKind::kContains;
  const Typed other = single ? check(*expr.operands[1], known)
                             : expect(*expr.operands[1], known, Wanted::kSet,
                                      "one value is looked for with `.contains()`");
  Typed whole = plain(Kind::kBool, set.ok && other.ok);
  if (set.type == nullptr || other.type == nullptr) {
    whole.ok = false;
    return whole;
  }
  const TypeRef element = single ? set.type->element : set.type;
  if (!comparable(element, other.type, expr.span,
                  single ? "the set has elements" : "this compares a set",
                  single ? ", and is asked for one" : " with one"))
    whole.ok = false;
  return whole;
}

Typed Typechecker::check_tag(const Expr& expr, const Capabilities& known) {
  const Typed entity = expect(*expr.operands[0], known, Wanted::kEntity, "only entities have tags");
  const Typed key = expect(*expr.operands[1], known, Wanted::kString);
  if (entity.type == nullptr) return {nullptr, false, {}};
  const bool ok = entity.ok && key.ok;
  const SchemaEntity* declared = schema_.entity(entity.type->name);
  const TypeRef tags = declared == nullptr ? nullptr : declared->tags;
  const std::uint32_t capability = shape_named("#" + std::to_string(shape_of(*expr.operands[0])) +
                                               " " + std::to_string(shape_of(*expr.operands[1])));
  const bool sure = std::ranges::binary_search(known, capability);
  if (expr.kind == ExprKind::kHasTag) {
    const Kind kind = tags == nullptr ? Kind::kFalse : sure ? Kind::kTrue : Kind::kBool;
    return {pool_.simple(kind), ok, {capability}};
  }
  if (!sure) {
    say(expr.span, "this tag may not be there", "ask with `.hasTag()` before it is read");
    return {nullptr, false, {}};
  }
  if (tags == nullptr) {
    say(expr.span, "`" + entity.type->name + "` has no tags");
    return {nullptr, false, {}};
  }
  return {tags, ok, {}};
}

// The text of a constructor must be written out, so that it is known to be right.
bool Typechecker::check_constructor(const Expr& expr) {
  const FunctionInfo& info = info_of(expr.function);
  if (info.style != CallStyle::kFunction) return true;
  bool ok = true;
  for (const Expr* argument : expr.operands) {
    const bool literal = argument->kind == ExprKind::kString || argument->kind == ExprKind::kBool ||
                         argument->kind == ExprKind::kLong || argument->kind == ExprKind::kEntity;
    if (!literal) {
      say(expr.span, "`" + std::string(info.name) + "` is called with what is not a literal",
          "write the text out; a value of a request or an entity has the type already");
      ok = false;
    }
  }
  if (expr.operands.size() == 1 && expr.operands[0]->kind == ExprKind::kString &&
      !is_extension_text(info.result, expr.operands[0]->text)) {
    say(expr.operands[0]->span,
        "this text is no " + std::string(portcullis::cedar::name_of(info.result)));
    ok = false;
  }
  return ok;
}

Typed Typechecker::check_call(const Expr& expr, const Capabilities& known) {
  const FunctionInfo& info = info_of(expr.function);
  const auto type_of = [&](FunctionType type) {
    switch (type) {
      case FunctionType::kBool:
        return pool_.simple(Kind::kBool);
      case FunctionType::kLong:
        return pool_.simple(Kind::kLong);
      case FunctionType::kString:
        return pool_.simple(Kind::kString);
      default:
        return pool_.extension(portcullis::cedar::name_of(type));
    }
  };
  Typed whole{type_of(info.result), true, {}};
  if (!accepts_count(info, expr.operands.size())) {
    say(expr.span, "`" + std::string(info.name) + "` is called with the wrong number of arguments");
    whole.ok = false;
  }
  if (!check_constructor(expr)) whole.ok = false;
  if (!whole.ok) {
    for (const Expr* argument : expr.operands) (void)check(*argument, known);
    return whole;
  }
  for (std::size_t i = 0; i < expr.operands.size(); ++i) {
    const TypeRef wanted = type_of(info.arguments[std::min(i, info.arguments.size() - 1)]);
    const Typed argument = check(*expr.operands[i], known);
    whole.ok = whole.ok && argument.ok && argument.type != nullptr;
    if (argument.type == nullptr || argument.type == wanted) continue;
    say(expr.operands[i]->span, "expected `" + to_string(wanted) + "`, but this is of type `" +
                                    to_string(argument.type) + "`");
    whole.ok = false;
  }
  return whole;
}

}  // namespace portcullis::cedar
