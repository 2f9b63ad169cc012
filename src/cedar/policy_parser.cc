#include "cedar/policy_parser.h"

#include "base/result.h"
#include "cedar/expr_parser.h"

#include <fmt/format.h>

#include <algorithm>

namespace portcullis::cedar {
namespace {

// So many errors help nobody; the rest is likely to follow from the first.
constexpr std::size_t kMaxFindings = 50;

enum class Slots : std::uint8_t { kAllowed, kRefused };
enum class Lists : std::uint8_t { kAllowed, kRefused };

bool is_action_type(std::string_view type) {
  return type == "Action" || type.ends_with("::Action");
}

class PolicyParser {
 public:
  PolicyParser(const Source& source, PolicySet& set)
      : source_(source),
        set_(set),
        builder_(set.builder()),
        tokens_(source.text()),
        exprs_(tokens_, builder_) {}

  std::vector<Finding> run() {
    while (!tokens_.at(TokenKind::kEnd) && findings_.size() < kMaxFindings) {
      if (Parsed<> policy = parse_policy(); !policy) {
        findings_.push_back(std::move(policy).error());
        skip_policy();
      }
    }
    if (tokens_.broken() && findings_.empty()) findings_.push_back(*tokens_.broken());
    return std::move(findings_);
  }

 private:
  void skip_policy() {
    while (!tokens_.at(TokenKind::kEnd)) {
      if (tokens_.take().is(TokenKind::kSemicolon)) return;
    }
  }

  Parsed<> parse_policy() {
    const std::uint32_t begin = tokens_.token().span.begin;
    Policy policy;
    policy.source = &source_;
    PC_TRY(policy.annotations, parse_annotations());
    PC_TRY(policy.effect, parse_effect());
    PC_TRY(policy.principal, parse_scope("principal", Variable::kPrincipal));
    PC_CHECK_OK(expect_comma("action"));
    PC_TRY(policy.action, parse_action());
    PC_CHECK_OK(expect_comma("resource"));
    PC_TRY(policy.resource, parse_scope("resource", Variable::kResource));
    tokens_.take_if(TokenKind::kComma);
    if (!tokens_.at(TokenKind::kRightParen))
      return tokens_.wrong(
          fmt::format("expected `)` after the resource, found {}", quoted(tokens_.token())),
          "further conditions stand in `when { ... }`");
    tokens_.take();
    PC_TRY(policy.conditions, parse_conditions());
    PC_CHECK_OK(tokens_.expect(TokenKind::kSemicolon, "at the end of the policy"));
    policy.span = {begin, tokens_.end_of_last()};
    policy.id = builder_.text(fmt::format("policy{}", set_.policies().size()));
    if (!set_.add(policy))
      return fault(policy.span, fmt::format("the id `{}` is taken", policy.id));
    return {};
  }

  Parsed<std::span<const Annotation>> parse_annotations() {
    std::vector<Annotation> all;
    while (tokens_.at(TokenKind::kAt)) {
      const std::uint32_t begin = tokens_.take().span.begin;
      PC_TRY(const Token name, tokens_.expect(TokenKind::kIdentifier, "after `@`"));
      Annotation annotation{.name = builder_.text(name.text), .value = {}, .span = name.span};
      if (tokens_.take_if(TokenKind::kLeftParen)) {
        if (!tokens_.at(TokenKind::kString))
          return tokens_.wrong("the value of an annotation is a string in quotes");
        PC_TRY(annotation.value, exprs_.take_string());
        PC_CHECK_OK(tokens_.expect(TokenKind::kRightParen, "after the annotation"));
      }
      annotation.span = {begin, tokens_.end_of_last()};
      if (std::ranges::find(all, annotation.name, &Annotation::name) != all.end())
        return fault(annotation.span,
                     fmt::format("the annotation `@{}` stands twice", annotation.name));
      all.push_back(annotation);
    }
    return builder_.list(all);
  }

  Parsed<Effect> parse_effect() {
    const Token& token = tokens_.token();
    if (!token.is_word("permit") && !token.is_word("forbid"))
      return tokens_.wrong(fmt::format("expected `permit` or `forbid`, found {}", quoted(token)));
    const Effect effect = tokens_.take().text == "permit" ? Effect::kPermit : Effect::kForbid;
    PC_CHECK_OK(tokens_.expect(TokenKind::kLeftParen, "after the effect"));
    return effect;
  }

  Parsed<> expect_comma(std::string_view next) {
    if (tokens_.take_if(TokenKind::kComma)) return {};
    return tokens_.wrong(
        fmt::format("expected `,` and `{}`, found {}", next, quoted(tokens_.token())),
        "a policy begins with `permit(principal, action, resource)`");
  }

  Parsed<> expect_variable(std::string_view name) {
    if (!tokens_.at_word(name))
      return tokens_.wrong(fmt::format("expected `{}`, found {}", name, quoted(tokens_.token())),
                           "a policy begins with `permit(principal, action, resource)`");
    tokens_.take();
    if (tokens_.at(TokenKind::kColon))
      return tokens_.wrong("a type is not written with `:`",
                           fmt::format("write `{} is Type`", name));
    if (tokens_.at(TokenKind::kAssign))
      return tokens_.wrong("`=` is no operator", "write `==` to compare");
    return {};
  }

  Parsed<Scope> parse_scope(std::string_view name, Variable variable) {
    Scope scope;
    const std::uint32_t begin = tokens_.token().span.begin;
    PC_CHECK_OK(expect_variable(name));
    if (tokens_.at_word("is")) {
      tokens_.take();
      scope.kind = ScopeKind::kIs;
      PC_TRY(scope.type, exprs_.parse_name("after `is`"));
      if (tokens_.at(TokenKind::kEqual))
        return tokens_.wrong("`is` and `==` cannot be combined", "an entity has its type already");
    }
    const bool equal = tokens_.at(TokenKind::kEqual);
    if (equal || tokens_.at_word("in")) {
      tokens_.take();
      scope.kind = equal                          ? ScopeKind::kEqual
                   : scope.kind == ScopeKind::kIs ? ScopeKind::kIsIn
                                                  : ScopeKind::kIn;
      PC_CHECK_OK(parse_reference(scope, variable, Slots::kAllowed, Lists::kRefused));
    }
    scope.span = {begin, tokens_.end_of_last()};
    return scope;
  }

  Parsed<Scope> parse_action() {
    Scope scope;
    const std::uint32_t begin = tokens_.token().span.begin;
    PC_CHECK_OK(expect_variable("action"));
    if (tokens_.at_word("is"))
      return tokens_.wrong("`is` cannot stand with the action", "an action has the type Action");
    const bool equal = tokens_.at(TokenKind::kEqual);
    if (equal || tokens_.at_word("in")) {
      tokens_.take();
      scope.kind = equal ? ScopeKind::kEqual : ScopeKind::kIn;
      const Span at = tokens_.token().span;
      PC_CHECK_OK(parse_reference(scope, Variable::kAction, Slots::kRefused,
                                  equal ? Lists::kRefused : Lists::kAllowed));
      for (const EntityUid& uid : scope.entities) {
        if (!is_action_type(uid.type))
          return fault(join(at, {0, tokens_.end_of_last()}),
                       fmt::format("`{}` is no action", to_string(uid)),
                       "an action's type is `Action`, with or without a namespace before it");
      }
    }
    scope.span = {begin, tokens_.end_of_last()};
    return scope;
  }

  // An entity, a slot or a list, perhaps in parentheses.
  Parsed<> parse_reference(Scope& scope, Variable variable, Slots slots, Lists lists) {
    std::size_t parentheses = 0;
    while (tokens_.take_if(TokenKind::kLeftParen)) ++parentheses;
    if (tokens_.at(TokenKind::kSlot) && slots == Slots::kAllowed) {
      PC_CHECK_OK(take_slot(variable));
      scope.is_slot = true;
    } else if (tokens_.at(TokenKind::kLeftBracket) && lists == Lists::kAllowed) {
      PC_TRY(scope.entities, parse_entities());
      scope.is_list = true;
    } else {
      PC_TRY(const EntityUid uid, parse_scope_entity(slots));
      scope.entities = builder_.list(std::vector{uid});
    }
    for (; parentheses > 0; --parentheses)
      PC_CHECK_OK(tokens_.expect(TokenKind::kRightParen, "after the entity"));
    return {};
  }

  Parsed<EntityUid> parse_scope_entity(Slots slots) {
    if (!tokens_.at(TokenKind::kIdentifier))
      return tokens_.wrong(
          fmt::format("expected an entity{}, found {}",
                      slots == Slots::kAllowed ? " or a slot" : "", quoted(tokens_.token())),
          "an entity is written `Type::\"id\"`");
    return exprs_.parse_entity("as an entity");
  }

  Parsed<> take_slot(Variable variable) {
    const std::string_view name = name_of(variable);
    if (tokens_.token().text.substr(1) != name)
      return tokens_.wrong(fmt::format("{} cannot stand here", quoted(tokens_.token())),
                           fmt::format("the slot for the {0} is `?{0}`", name));
    tokens_.take();
    return {};
  }

  Parsed<std::span<const EntityUid>> parse_entities() {
    tokens_.take();
    std::vector<EntityUid> all;
    while (!tokens_.at(TokenKind::kRightBracket)) {
      Scope item;
      PC_CHECK_OK(parse_reference(item, Variable::kAction, Slots::kRefused, Lists::kRefused));
      all.push_back(item.entities.front());
      if (!tokens_.take_if(TokenKind::kComma)) break;
    }
    PC_CHECK_OK(tokens_.expect(TokenKind::kRightBracket, "or `,` in a list of actions"));
    return builder_.list(all);
  }

  Parsed<std::span<const Condition>> parse_conditions() {
    std::vector<Condition> all;
    while (tokens_.at(TokenKind::kIdentifier)) {
      const Token word = tokens_.token();
      if (word.text != "when" && word.text != "unless")
        return tokens_.wrong(
            fmt::format("expected `when`, `unless` or `;`, found {}", quoted(word)));
      tokens_.take();
      PC_CHECK_OK(tokens_.expect(TokenKind::kLeftBrace, fmt::format("after `{}`", word.text)));
      if (tokens_.at(TokenKind::kRightBrace))
        return tokens_.wrong(fmt::format("this `{}` is empty", word.text),
                             "leave it out, or write a condition");
      PC_TRY(const Expr* body, exprs_.parse());
      PC_CHECK_OK(tokens_.expect(TokenKind::kRightBrace, "after the condition"));
      all.push_back({word.text == "when" ? ConditionKind::kWhen : ConditionKind::kUnless,
                     body,
                     {word.span.begin, tokens_.end_of_last()}});
    }
    return builder_.list(all);
  }

  const Source& source_;
  PolicySet& set_;
  AstBuilder& builder_;
  TokenStream tokens_;
  ExprParser exprs_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> parse_policies(const Source& source, PolicySet& set) {
  if (source.text().size() > kMaxSourceBytes) return {Finding{{}, "this text is too long", {}}};
  if (Parsed<> checked = check_utf8(source.text()); !checked) return {checked.error()};
  return PolicyParser(source, set).run();
}

Parsed<const Expr*> parse_expression(std::string_view text, AstBuilder& builder) {
  PC_CHECK_OK(check_utf8(text));
  TokenStream tokens(text);
  PC_TRY(const Expr* expr, ExprParser(tokens, builder).parse());
  if (!tokens.at(TokenKind::kEnd) || tokens.broken())
    return tokens.wrong(
        fmt::format("expected an operator or the end, found {}", quoted(tokens.token())));
  return expr;
}

}  // namespace portcullis::cedar
