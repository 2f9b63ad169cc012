// Types of expressions in one environment; validator.h is the way in.
#pragma once

#include "cedar/ast.h"
#include "cedar/schema.h"
#include "cedar/types.h"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace portcullis::cedar {

// One kind of request: what `principal`, `action`, `resource` and `context` are.
struct Environment {
  const SchemaAction* action = nullptr;
  const SchemaEntity* principal = nullptr;
  const SchemaEntity* resource = nullptr;
};

// What is known to exist: that an expression has an attribute or a tag. Sorted ids.
using Capabilities = std::vector<std::uint32_t>;

// The type of an expression. After an error there may still be a type to go on with.
struct Typed {
  TypeRef type = nullptr;
  bool ok = true;
  Capabilities gained;  // what is known where the expression was true

  [[nodiscard]] bool is(Type::Kind kind) const { return type != nullptr && type->is(kind); }
};

class Typechecker {
 public:
  Typechecker(const Schema& schema, std::uint64_t steps)
      : schema_(schema), pool_(&schema.types()), steps_(steps) {}

  // The type of the whole policy, which is false when it cannot apply in that environment.
  // Findings are collected; each is kept once, however many environments have it.
  Typed check_policy(const Policy& policy, const Environment& environment);

  [[nodiscard]] const Findings& findings() const { return findings_; }
  // True when the steps did not suffice; then nothing else counts.
  [[nodiscard]] bool exhausted() const { return steps_ == 0; }

 private:
  Typed check(const Expr& expr, const Capabilities& known);
  Typed check_constant(const Expr& expr);
  Typed check_variable(const Expr& expr);
  Typed check_entity(const EntityUid& uid);
  Typed check_not(const Expr& expr, const Capabilities& known);
  Typed check_and(const Expr& expr, const Capabilities& known);
  Typed check_or(const Expr& expr, const Capabilities& known);
  Typed check_if(const Expr& expr, const Capabilities& known);
  Typed check_set(const Expr& expr, const Capabilities& known);
  Typed check_record(const Expr& expr, const Capabilities& known);
  Typed check_attribute(const Expr& expr, const Capabilities& known);
  Typed check_has(const Expr& expr, const Capabilities& known);
  Typed check_is(const Expr& expr, const Capabilities& known);
  Typed check_like(const Expr& expr, const Capabilities& known);

  Typed check_equality(const Expr& expr, const Capabilities& known);
  Typed check_comparison(const Expr& expr, const Capabilities& known);
  Typed check_arithmetic(const Expr& expr, const Capabilities& known);
  Typed check_in(const Expr& expr, const Capabilities& known);
  Typed check_contains(const Expr& expr, const Capabilities& known);
  Typed check_tag(const Expr& expr, const Capabilities& known);
  Typed check_call(const Expr& expr, const Capabilities& known);
  bool check_constructor(const Expr& expr);

  // `left && right`, the right being typed only when the left may be true.
  template <typename Right>
  Typed conjoin(Typed left, const Capabilities& known, Right right);
  // The types of both sides of `in`, and what stands there when it is known.
  Typed type_of_in(const Typed& left, const EntityUid* left_uid, const Typed& right,
                   const std::vector<EntityUid>* right_uids);
  Typed type_of_action_in(const EntityUid& action, const std::vector<EntityUid>& groups);
  [[nodiscard]] bool may_be_in(std::string_view type, std::string_view group) const;
  Typed type_of_is(const Typed& entity, std::string_view type);

  Typed type_of_attribute(const Typed& base, std::uint32_t shape, std::string_view name,
                          const Capabilities& known, Span at);
  Typed type_of_has(const Typed& base, std::uint32_t shape, std::string_view name,
                    const Capabilities& known);
  [[nodiscard]] const AttributeType* find_attribute(TypeRef type, std::string_view name) const;
  [[nodiscard]] std::vector<std::string> attributes_of(TypeRef type) const;

  Typed check_principal_or_resource(const Scope& scope, const SchemaEntity& entity);
  Typed check_action_scope(const Scope& scope);

  enum class Wanted : std::uint8_t {
    kBool,
    kLong,
    kString,
    kSet,
    kEntity,
    kEntityOrRecord,
    kEntityOrEntities,
  };
  [[nodiscard]] static bool fits(TypeRef type, Wanted wanted);
  [[nodiscard]] static std::string_view name_of(Wanted wanted);
  // Types the expression and says so when it is not what is wanted; then it has no type.
  Typed expect(const Expr& expr, const Capabilities& known, Wanted wanted,
               std::string_view help = {});
  Typed wanted_only(Typed typed, Wanted wanted, Span at, std::string_view help);
  // False, with a finding, when values of the two types could never be equal: "`what` of type X
  // `with` of type Y".
  bool comparable(TypeRef first, TypeRef second, Span at, std::string_view what,
                  std::string_view with);
  // The common type of a set's elements or of both branches; nullptr with a finding.
  TypeRef join(TypeRef first, TypeRef second, Span at, std::string_view what);

  // The entity that an expression is known to be.
  [[nodiscard]] bool literal_uid(const Expr& expr, EntityUid& uid) const;
  [[nodiscard]] bool literal_uids(const Expr& expr, std::vector<EntityUid>& uids) const;
  [[nodiscard]] bool same_literals(const Expr& first, const Expr& second, bool& same) const;

  // Expressions that are written the same way have the same shape.
  std::uint32_t shape_of(const Expr& expr);
  std::uint32_t shape_of_attribute(std::uint32_t base, std::string_view name);
  std::uint32_t shape_named(std::string key);
  std::uint32_t attribute_capability(std::uint32_t shape, std::string_view name);

  void say(Span at, std::string message, std::string help = {});
  [[nodiscard]] Typed plain(Type::Kind kind, bool ok = true) {
    return {pool_.simple(kind), ok, {}};
  }

  const Schema& schema_;
  TypePool pool_;
  std::uint64_t steps_;
  Environment environment_;
  Findings findings_;
  std::set<std::string> said_;
  std::unordered_map<const Expr*, std::uint32_t> shapes_;
  std::unordered_map<std::string, std::uint32_t> shape_names_;
};

// Sorted ids of both, of either.
[[nodiscard]] Capabilities both(const Capabilities& first, const Capabilities& second);
[[nodiscard]] Capabilities either(const Capabilities& first, const Capabilities& second);

}  // namespace portcullis::cedar
