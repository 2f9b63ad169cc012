#include "base/result.h"
#include "cedar/escape.h"
#include "cedar/lexer.h"
#include "cedar/policy_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <vector>

namespace portcullis::cedar {
namespace {

struct Operator {
  std::string_view name;
  ExprKind kind;
};
constexpr std::array kBinary = {
    Operator{"==", ExprKind::kEqual},
    Operator{"!=", ExprKind::kNotEqual},
    Operator{"<", ExprKind::kLess},
    Operator{"<=", ExprKind::kLessEqual},
    Operator{">", ExprKind::kGreater},
    Operator{">=", ExprKind::kGreaterEqual},
    Operator{"in", ExprKind::kIn},
    Operator{"&&", ExprKind::kAnd},
    Operator{"||", ExprKind::kOr},
    Operator{"+", ExprKind::kAdd},
    Operator{"-", ExprKind::kSubtract},
    Operator{"*", ExprKind::kMultiply},
    Operator{"contains", ExprKind::kContains},
    Operator{"containsAll", ExprKind::kContainsAll},
    Operator{"containsAny", ExprKind::kContainsAny},
    Operator{"getTag", ExprKind::kGetTag},
    Operator{"hasTag", ExprKind::kHasTag},
};
constexpr std::array kUnary = {
    Operator{"!", ExprKind::kNot},
    Operator{"neg", ExprKind::kNegate},
    Operator{"isEmpty", ExprKind::kIsEmpty},
};
constexpr std::array kVariables = {Variable::kPrincipal, Variable::kAction, Variable::kResource,
                                   Variable::kContext};

using Names = std::initializer_list<std::string_view>;
using ExprResult = JsonResult<const Expr*>;

class PolicyReader {
 public:
  explicit PolicyReader(PolicySet& set) : set_(set), builder_(set.builder()) {}

  JsonResult<> read_set(json::Value json) {
    PC_CHECK_OK(check_members(json, {"staticPolicies", "templates", "templateLinks"}));
    PC_CHECK_OK(read_policies_of(json, "staticPolicies", false));
    PC_CHECK_OK(read_policies_of(json, "templates", true));
    PC_TRY(const json::Value links, member(json, "templateLinks"));
    if (!links.is_array()) return fault("`templateLinks` is an array");
    std::size_t index = 0;
    for (const json::Value link : links.elements()) {
      const Step at(*this, fmt::format("templateLinks/{}", index++));
      PC_CHECK_OK(read_link(link));
    }
    return {};
  }

  JsonResult<> read(json::Value json, std::string_view id) {
    PC_TRY(Policy policy, read_policy(json));
    return add(policy, id);
  }

 private:
  // Faults found while it lives point at this step and below.
  class Step {
   public:
    Step(PolicyReader& reader, std::string_view step)
        : reader_(reader), size_(reader.path_.size()) {
      reader.path_ += '/';
      reader.path_ += step;
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step() { reader_.path_.resize(size_); }

   private:
    PolicyReader& reader_;
    std::size_t size_;
  };

  [[nodiscard]] std::unexpected<JsonFault> fault(std::string message) const {
    return std::unexpected(JsonFault{path_, std::move(message)});
  }

  JsonResult<json::Value> member(json::Value json, std::string_view name) {
    if (const auto found = json.find(name)) return *found;
    return fault(fmt::format("`{}` is missing", name));
  }
  JsonResult<std::string_view> string_member(json::Value json, std::string_view name) {
    PC_TRY(const json::Value value, member(json, name));
    if (const auto text = value.as_string()) return *text;
    return fault(fmt::format("`{}` is a string", name));
  }
  JsonResult<> check_members(json::Value json, Names known) {
    if (!json.is_object()) return fault("expected an object");
    for (const json::Member each : json.members()) {
      if (std::find(known.begin(), known.end(), each.name) == known.end())
        return fault(fmt::format("unknown member {}", escaped(each.name)));
    }
    return {};
  }

  JsonResult<> add(Policy& policy, std::string_view id) {
    policy.id = builder_.text(id);
    if (!set_.add(policy)) return fault(fmt::format("the id {} stands twice", escaped(id)));
    return {};
  }

  JsonResult<> read_policies_of(json::Value json, std::string_view key, bool templates) {
    const Step at(*this, key);
    PC_TRY(const json::Value all, member(json, key));
    if (!all.is_object()) return fault("expected an object of policies by their ids");
    for (const json::Member each : all.members()) {
      const Step below(*this, each.name);
      PC_TRY(Policy policy, read_policy(each.value));
      if (policy.is_template() != templates)
        return fault(templates ? "a template has a slot" : "a static policy has no slot");
      PC_CHECK_OK(add(policy, each.name));
    }
    return {};
  }

  JsonResult<> read_link(json::Value json) {
    PC_CHECK_OK(check_members(json, {"templateId", "newId", "values"}));
    TemplateLink link;
    PC_TRY(const std::string_view template_id, string_member(json, "templateId"));
    PC_TRY(const std::string_view id, string_member(json, "newId"));
    link.template_id = builder_.text(template_id);
    link.id = builder_.text(id);
    PC_TRY(const json::Value values, member(json, "values"));
    if (!values.is_object()) return fault("`values` is an object");
    for (const json::Member each : values.members()) {
      if (each.name != "?principal" && each.name != "?resource")
        return fault(fmt::format("there is no slot {}", escaped(each.name)));
      PC_TRY(const EntityUid uid, read_uid(each.value));
      (each.name == "?principal" ? link.principal : link.resource) = uid;
    }
    const Parsed<> linked = set_.link(link);
    return linked ? JsonResult<>() : fault(linked.error().message);
  }

  JsonResult<Policy> read_policy(json::Value json) {
    PC_CHECK_OK(check_members(
        json, {"effect", "principal", "action", "resource", "conditions", "annotations"}));
    Policy policy;
    PC_TRY(const std::string_view effect, string_member(json, "effect"));
    if (effect != "permit" && effect != "forbid")
      return fault("`effect` is \"permit\" or \"forbid\"");
    policy.effect = effect == "permit" ? Effect::kPermit : Effect::kForbid;
    PC_TRY(policy.principal, read_scope(json, "principal"));
    PC_TRY(policy.action, read_scope(json, "action"));
    PC_TRY(policy.resource, read_scope(json, "resource"));
    PC_TRY(const json::Value conditions, member(json, "conditions"));
    PC_TRY(policy.conditions, read_conditions(conditions));
    if (const auto annotations = json.find("annotations")) {
      PC_TRY(policy.annotations, read_annotations(*annotations));
    }
    return policy;
  }

  JsonResult<std::span<const Annotation>> read_annotations(json::Value json) {
    const Step at(*this, "annotations");
    if (!json.is_object()) return fault("expected an object");
    std::vector<Annotation> all;
    for (const json::Member each : json.members()) {
      if (!is_identifier(each.name))
        return fault(fmt::format("{} is no name of an annotation", escaped(each.name)));
      Annotation annotation{.name = builder_.text(each.name), .value = {}, .span = {}};
      if (const auto text = each.value.as_string()) {
        annotation.value = builder_.text(*text);
      } else if (!each.value.is_null()) {
        return fault("the value of an annotation is a string or null");
      }
      all.push_back(annotation);
    }
    return builder_.list(all);
  }

  JsonResult<std::span<const Condition>> read_conditions(json::Value json) {
    const Step at(*this, "conditions");
    if (!json.is_array()) return fault("expected an array");
    std::vector<Condition> all;
    for (const json::Value each : json.elements()) {
      const Step below(*this, std::to_string(all.size()));
      PC_CHECK_OK(check_members(each, {"kind", "body"}));
      PC_TRY(const std::string_view kind, string_member(each, "kind"));
      if (kind != "when" && kind != "unless") return fault("`kind` is \"when\" or \"unless\"");
      PC_TRY(const json::Value body, member(each, "body"));
      PC_TRY(const Expr* expr, read_expr(body));
      all.push_back({kind == "when" ? ConditionKind::kWhen : ConditionKind::kUnless, expr, {}});
    }
    return builder_.list(all);
  }

  JsonResult<EntityUid> read_uid(json::Value json) {
    const auto escape = json.is_object() && json.size() == 1 ? json.find("__entity") : std::nullopt;
    const json::Value object = escape ? *escape : json;
    if (!object.is_object())
      return fault("expected an entity: {\"type\": \"User\", \"id\": \"alice\"}");
    PC_TRY(const std::string_view type, string_member(object, "type"));
    PC_TRY(const std::string_view id, string_member(object, "id"));
    PC_CHECK_OK(check_type(type));
    return EntityUid{builder_.text(type), builder_.text(id)};
  }

  JsonResult<> check_type(std::string_view type) {
    if (is_type_name(type)) return {};
    return fault(fmt::format("{} is no name of an entity type", escaped(type)));
  }

  JsonResult<Scope> read_scope(json::Value policy, std::string_view name) {
    PC_TRY(const json::Value json, member(policy, name));
    const Step at(*this, name);
    if (!json.is_object()) return fault("expected an object");
    Scope scope;
    PC_TRY(const std::string_view op, string_member(json, "op"));
    if (op == "All" || op == "all") return scope;
    if (op == "==" || op == "in") {
      scope.kind = op == "in" ? ScopeKind::kIn : ScopeKind::kEqual;
      PC_CHECK_OK(read_reference(json, name, scope));
    } else if (op == "is" && name != "action") {
      PC_CHECK_OK(check_members(json, {"op", "entity_type", "in"}));
      PC_TRY(const std::string_view type, string_member(json, "entity_type"));
      PC_CHECK_OK(check_type(type));
      scope.type = builder_.text(type);
      const auto in = json.find("in");
      scope.kind = in ? ScopeKind::kIsIn : ScopeKind::kIs;
      if (in) PC_CHECK_OK(read_reference(*in, name, scope));
    } else {
      return fault(fmt::format("unknown operator {}", escaped(op)));
    }
    return scope;
  }

  JsonResult<> read_reference(json::Value json, std::string_view name, Scope& scope) {
    const bool action = name == "action";
    if (const auto slot = json.find("slot"); slot && !action && !json.find("entity")) {
      const auto text = slot->as_string();
      if (!text || !text->starts_with('?') || text->substr(1) != name)
        return fault(fmt::format("the slot for the {0} is `?{0}`", name));
      scope.is_slot = true;
      return {};
    }
    std::vector<EntityUid> uids;
    if (const auto entities = json.find("entities");
        entities && action && scope.kind == ScopeKind::kIn && !json.find("entity")) {
      if (!entities->is_array()) return fault("`entities` is an array");
      scope.is_list = true;
      for (const json::Value each : entities->elements()) {
        PC_TRY(const EntityUid uid, read_uid(each));
        uids.push_back(uid);
      }
    } else {
      PC_TRY(const json::Value entity, member(json, "entity"));
      PC_TRY(const EntityUid uid, read_uid(entity));
      uids.push_back(uid);
    }
    for (const EntityUid& uid : uids) {
      if (action && uid.type != "Action" && !uid.type.ends_with("::Action"))
        return fault(fmt::format("`{}` is no action", to_string(uid)));
    }
    scope.entities = builder_.list(uids);
    return {};
  }

  ExprResult read_expr(json::Value json) {
    if (!json.is_object() || json.size() != 1)
      return fault("an expression is an object with one member");
    const json::Member only = *json.members().begin();
    const Step at(*this, only.name);
    const json::Value body = only.value;
    for (const Operator& each : kBinary) {
      if (each.name == only.name) return read_binary(each.kind, body);
    }
    for (const Operator& each : kUnary) {
      if (each.name != only.name) continue;
      PC_CHECK_OK(check_members(body, {"arg"}));
      PC_TRY(const Expr* operand, read_operand(body, "arg"));
      return make({.kind = each.kind, .operands = keep({operand})});
    }
    if (only.name == "Value") return read_value(body);
    if (only.name == "Var") return read_variable(body);
    if (only.name == "Set") return read_list(ExprKind::kSet, body);
    if (only.name == "Record") return read_record(body);
    if (only.name == "if-then-else") return read_if(body);
    if (only.name == ".") return read_attribute(body);
    if (only.name == "has") return read_has(body);
    if (only.name == "like") return read_like(body);
    if (only.name == "is") return read_is(body);
    if (only.name == "Slot") return fault("a slot cannot stand in a condition");
    if (const FunctionInfo* info = find_function(only.name))
      return read_list(ExprKind::kCall, body, info->function);
    return fault(fmt::format("unknown operator {}", escaped(only.name)));
  }

  ExprResult read_operand(json::Value body, std::string_view name) {
    PC_TRY(const json::Value operand, member(body, name));
    const Step at(*this, name);
    return read_expr(operand);
  }

  ExprResult read_binary(ExprKind kind, json::Value body) {
    PC_CHECK_OK(check_members(body, {"left", "right"}));
    PC_TRY(const Expr* left, read_operand(body, "left"));
    PC_TRY(const Expr* right, read_operand(body, "right"));
    if (kind == ExprKind::kAnd || kind == ExprKind::kOr)
      return make({.kind = kind, .operands = builder_.chain(kind, {left, right})});
    return make({.kind = kind, .operands = keep({left, right})});
  }

  ExprResult read_variable(json::Value body) {
    for (const Variable variable : kVariables) {
      if (body.as_string() == name_of(variable))
        return make({.kind = ExprKind::kVariable, .variable = variable});
    }
    return fault("a variable is principal, action, resource or context");
  }

  ExprResult read_list(ExprKind kind, json::Value body, Function function = Function::kIp) {
    if (!body.is_array()) return fault("expected an array");
    std::vector<const Expr*> operands;
    for (const json::Value each : body.elements()) {
      const Step at(*this, std::to_string(operands.size()));
      PC_TRY(const Expr* operand, read_expr(each));
      operands.push_back(operand);
    }
    return make({.kind = kind, .function = function, .operands = builder_.list(operands)});
  }

  ExprResult read_record(json::Value body) {
    if (!body.is_object()) return fault("expected an object");
    std::vector<const Expr*> operands;
    std::vector<std::string_view> names;
    for (const json::Member each : body.members()) {
      const Step at(*this, each.name);
      PC_TRY(const Expr* operand, read_expr(each.value));
      operands.push_back(operand);
      names.push_back(builder_.text(each.name));
    }
    return make({.kind = ExprKind::kRecord,
                 .operands = builder_.list(operands),
                 .names = builder_.list(names)});
  }

  ExprResult read_if(json::Value body) {
    PC_CHECK_OK(check_members(body, {"if", "then", "else"}));
    PC_TRY(const Expr* condition, read_operand(body, "if"));
    PC_TRY(const Expr* yes, read_operand(body, "then"));
    PC_TRY(const Expr* no, read_operand(body, "else"));
    return make({.kind = ExprKind::kIf, .operands = keep({condition, yes, no})});
  }

  ExprResult read_attribute(json::Value body) {
    PC_CHECK_OK(check_members(body, {"left", "attr"}));
    PC_TRY(const Expr* left, read_operand(body, "left"));
    PC_TRY(const std::string_view name, string_member(body, "attr"));
    return make(
        {.kind = ExprKind::kGetAttribute, .text = builder_.text(name), .operands = keep({left})});
  }

  ExprResult read_has(json::Value body) {
    PC_CHECK_OK(check_members(body, {"left", "attr"}));
    PC_TRY(const Expr* left, read_operand(body, "left"));
    PC_TRY(const json::Value attribute, member(body, "attr"));
    std::vector<std::string_view> names;
    if (const auto one = attribute.as_string()) names.push_back(builder_.text(*one));
    for (const json::Value each : attribute.elements()) {
      const auto name = each.as_string();
      if (!name) return fault("`attr` is a string or an array of strings");
      names.push_back(builder_.text(*name));
    }
    if (names.empty() || names.size() > kMaxHeight)
      return fault("`attr` is a string or an array of some strings");
    return make({.kind = ExprKind::kHas, .operands = keep({left}), .names = builder_.list(names)});
  }

  ExprResult read_like(json::Value body) {
    PC_CHECK_OK(check_members(body, {"left", "pattern"}));
    PC_TRY(const Expr* left, read_operand(body, "left"));
    PC_TRY(const json::Value elements, member(body, "pattern"));
    if (!elements.is_array()) return fault("`pattern` is an array");
    std::string pattern;
    for (const json::Value each : elements.elements()) {
      const auto literal =
          each.is_object() && each.size() == 1 ? each.find("Literal") : std::nullopt;
      const auto text = literal ? literal->as_string() : std::nullopt;
      if (each.as_string() == "Wildcard") {
        pattern += kWildcard;
      } else if (text) {
        pattern += *text;
      } else {
        return fault("an element of `pattern` is \"Wildcard\" or {\"Literal\": \"...\"}");
      }
    }
    return make(
        {.kind = ExprKind::kLike, .text = builder_.text(pattern), .operands = keep({left})});
  }

  ExprResult read_is(json::Value body) {
    PC_CHECK_OK(check_members(body, {"left", "entity_type", "in"}));
    PC_TRY(const Expr* left, read_operand(body, "left"));
    PC_TRY(const std::string_view type, string_member(body, "entity_type"));
    PC_CHECK_OK(check_type(type));
    std::vector<const Expr*> operands = {left};
    if (body.find("in")) {
      PC_TRY(const Expr* ancestor, read_operand(body, "in"));
      operands.push_back(ancestor);
    }
    return make(
        {.kind = ExprKind::kIs, .text = builder_.text(type), .operands = builder_.list(operands)});
  }

  // A literal as entities' attributes are written, escapes too.
  ExprResult read_value(json::Value json) {
    switch (json.kind()) {
      case json::Kind::kBoolean:
        return make({.kind = ExprKind::kBool, .boolean = json.as_bool().value_or(false)});
      case json::Kind::kInteger:
        return make({.kind = ExprKind::kLong, .integer = json.as_int64().value_or(0)});
      case json::Kind::kString:
        return make(
            {.kind = ExprKind::kString, .text = builder_.text(json.as_string().value_or(""))});
      case json::Kind::kArray:
        return read_value_array(json);
      case json::Kind::kObject:
        return read_value_object(json);
      default:
        return fault("no value of Cedar");
    }
  }

  ExprResult read_value_array(json::Value json) {
    std::vector<const Expr*> operands;
    for (const json::Value each : json.elements()) {
      PC_TRY(const Expr* operand, read_value(each));
      operands.push_back(operand);
    }
    return make({.kind = ExprKind::kSet, .operands = builder_.list(operands)});
  }

  ExprResult read_value_object(json::Value json) {
    if (json.size() == 1) {
      const json::Member only = *json.members().begin();
      const auto text_of = [&](std::string_view name) {
        const auto found = only.value.find(name);
        return found && found->is_string();
      };
      if (only.name == "__entity" && text_of("type") && text_of("id")) {
        PC_TRY(const EntityUid uid, read_uid(json));
        return make({.kind = ExprKind::kEntity, .text = uid.type, .id = uid.id});
      }
      if (only.name == "__extn" && text_of("fn") &&
          (only.value.find("arg") || only.value.find("args")))
        return read_value_call(only.value);
      if (only.name == "__expr" && only.value.is_string())
        return fault("the escape `__expr` is no longer part of Cedar's JSON");
    }
    std::vector<const Expr*> operands;
    std::vector<std::string_view> names;
    for (const json::Member each : json.members()) {
      PC_TRY(const Expr* operand, read_value(each.value));
      operands.push_back(operand);
      names.push_back(builder_.text(each.name));
    }
    return make({.kind = ExprKind::kRecord,
                 .operands = builder_.list(operands),
                 .names = builder_.list(names)});
  }

  ExprResult read_value_call(json::Value call) {
    PC_TRY(const std::string_view name, string_member(call, "fn"));
    const FunctionInfo* info = find_function(name);
    if (info == nullptr) return fault("there is no such extension function");
    std::vector<const Expr*> operands;
    if (const auto one = call.find("arg")) {
      PC_TRY(const Expr* operand, read_value(*one));
      operands.push_back(operand);
    } else {
      PC_TRY(const json::Value many, member(call, "args"));
      if (!many.is_array()) return fault("`args` is an array");
      for (const json::Value each : many.elements()) {
        PC_TRY(const Expr* operand, read_value(each));
        operands.push_back(operand);
      }
    }
    return make(
        {.kind = ExprKind::kCall, .function = info->function, .operands = builder_.list(operands)});
  }

  std::span<const Expr* const> keep(const std::vector<const Expr*>& operands) {
    return builder_.list(operands);
  }

  ExprResult make(const Expr& node) {
    if (const Expr* made = builder_.expr(node)) return made;
    return fault("this is nested too deeply");
  }

  PolicySet& set_;
  AstBuilder& builder_;
  std::string path_;
};

JsonResult<json::Document> parse(std::string_view text) {
  auto document = json::Document::parse(text, kPolicyBounds);
  if (!document) return std::unexpected(JsonFault{{}, document.error().detail});
  return std::move(*document);
}

}  // namespace

JsonResult<> read_policy(std::string_view text, std::string_view id, PolicySet& set) {
  PC_TRY(const json::Document document, parse(text));
  return PolicyReader(set).read(document.root(), id);
}

JsonResult<> read_policies(std::string_view text, PolicySet& set) {
  PC_TRY(const json::Document document, parse(text));
  PolicyReader reader(set);
  if (document.root().find("effect"))
    return reader.read(document.root(), fmt::format("policy{}", set.policies().size()));
  return reader.read_set(document.root());
}

}  // namespace portcullis::cedar
