#include "cedar/engine.h"

#include <algorithm>
#include <unordered_map>

namespace portcullis::cedar {
namespace {

ScopeTest compile_scope(const Scope& scope, const std::optional<EntityUid>& slot,
                        Symbols& symbols) {
  ScopeTest test{.kind = scope.kind, .type = kNoId, .entity = kNoId};
  if (!scope.type.empty()) test.type = symbols.type(scope.type);
  if (scope.is_slot && slot) {
    test.entity = symbols.entity(*slot);
  } else if (!scope.entities.empty()) {
    test.entity = symbols.entity(scope.entities.front());
  }
  return test;
}

bool holds(const ScopeTest& test, EntityId entity, const Request& request,
           const Evaluator& evaluator) {
  switch (test.kind) {
    case ScopeKind::kAny:
      return true;
    case ScopeKind::kEqual:
      return entity == test.entity;
    case ScopeKind::kIn:
      return evaluator.is_in(entity, test.entity);
    case ScopeKind::kIs:
      return request.names->type_of(entity) == test.type;
    case ScopeKind::kIsIn:
      return request.names->type_of(entity) == test.type && evaluator.is_in(entity, test.entity);
  }
  return false;
}

}  // namespace

void Engine::add(const Policy& policy, const TemplateLink* link, const Node* condition,
                 Symbols& symbols) {
  const std::optional<EntityUid> none;
  PolicyHead head;
  head.principal =
      compile_scope(policy.principal, link == nullptr ? none : link->principal, symbols);
  head.resource = compile_scope(policy.resource, link == nullptr ? none : link->resource, symbols);
  EntityId* actions = arena_->array<EntityId>(policy.action.entities.size());
  std::ranges::transform(policy.action.entities, actions,
                         [&](const EntityUid& uid) { return symbols.entity(uid); });
  head.action = {policy.action.kind, {actions, policy.action.entities.size()}};
  heads_.push_back(head);
  policies_.push_back({.id = link == nullptr ? policy.id : link->id,
                       .source = &policy,
                       .condition = condition,
                       .effect = policy.effect});
}

Engine Engine::compile(const PolicySet& policies, Symbols& symbols) {
  Engine engine;
  Compiler compiler(symbols, *engine.arena_);
  std::unordered_map<const Policy*, const Node*> templates;
  for (const Policy& policy : policies.policies()) {
    const Node* condition = compiler.compile_conditions(policy.conditions);
    if (policy.is_template()) {
      templates.emplace(&policy, condition);
    } else {
      engine.add(policy, nullptr, condition, symbols);
    }
  }
  for (const TemplateLink& link : policies.links()) {
    const Policy* policy = policies.find(link.template_id);
    engine.add(*policy, &link, templates.at(policy), symbols);
  }
  engine.index_.build(engine.heads_);
  return engine;
}

void Engine::decide(const Request& request, const Entities& entities, Arena& arena,
                    Decision& into) const {
  Evaluator evaluator(entities, request, arena);
  into.determining.clear();
  into.errors.clear();
  into.permits_.clear();
  index_.find(request, evaluator, into.candidates_);
  for (const std::uint32_t position : into.candidates_) {
    const PolicyHead& head = heads_[position];
    if (!holds(head.principal, request.principal, request, evaluator) ||
        !holds(head.resource, request.resource, request, evaluator))
      continue;
    const CompiledPolicy& policy = policies_[position];
    const Truth truth =
        policy.condition == nullptr ? Truth::kTrue : evaluator.truth(*policy.condition);
    if (truth == Truth::kError) {
      into.errors.push_back({position, evaluator.error()});
    } else if (truth == Truth::kTrue) {
      (policy.effect == Effect::kForbid ? into.determining : into.permits_).push_back(position);
    }
  }
  into.allow = into.determining.empty() && !into.permits_.empty();
  if (into.determining.empty()) into.determining.swap(into.permits_);
}

}  // namespace portcullis::cedar
