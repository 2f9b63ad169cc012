#include "cedar/policy_printer.h"

#include "cedar/escape.h"
#include "cedar/expr_parser.h"
#include "cedar/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace portcullis::cedar {
namespace {

// How tightly an expression binds: what binds less than its place asks for is put in parentheses.
enum class Level : std::uint8_t { kIf, kOr, kAnd, kRelation, kAdd, kMultiply, kUnary, kMember };

Level next(Level level) { return static_cast<Level>(static_cast<std::uint8_t>(level) + 1); }

Level level_of(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kIf:
      return Level::kIf;
    case ExprKind::kOr:
      return Level::kOr;
    case ExprKind::kAnd:
      return Level::kAnd;
    case ExprKind::kEqual:
    case ExprKind::kNotEqual:
    case ExprKind::kLess:
    case ExprKind::kLessEqual:
    case ExprKind::kGreater:
    case ExprKind::kGreaterEqual:
    case ExprKind::kIn:
    case ExprKind::kLike:
    case ExprKind::kIs:
      return Level::kRelation;
    case ExprKind::kHas: {
      // A path with a name that is no identifier can only be written link by link.
      const bool plain = expr.names.size() == 1 || std::ranges::all_of(expr.names, [](auto name) {
                           return is_identifier(name) && !is_reserved(name);
                         });
      return plain ? Level::kRelation : Level::kAnd;
    }
    case ExprKind::kAdd:
    case ExprKind::kSubtract:
      return Level::kAdd;
    case ExprKind::kMultiply:
      return Level::kMultiply;
    case ExprKind::kNot:
    case ExprKind::kNegate:
      return Level::kUnary;
    case ExprKind::kLong:
      return expr.integer < 0 ? Level::kUnary : Level::kMember;
    default:
      return Level::kMember;
  }
}

bool is_method(ExprKind kind) {
  switch (kind) {
    case ExprKind::kContains:
    case ExprKind::kContainsAll:
    case ExprKind::kContainsAny:
    case ExprKind::kIsEmpty:
    case ExprKind::kGetTag:
    case ExprKind::kHasTag:
      return true;
    default:
      return false;
  }
}

class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  void print(const Expr& expr, Level least) {
    const bool parentheses = level_of(expr) < least;
    if (parentheses) out_ += '(';
    print_bare(expr);
    if (parentheses) out_ += ')';
  }

 private:
  void print_bare(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kBool:
        out_ += expr.boolean ? "true" : "false";
        break;
      case ExprKind::kLong:
        out_ += std::to_string(expr.integer);
        break;
      case ExprKind::kString:
        append_escaped(out_, expr.text);
        break;
      case ExprKind::kEntity:
        out_ += to_string(EntityUid{expr.text, expr.id});
        break;
      case ExprKind::kVariable:
        out_ += name_of(expr.variable);
        break;
      case ExprKind::kNot:
      case ExprKind::kNegate:
        print_sign(expr);
        break;
      case ExprKind::kAnd:
        print_list(expr, " && ", Level::kAnd);
        break;
      case ExprKind::kOr:
        print_list(expr, " || ", Level::kOr);
        break;
      case ExprKind::kIf:
        out_ += "if ";
        print(*expr.operands[0], Level::kIf);
        out_ += " then ";
        print(*expr.operands[1], Level::kIf);
        out_ += " else ";
        print(*expr.operands[2], Level::kIf);
        break;
      case ExprKind::kSet:
        out_ += '[';
        print_arguments(expr.operands);
        out_ += ']';
        break;
      case ExprKind::kRecord:
        print_record(expr);
        break;
      case ExprKind::kCall:
        print_call(expr);
        break;
      default:
        print_operation(expr);
    }
  }

  // A second sign stands in parentheses, since few may stand in a row, and so does a number behind
  // a minus, which would become part of it.
  void print_sign(const Expr& expr) {
    const Expr& operand = *expr.operands[0];
    const bool number = expr.kind == ExprKind::kNegate && operand.kind == ExprKind::kLong;
    out_ += expr.kind == ExprKind::kNot ? "!" : "-";
    if (number) out_ += '(';
    print(operand, number ? Level::kIf : Level::kMember);
    if (number) out_ += ')';
  }

  void print_list(const Expr& expr, std::string_view between, Level level) {
    // A chain on the left is part of this one; on the right it is one of its own.
    for (std::size_t i = 0; i < expr.operands.size(); ++i) {
      if (i > 0) out_ += between;
      print(*expr.operands[i], next(level));
    }
  }

  void print_arguments(std::span<const Expr* const> operands) {
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (i > 0) out_ += ", ";
      print(*operands[i], Level::kIf);
    }
  }

  void print_name(std::string_view name) {
    if (is_identifier(name) && !is_reserved(name)) {
      out_ += name;
    } else {
      append_escaped(out_, name);
    }
  }

  void print_record(const Expr& expr) {
    out_ += '{';
    for (std::size_t i = 0; i < expr.operands.size(); ++i) {
      if (i > 0) out_ += ", ";
      print_name(expr.names[i]);
      out_ += ": ";
      print(*expr.operands[i], Level::kIf);
    }
    out_ += '}';
  }

  void print_call(const Expr& expr) {
    const FunctionInfo& info = info_of(expr.function);
    std::span<const Expr* const> arguments = expr.operands;
    if (info.style == CallStyle::kMethod && !arguments.empty()) {
      print(*arguments.front(), Level::kMember);
      out_ += '.';
      arguments = arguments.subspan(1);
    }
    out_ += info.name;
    out_ += '(';
    print_arguments(arguments);
    out_ += ')';
  }

  void print_access(std::string_view name) {
    if (is_identifier(name) && !is_reserved(name)) {
      out_ += '.';
      out_ += name;
    } else {
      out_ += '[';
      append_escaped(out_, name);
      out_ += ']';
    }
  }

  void print_operation(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kGetAttribute:
        print(*expr.operands[0], Level::kMember);
        print_access(expr.text);
        return;
      case ExprKind::kHas:
        print_has(expr);
        return;
      case ExprKind::kLike:
        print(*expr.operands[0], Level::kAdd);
        out_ += " like ";
        append_escaped_pattern(out_, expr.text);
        return;
      case ExprKind::kIs:
        print(*expr.operands[0], Level::kAdd);
        out_ += " is ";
        out_ += expr.text;
        if (expr.operands.size() == 1) return;
        out_ += " in ";
        print(*expr.operands[1], Level::kAdd);
        return;
      default:
        break;
    }
    if (is_method(expr.kind)) {
      print(*expr.operands[0], Level::kMember);
      fmt::format_to(std::back_inserter(out_), ".{}(", operator_name(expr.kind));
      print_arguments(expr.operands.subspan(1));
      out_ += ')';
      return;
    }
    const Level level = level_of(expr);
    const bool relation = level == Level::kRelation;
    print(*expr.operands[0], relation ? next(level) : level);
    fmt::format_to(std::back_inserter(out_), " {} ", operator_name(expr.kind));
    print(*expr.operands[1], next(level));
  }

  void print_has(const Expr& expr) {
    const bool links = level_of(expr) == Level::kAnd;
    if (!links) {
      print(*expr.operands[0], Level::kAdd);
      out_ += " has ";
      for (std::size_t i = 0; i < expr.names.size(); ++i) {
        if (i > 0) out_ += '.';
        print_name(expr.names[i]);
      }
      return;
    }
    for (std::size_t link = 0; link < expr.names.size(); ++link) {
      if (link > 0) out_ += " && ";
      print(*expr.operands[0], link == 0 ? Level::kAdd : Level::kMember);
      for (std::size_t i = 0; i < link; ++i) print_access(expr.names[i]);
      out_ += " has ";
      print_name(expr.names[link]);
    }
  }

  std::string& out_;
};

void append_scope(std::string& out, const Scope& scope, std::string_view name) {
  out += name;
  if (scope.kind == ScopeKind::kIs || scope.kind == ScopeKind::kIsIn) {
    out += " is ";
    out += scope.type;
  }
  if (scope.kind == ScopeKind::kAny || scope.kind == ScopeKind::kIs) return;
  out += scope.kind == ScopeKind::kEqual ? " == " : " in ";
  if (scope.is_slot) {
    out += '?';
    out += name;
  } else if (scope.is_list) {
    out += '[';
    for (std::size_t i = 0; i < scope.entities.size(); ++i) {
      if (i > 0) out += ", ";
      out += to_string(scope.entities[i]);
    }
    out += ']';
  } else {
    out += to_string(scope.entities.front());
  }
}

}  // namespace

void append_expr(std::string& out, const Expr& expr) { Printer(out).print(expr, Level::kIf); }

void append_policy(std::string& out, const Policy& policy) {
  for (const Annotation& annotation : policy.annotations) {
    out += '@';
    out += annotation.name;
    if (annotation.value) {
      out += '(';
      append_escaped(out, *annotation.value);
      out += ')';
    }
    out += '\n';
  }
  out += policy.effect == Effect::kPermit ? "permit(" : "forbid(";
  append_scope(out, policy.principal, "principal");
  out += ", ";
  append_scope(out, policy.action, "action");
  out += ", ";
  append_scope(out, policy.resource, "resource");
  out += ')';
  for (const Condition& condition : policy.conditions) {
    out += condition.kind == ConditionKind::kWhen ? "\nwhen { " : "\nunless { ";
    append_expr(out, *condition.body);
    out += " }";
  }
  out += ";\n";
}

}  // namespace portcullis::cedar
