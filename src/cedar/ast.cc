#include "cedar/ast.h"

#include "base/result.h"
#include "cedar/escape.h"

#include <fmt/format.h>

#include <algorithm>

namespace portcullis::cedar {
namespace {

// In the values of PolicySet::by_id_, those of links.
constexpr std::size_t kLinkBit = ~(~std::size_t{0} >> 1U);

}  // namespace

std::string to_string(const EntityUid& uid) {
  std::string text(uid.type);
  text += "::";
  append_escaped(text, uid.id);
  return text;
}

std::string_view name_of(Variable variable) {
  switch (variable) {
    case Variable::kPrincipal:
      return "principal";
    case Variable::kAction:
      return "action";
    case Variable::kResource:
      return "resource";
    case Variable::kContext:
      return "context";
  }
  return {};
}

std::string_view operator_name(ExprKind kind) {
  switch (kind) {
    case ExprKind::kNot:
      return "!";
    case ExprKind::kNegate:
      return "neg";
    case ExprKind::kAnd:
      return "&&";
    case ExprKind::kOr:
      return "||";
    case ExprKind::kEqual:
      return "==";
    case ExprKind::kNotEqual:
      return "!=";
    case ExprKind::kLess:
      return "<";
    case ExprKind::kLessEqual:
      return "<=";
    case ExprKind::kGreater:
      return ">";
    case ExprKind::kGreaterEqual:
      return ">=";
    case ExprKind::kIn:
      return "in";
    case ExprKind::kAdd:
      return "+";
    case ExprKind::kSubtract:
      return "-";
    case ExprKind::kMultiply:
      return "*";
    case ExprKind::kContains:
      return "contains";
    case ExprKind::kContainsAll:
      return "containsAll";
    case ExprKind::kContainsAny:
      return "containsAny";
    case ExprKind::kIsEmpty:
      return "isEmpty";
    case ExprKind::kGetTag:
      return "getTag";
    case ExprKind::kHasTag:
      return "hasTag";
    default:
      return {};
  }
}

const Annotation* Policy::annotation(std::string_view name) const {
  const auto found = std::ranges::find(annotations, name, &Annotation::name);
  return found == annotations.end() ? nullptr : &*found;
}

std::string_view AstBuilder::text(std::string_view text) {
  if (const auto found = texts_.find(text); found != texts_.end()) return *found;
  const std::string_view kept = arena_.copy(text);
  texts_.insert(kept);
  return kept;
}

std::span<const Expr* const> AstBuilder::chain(ExprKind kind,
                                               const std::vector<const Expr*>& operands) {
  if (operands.front()->kind != kind) return list(operands);
  std::vector<const Expr*> all(operands.front()->operands.begin(),
                               operands.front()->operands.end());
  all.insert(all.end(), operands.begin() + 1, operands.end());
  return list(all);
}

const Expr* AstBuilder::expr(const Expr& node) {
  std::uint16_t below = 0;
  for (const Expr* operand : node.operands) below = std::max(below, operand->height);
  if (below >= kMaxHeight) return nullptr;
  Expr* made = arena_.array<Expr>(1);
  *std::construct_at(made) = node;
  made->height = static_cast<std::uint16_t>(below + 1);
  return made;
}

const Source& PolicySet::add_source(Source source) {
  return sources_.emplace_back(std::move(source));
}

const Policy* PolicySet::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || (found->second & kLinkBit) != 0) return nullptr;
  return &policies_[found->second];
}

bool PolicySet::add(const Policy& policy) {
  if (!by_id_.emplace(policy.id, policies_.size()).second) return false;
  policies_.push_back(policy);
  return true;
}

Parsed<> PolicySet::link(const TemplateLink& link) {
  const Policy* policy = find(link.template_id);
  if (policy == nullptr || !policy->is_template())
    return fault({}, fmt::format("there is no template `{}`", link.template_id));
  const auto check_slot = [](const Scope& scope, const std::optional<EntityUid>& value,
                             std::string_view name) -> Parsed<> {
    if (scope.is_slot && !value) return fault({}, fmt::format("slot `{}` is not filled", name));
    if (!scope.is_slot && value) return fault({}, fmt::format("there is no slot `{}`", name));
    return {};
  };
  PC_CHECK_OK(check_slot(policy->principal, link.principal, "?principal"));
  PC_CHECK_OK(check_slot(policy->resource, link.resource, "?resource"));
  if (!by_id_.emplace(link.id, links_.size() | kLinkBit).second)
    return fault({}, fmt::format("the id `{}` is taken", link.id));
  links_.push_back(link);
  return {};
}

}  // namespace portcullis::cedar
