#include "cedar/validator.h"

#include "cedar/typecheck.h"

#include <algorithm>
#include <tuple>

namespace portcullis::cedar {

namespace {

constexpr std::string_view kHeadHelp =
    "no action of the schema applies to such a principal and resource";

// What is wrong whatever the environment is: names that the schema does not have, ids that an
// enumerated type does not have, a head that fits no action.
class HeadChecker {
 public:
  HeadChecker(const Policy& policy, const Schema& schema) : policy_(policy), schema_(schema) {}

  Findings run() {
    check_scope(policy_.principal);
    check_scope(policy_.action);
    check_scope(policy_.resource);
    for (const Condition& condition : policy_.conditions) check_expr(*condition.body);
    check_application();
    return std::move(findings_);
  }

 private:
  void say(Span at, std::string message, std::string help = {}) {
    if (findings_.size() >= kMaxFindings) return;
    for (const Finding& finding : findings_) {
      if (finding.at == at && finding.message == message) return;
    }
    findings_.push_back({at, std::move(message), std::move(help), Severity::kError});
  }

  void check_type(std::string_view type, Span at) {
    if (findings_.size() >= kMaxFindings || is_action_name(type) || schema_.entity(type) != nullptr)
      return;
    std::vector<std::string> names;
    for (const auto& [name, entity] : schema_.entities()) names.push_back(name);
    say(at, "the schema has no entity type `" + std::string(type) + "`", did_you_mean(type, names));
  }

  void check_uid(const EntityUid& uid, Span at) {
    if (findings_.size() >= kMaxFindings) return;
    check_type(uid.type, at);
    if (is_action_name(uid.type)) {
      if (schema_.action(uid.type, uid.id) != nullptr) return;
      std::vector<std::string> names;
      for (const auto& [name, action] : schema_.actions()) names.push_back(to_string(name));
      say(at, "the schema has no action `" + to_string(uid) + "`",
          did_you_mean(to_string(uid), names));
      return;
    }
    const SchemaEntity* entity = schema_.entity(uid.type);
    if (entity == nullptr || !entity->enumerated()) return;
    if (std::ranges::binary_search(entity->choices, uid.id)) return;
    say(at, "`" + to_string(uid) + "` is not one of the entities that the schema enumerates",
        did_you_mean(uid.id, entity->choices));
  }

  void check_scope(const Scope& scope) {
    if (!scope.type.empty()) check_type(scope.type, scope.span);
    for (const EntityUid& uid : scope.entities) check_uid(uid, scope.span);
  }

  void check_expr(const Expr& expr) {
    if (expr.kind == ExprKind::kEntity) check_uid({expr.text, expr.id}, expr.span);
    if (expr.kind == ExprKind::kIs) check_type(expr.text, expr.span);
    for (const Expr* operand : expr.operands) check_expr(*operand);
  }

  // Whether an entity of that type may satisfy the part of the head.
  [[nodiscard]] bool admits(const Scope& scope, const std::string& type) const {
    if (scope.kind == ScopeKind::kAny) return true;
    if (scope.kind == ScopeKind::kIs || scope.kind == ScopeKind::kIsIn) {
      if (scope.type != type) return false;
      if (scope.kind == ScopeKind::kIs) return true;
    }
    if (scope.is_slot) return true;
    const std::string_view other = scope.entities.front().type;
    if (type == other) return true;
    const SchemaEntity* group = schema_.entity(other);
    return scope.kind != ScopeKind::kEqual && group != nullptr && group->may_hold(type);
  }

  [[nodiscard]] bool admits_action(const SchemaAction& action) const {
    const Scope& scope = policy_.action;
    if (scope.kind == ScopeKind::kAny) return true;
    for (const EntityUid& uid : scope.entities) {
      const ActionName name{std::string(uid.type), std::string(uid.id)};
      if (name == action.name) return true;
      if (scope.kind == ScopeKind::kIn && std::ranges::binary_search(action.ancestors, name))
        return true;
    }
    return false;
  }

  // A list with an unknown action admits none, so that one mistake is not hidden by the others.
  [[nodiscard]] bool knows_all_actions() const {
    return std::ranges::all_of(policy_.action.entities, [&](const EntityUid& uid) {
      return schema_.action(uid.type, uid.id) != nullptr;
    });
  }

  void check_application() {
    const auto any_admitted = [&](const std::vector<std::string>& types, const Scope& scope) {
      return std::ranges::any_of(types,
                                 [&](const std::string& type) { return admits(scope, type); });
    };
    bool applies = false;
    if (knows_all_actions()) {
      for (const auto& [name, action] : schema_.actions()) {
        applies = admits_action(action) && any_admitted(action.principals, policy_.principal) &&
                  any_admitted(action.resources, policy_.resource);
        if (applies) break;
      }
    }
    if (!applies) say(policy_.span, "this policy applies to no request", std::string(kHeadHelp));
  }

  const Policy& policy_;
  const Schema& schema_;
  Findings findings_;
};

// Whether every environment makes the policy false.
bool type_in_all(const Policy& policy, const Schema& schema, Typechecker& checker) {
  bool never = true;
  for (const auto& [name, action] : schema.actions()) {
    for (const std::string& principal : action.principals) {
      for (const std::string& resource : action.resources) {
        if (checker.exhausted()) return false;
        const Typed whole = checker.check_policy(
            policy, {&action, schema.entity(principal), schema.entity(resource)});
        never = never && whole.is(Type::Kind::kFalse);
      }
    }
  }
  return never;
}

}  // namespace

Findings validate_policy(const Policy& policy, const Schema& schema,
                         const ValidatorBounds& bounds) {
  Findings findings = HeadChecker(policy, schema).run();
  Typechecker checker(schema, bounds.steps);
  const bool never = type_in_all(policy, schema, checker);
  findings.insert(findings.end(), checker.findings().begin(), checker.findings().end());
  if (checker.exhausted())
    findings.push_back({policy.span, "this policy takes too many steps to validate",
                        "name the action, or the types of principal and resource, in its head",
                        Severity::kError});
  if (never && findings.empty())
    findings.push_back({policy.span,
                        "this policy can never apply: its condition is always false",
                        {},
                        Severity::kWarning});
  std::ranges::sort(findings, [](const Finding& first, const Finding& second) {
    return std::tie(first.at.begin, first.message) < std::tie(second.at.begin, second.message);
  });
  return findings;
}

std::vector<PolicyFinding> validate_policies(const PolicySet& policies, const Schema& schema,
                                             const ValidatorBounds& bounds) {
  std::vector<PolicyFinding> all;
  for (const Policy& policy : policies.policies()) {
    for (Finding& finding : validate_policy(policy, schema, bounds)) {
      if (all.size() >= kMaxFindings * 10) return all;
      all.push_back({std::string(policy.id), policy.source, std::move(finding)});
    }
  }
  return all;
}

}  // namespace portcullis::cedar
