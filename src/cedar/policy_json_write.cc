#include "cedar/escape.h"
#include "cedar/policy_json.h"
#include "cedar/utf8.h"
#include "json/writer.h"

#include <algorithm>
#include <vector>

namespace portcullis::cedar {
namespace {

class PolicyWriter {
 public:
  explicit PolicyWriter(std::string& out) : json_(out) {}

  void write(const Policy& policy) {
    json_.begin_object();
    json_.field("effect", policy.effect == Effect::kPermit ? "permit" : "forbid");
    json_.key("principal");
    write_scope(policy.principal, "?principal");
    json_.key("action");
    write_scope(policy.action, {});
    json_.key("resource");
    write_scope(policy.resource, "?resource");
    json_.key("conditions").begin_array();
    for (const Condition& condition : policy.conditions) {
      json_.begin_object();
      json_.field("kind", condition.kind == ConditionKind::kWhen ? "when" : "unless");
      json_.key("body");
      write_expr(*condition.body);
      json_.end_object();
    }
    json_.end_array();
    if (!policy.annotations.empty()) write_annotations(policy.annotations);
    json_.end_object();
  }

  void write_uid(const EntityUid& uid) {
    json_.begin_object().field("type", uid.type).field("id", uid.id).end_object();
  }

  json::Writer& json() { return json_; }

 private:
  void write_annotations(std::span<const Annotation> annotations) {
    json_.key("annotations").begin_object();
    for (const Annotation& annotation : annotations) {
      json_.escaped_key(annotation.name);
      if (annotation.value) {
        json_.string(*annotation.value);
      } else {
        json_.null();
      }
    }
    json_.end_object();
  }

  void write_reference(const Scope& scope, std::string_view slot) {
    if (scope.is_slot) {
      json_.field("slot", slot);
    } else if (scope.is_list && scope.entities.size() != 1) {
      json_.key("entities").begin_array();
      for (const EntityUid& uid : scope.entities) write_uid(uid);
      json_.end_array();
    } else {
      json_.key("entity");
      write_uid(scope.entities.front());
    }
  }

  void write_scope(const Scope& scope, std::string_view slot) {
    json_.begin_object();
    switch (scope.kind) {
      case ScopeKind::kAny:
        json_.field("op", "All");
        break;
      case ScopeKind::kEqual:
      case ScopeKind::kIn:
        json_.field("op", scope.kind == ScopeKind::kEqual ? "==" : "in");
        write_reference(scope, slot);
        break;
      case ScopeKind::kIs:
      case ScopeKind::kIsIn:
        json_.field("op", "is").field("entity_type", scope.type);
        if (scope.kind == ScopeKind::kIs) break;
        json_.key("in").begin_object();
        write_reference(scope, slot);
        json_.end_object();
        break;
    }
    json_.end_object();
  }

  void write_expr(const Expr& expr) {
    json_.begin_object();
    switch (expr.kind) {
      case ExprKind::kBool:
      case ExprKind::kLong:
      case ExprKind::kString:
      case ExprKind::kEntity:
      case ExprKind::kVariable:
        write_leaf(expr);
        break;
      case ExprKind::kNot:
      case ExprKind::kNegate:
      case ExprKind::kIsEmpty:
        json_.key(operator_name(expr.kind)).begin_object().key("arg");
        write_expr(*expr.operands[0]);
        json_.end_object();
        break;
      case ExprKind::kAnd:
      case ExprKind::kOr:
        write_chain(expr, expr.operands.size());
        break;
      case ExprKind::kIf:
        write_if(expr);
        break;
      case ExprKind::kGetAttribute:
      case ExprKind::kHas:
      case ExprKind::kLike:
      case ExprKind::kIs:
        write_named(expr);
        break;
      case ExprKind::kSet:
        json_.key("Set");
        write_list(expr);
        break;
      case ExprKind::kCall:
        json_.key(info_of(expr.function).name);
        write_list(expr);
        break;
      case ExprKind::kRecord:
        write_record(expr);
        break;
      default:
        json_.key(operator_name(expr.kind)).begin_object().key("left");
        write_expr(*expr.operands[0]);
        json_.key("right");
        write_expr(*expr.operands[1]);
        json_.end_object();
    }
    json_.end_object();
  }

  void write_leaf(const Expr& expr) {
    if (expr.kind == ExprKind::kVariable) {
      json_.field("Var", name_of(expr.variable));
      return;
    }
    json_.key("Value");
    switch (expr.kind) {
      case ExprKind::kBool:
        json_.boolean(expr.boolean);
        break;
      case ExprKind::kLong:
        json_.number(expr.integer);
        break;
      case ExprKind::kString:
        json_.string(expr.text);
        break;
      default:
        json_.begin_object().key("__entity");
        write_uid({expr.text, expr.id});
        json_.end_object();
    }
  }

  // `a && b && c` is `{&&: {left: {&&: {left: a, right: b}}, right: c}}`. A chain may be long, so
  // what opens on the left is written in a loop.
  void write_chain(const Expr& expr, std::size_t count) {
    const std::string_view name = operator_name(expr.kind);
    for (std::size_t i = count; i > 1; --i) {
      json_.key(name).begin_object().key("left");
      if (i > 2) json_.begin_object();
    }
    write_expr(*expr.operands[0]);
    for (std::size_t i = 1; i < count; ++i) {
      json_.key("right");
      write_expr(*expr.operands[i]);
      json_.end_object();
      if (i + 1 < count) json_.end_object();
    }
  }

  void write_if(const Expr& expr) {
    json_.key("if-then-else").begin_object().key("if");
    write_expr(*expr.operands[0]);
    json_.key("then");
    write_expr(*expr.operands[1]);
    json_.key("else");
    write_expr(*expr.operands[2]);
    json_.end_object();
  }

  void write_list(const Expr& expr) {
    json_.begin_array();
    for (const Expr* operand : expr.operands) write_expr(*operand);
    json_.end_array();
  }

  void write_record(const Expr& expr) {
    json_.key("Record").begin_object();
    for (std::size_t i = 0; i < expr.names.size(); ++i) {
      json_.escaped_key(expr.names[i]);
      write_expr(*expr.operands[i]);
    }
    json_.end_object();
  }

  void write_named(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kGetAttribute:
        json_.key(".");
        break;
      case ExprKind::kHas:
        json_.key("has");
        break;
      case ExprKind::kLike:
        json_.key("like");
        break;
      default:
        json_.key("is");
    }
    json_.begin_object().key("left");
    write_expr(*expr.operands[0]);
    if (expr.kind == ExprKind::kGetAttribute) {
      json_.field("attr", expr.text);
    } else if (expr.kind == ExprKind::kHas) {
      write_path(expr.names);
    } else if (expr.kind == ExprKind::kLike) {
      write_pattern(expr.text);
    } else {
      json_.field("entity_type", expr.text);
      if (expr.operands.size() > 1) {
        json_.key("in");
        write_expr(*expr.operands[1]);
      }
    }
    json_.end_object();
  }

  void write_path(std::span<const std::string_view> names) {
    json_.key("attr");
    if (names.size() == 1) {
      json_.string(names.front());
      return;
    }
    json_.begin_array();
    for (const std::string_view name : names) json_.string(name);
    json_.end_array();
  }

  // One element for each character, as the reference writes it.
  void write_pattern(std::string_view pattern) {
    json_.key("pattern").begin_array();
    while (!pattern.empty()) {
      std::size_t size = 1;
      if (pattern.front() == kWildcard) {
        json_.string("Wildcard");
      } else {
        size = std::max<std::size_t>(1, read_utf8(pattern).size);
        json_.begin_object().field("Literal", pattern.substr(0, size)).end_object();
      }
      pattern.remove_prefix(size);
    }
    json_.end_array();
  }

  json::Writer json_;
};

}  // namespace

void append_policy_json(std::string& out, const Policy& policy) { PolicyWriter(out).write(policy); }

void append_policies_json(std::string& out, const PolicySet& set) {
  PolicyWriter writer(out);
  json::Writer& json = writer.json();
  const auto write_all = [&](std::string_view key, bool templates) {
    json.key(key).begin_object();
    for (const Policy& policy : set.policies()) {
      if (policy.is_template() != templates) continue;
      json.escaped_key(policy.id);
      writer.write(policy);
    }
    json.end_object();
  };
  json.begin_object();
  write_all("templates", true);
  write_all("staticPolicies", false);
  json.key("templateLinks").begin_array();
  for (const TemplateLink& link : set.links()) {
    json.begin_object().field("templateId", link.template_id).field("newId", link.id);
    json.key("values").begin_object();
    if (link.principal) {
      json.key("?principal");
      writer.write_uid(*link.principal);
    }
    if (link.resource) {
      json.key("?resource");
      writer.write_uid(*link.resource);
    }
    json.end_object().end_object();
  }
  json.end_array().end_object();
}

}  // namespace portcullis::cedar
