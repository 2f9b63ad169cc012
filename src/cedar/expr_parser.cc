#include "cedar/expr_parser.h"

#include "base/result.h"
#include "cedar/escape.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace portcullis::cedar {
namespace {

constexpr std::array<std::string_view, 10> kReserved = {"if", "then", "else", "true", "false",
                                                        "in", "is",   "has",  "like", "__cedar"};

std::optional<Variable> find_variable(std::string_view word) {
  if (word == "principal") return Variable::kPrincipal;
  if (word == "action") return Variable::kAction;
  if (word == "resource") return Variable::kResource;
  if (word == "context") return Variable::kContext;
  return std::nullopt;
}

std::optional<ExprKind> find_relation(TokenKind kind) {
  switch (kind) {
    case TokenKind::kEqual:
      return ExprKind::kEqual;
    case TokenKind::kNotEqual:
      return ExprKind::kNotEqual;
    case TokenKind::kLess:
      return ExprKind::kLess;
    case TokenKind::kLessEqual:
      return ExprKind::kLessEqual;
    case TokenKind::kGreater:
      return ExprKind::kGreater;
    case TokenKind::kGreaterEqual:
      return ExprKind::kGreaterEqual;
    default:
      return std::nullopt;
  }
}

struct Method {
  std::string_view name;
  ExprKind kind;
  std::size_t arguments;
};
constexpr std::array kMethods = {
    Method{"contains", ExprKind::kContains, 1},
    Method{"containsAll", ExprKind::kContainsAll, 1},
    Method{"containsAny", ExprKind::kContainsAny, 1},
    Method{"isEmpty", ExprKind::kIsEmpty, 0},
    Method{"getTag", ExprKind::kGetTag, 1},
    Method{"hasTag", ExprKind::kHasTag, 1},
};

bool is_method(std::string_view name) {
  if (std::ranges::any_of(kMethods, [&](const Method& one) { return one.name == name; }))
    return true;
  const FunctionInfo* info = find_function(name);
  return info != nullptr && info->style == CallStyle::kMethod;
}

constexpr std::string_view kTooDeep = "this is nested too deeply";

// Of `!` and of `-`, one after another.
constexpr std::size_t kMaxSigns = 4;

}  // namespace

bool is_reserved(std::string_view word) {
  return std::ranges::find(kReserved, word) != kReserved.end();
}

Parsed<const Expr*> ExprParser::parse() {
  if (depth_ >= kMaxHeight) return tokens_.wrong(std::string(kTooDeep));
  ++depth_;
  ExprResult result = tokens_.at_word("if") ? parse_if(tokens_.take().span) : parse_or();
  --depth_;
  return result;
}

Parsed<const Expr*> ExprParser::parse_if(Span begin) {
  const auto expect_word = [&](std::string_view word) -> Parsed<> {
    if (!tokens_.at_word(word))
      return tokens_.wrong(fmt::format("expected `{}`, found {}", word, quoted(tokens_.token())));
    tokens_.take();
    return {};
  };
  PC_TRY(const Expr* condition, parse());
  PC_CHECK_OK(expect_word("then"));
  PC_TRY(const Expr* yes, parse());
  PC_CHECK_OK(expect_word("else"));
  PC_TRY(const Expr* no, parse());
  return make({.kind = ExprKind::kIf,
               .operands = builder_.list(std::vector<const Expr*>{condition, yes, no})},
              begin.begin);
}

Parsed<const Expr*> ExprParser::parse_or() {
  PC_TRY(const Expr* first, parse_and());
  if (!tokens_.at(TokenKind::kOr)) return first;
  std::vector<const Expr*> operands = {first};
  while (tokens_.take_if(TokenKind::kOr)) {
    PC_TRY(const Expr* next, parse_and());
    operands.push_back(next);
  }
  return chain(ExprKind::kOr, operands, first->span.begin);
}

Parsed<const Expr*> ExprParser::parse_and() {
  PC_TRY(const Expr* first, parse_relation());
  if (!tokens_.at(TokenKind::kAnd)) return first;
  std::vector<const Expr*> operands = {first};
  while (tokens_.take_if(TokenKind::kAnd)) {
    PC_TRY(const Expr* next, parse_relation());
    operands.push_back(next);
  }
  return chain(ExprKind::kAnd, operands, first->span.begin);
}

Parsed<const Expr*> ExprParser::parse_relation() {
  PC_TRY(const Expr* left, parse_add());
  if (tokens_.at_word("has")) return parse_has(left);
  if (tokens_.at_word("like")) return parse_like(left);
  if (tokens_.at_word("is")) return parse_is(left);
  if (tokens_.at(TokenKind::kAssign))
    return tokens_.wrong("`=` is no operator", "write `==` to compare");
  std::optional<ExprKind> kind = find_relation(tokens_.token().kind);
  if (tokens_.at_word("in")) kind = ExprKind::kIn;
  if (!kind) return left;
  tokens_.take();
  PC_TRY(const Expr* right, parse_add());
  if (find_relation(tokens_.token().kind) || tokens_.at_word("in"))
    return tokens_.wrong("two comparisons in a row", "set parentheses to say which is first");
  return binary(*kind, left, right);
}

Parsed<const Expr*> ExprParser::parse_has(const Expr* left) {
  tokens_.take();
  std::vector<std::string_view> path;
  if (tokens_.at(TokenKind::kString)) {
    PC_TRY(const std::string_view name, take_string());
    path.push_back(name);
  } else {
    do {
      PC_TRY(const Token name, take_identifier("after `has`"));
      path.push_back(builder_.text(name.text));
      if (path.size() > kMaxHeight) return fault(name.span, std::string(kTooDeep));
    } while (tokens_.take_if(TokenKind::kDot));
  }
  return make({.kind = ExprKind::kHas,
               .operands = builder_.list(std::vector<const Expr*>{left}),
               .names = builder_.list(path)},
              left->span.begin);
}

Parsed<const Expr*> ExprParser::parse_like(const Expr* left) {
  tokens_.take();
  if (!tokens_.at(TokenKind::kString))
    return tokens_.wrong(
        fmt::format("expected a pattern after `like`, found {}", quoted(tokens_.token())),
        "a pattern is a string in quotes, in which `*` stands for anything");
  const Token token = tokens_.take();
  PC_TRY(const std::string pattern, unescape_pattern(token.text, token.span));
  return make({.kind = ExprKind::kLike,
               .text = builder_.text(pattern),
               .operands = builder_.list(std::vector<const Expr*>{left})},
              left->span.begin);
}

Parsed<const Expr*> ExprParser::parse_is(const Expr* left) {
  tokens_.take();
  PC_TRY(const std::string_view type, parse_name("after `is`"));
  std::vector<const Expr*> operands = {left};
  if (tokens_.at_word("in")) {
    tokens_.take();
    PC_TRY(const Expr* ancestor, parse_add());
    operands.push_back(ancestor);
  }
  return make({.kind = ExprKind::kIs, .text = type, .operands = builder_.list(operands)},
              left->span.begin);
}

Parsed<const Expr*> ExprParser::parse_add() {
  PC_TRY(const Expr* left, parse_multiply());
  while (tokens_.at(TokenKind::kPlus) || tokens_.at(TokenKind::kMinus)) {
    const bool plus = tokens_.take().is(TokenKind::kPlus);
    PC_TRY(const Expr* right, parse_multiply());
    PC_TRY(left, binary(plus ? ExprKind::kAdd : ExprKind::kSubtract, left, right));
  }
  return left;
}

Parsed<const Expr*> ExprParser::parse_multiply() {
  PC_TRY(const Expr* left, parse_unary());
  for (;;) {
    if (tokens_.at(TokenKind::kDivide) || tokens_.at(TokenKind::kModulo))
      return tokens_.wrong(
          fmt::format("there is no operator {} in Cedar", quoted(tokens_.token())));
    if (!tokens_.take_if(TokenKind::kTimes)) return left;
    PC_TRY(const Expr* right, parse_unary());
    PC_TRY(left, binary(ExprKind::kMultiply, left, right));
  }
}

Parsed<const Expr*> ExprParser::parse_unary() {
  const TokenKind sign = tokens_.token().kind;
  if (sign != TokenKind::kNot && sign != TokenKind::kMinus) return parse_member();
  const std::uint32_t begin = tokens_.token().span.begin;
  std::size_t signs = 0;
  while (tokens_.at(sign)) {
    if (signs == kMaxSigns)
      return tokens_.wrong(fmt::format("more than {} {} in a row", kMaxSigns, name_of(sign)));
    tokens_.take();
    ++signs;
  }
  if (sign == TokenKind::kMinus) return parse_signed(begin, signs);
  PC_TRY(const Expr* expr, parse_member());
  for (; signs > 0; --signs) {
    PC_TRY(expr,
           make({.kind = ExprKind::kNot, .operands = builder_.list(std::vector<const Expr*>{expr})},
                begin));
  }
  return expr;
}

// A number that directly follows its minus is a literal: so the least Long can be written.
Parsed<const Expr*> ExprParser::parse_signed(std::uint32_t begin, std::size_t signs) {
  const bool accessed = tokens_.ahead().is(TokenKind::kDot) ||
                        tokens_.ahead().is(TokenKind::kLeftBracket) ||
                        tokens_.ahead().is(TokenKind::kLeftParen);
  const Expr* expr = nullptr;
  if (tokens_.at(TokenKind::kNumber) && !accessed) {
    const Token token = tokens_.take();
    const std::string text = "-" + std::string(token.text);
    std::int64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
      return fault(token.span, "this number is too small",
                   "numbers reach from -9223372036854775808 to 9223372036854775807");
    --signs;
    PC_TRY(expr, make({.kind = ExprKind::kLong, .integer = value}, begin));
  } else {
    PC_TRY(expr, parse_member());
  }
  for (; signs > 0; --signs) {
    PC_TRY(expr, make({.kind = ExprKind::kNegate,
                       .operands = builder_.list(std::vector<const Expr*>{expr})},
                      begin));
  }
  return expr;
}

Parsed<const Expr*> ExprParser::parse_member() {
  PC_TRY(const Expr* expr, parse_primary());
  for (;;) {
    if (tokens_.at(TokenKind::kDot)) {
      PC_TRY(expr, parse_access(expr));
    } else if (tokens_.at(TokenKind::kLeftBracket)) {
      PC_TRY(expr, parse_index(expr));
    } else if (tokens_.at(TokenKind::kLeftParen)) {
      return tokens_.wrong("an expression cannot be called",
                           "functions and methods are called by their names");
    } else {
      return expr;
    }
  }
}

Parsed<const Expr*> ExprParser::parse_access(const Expr* left) {
  tokens_.take();
  PC_TRY(const Token name, take_identifier("after `.`"));
  if (tokens_.at(TokenKind::kLeftParen)) return parse_method(left, name);
  return make({.kind = ExprKind::kGetAttribute,
               .text = builder_.text(name.text),
               .operands = builder_.list(std::vector<const Expr*>{left})},
              left->span.begin);
}

Parsed<const Expr*> ExprParser::parse_method(const Expr* left, const Token& name) {
  tokens_.take();
  PC_TRY(std::vector<const Expr*> operands, parse_list(TokenKind::kRightParen, "in the arguments"));
  operands.insert(operands.begin(), left);
  const auto* method = std::ranges::find(kMethods, name.text, &Method::name);
  if (method != kMethods.end()) {
    if (operands.size() != method->arguments + 1)
      return fault(name.span, fmt::format("`{}` takes {}, not {}", name.text,
                                          method->arguments == 0 ? "no argument" : "one argument",
                                          operands.size() - 1));
    return make({.kind = method->kind, .operands = builder_.list(operands)}, left->span.begin);
  }
  const FunctionInfo* info = find_function(name.text);
  if (info == nullptr) return fault(name.span, fmt::format("there is no method `{}`", name.text));
  if (info->style != CallStyle::kMethod)
    return fault(name.span, fmt::format("`{}` is a function, not a method", name.text),
                 fmt::format("write `{}(...)`", name.text));
  return make(
      {.kind = ExprKind::kCall, .function = info->function, .operands = builder_.list(operands)},
      left->span.begin);
}

Parsed<const Expr*> ExprParser::parse_index(const Expr* left) {
  tokens_.take();
  if (!tokens_.at(TokenKind::kString))
    return tokens_.wrong("expected the name of an attribute, as a string in quotes, after `[`");
  PC_TRY(const std::string_view name, take_string());
  PC_CHECK_OK(tokens_.expect(TokenKind::kRightBracket, "after the attribute"));
  return make({.kind = ExprKind::kGetAttribute,
               .text = name,
               .operands = builder_.list(std::vector<const Expr*>{left})},
              left->span.begin);
}

Parsed<const Expr*> ExprParser::parse_primary() {
  const Token& token = tokens_.token();
  switch (token.kind) {
    case TokenKind::kNumber:
      return parse_number();
    case TokenKind::kString: {
      const std::uint32_t begin = token.span.begin;
      PC_TRY(const std::string_view text, take_string());
      return make({.kind = ExprKind::kString, .text = text}, begin);
    }
    case TokenKind::kIdentifier:
      return parse_named();
    case TokenKind::kLeftParen: {
      tokens_.take();
      PC_TRY(const Expr* inner, parse());
      PC_CHECK_OK(tokens_.expect(TokenKind::kRightParen, "after the expression"));
      return inner;
    }
    case TokenKind::kLeftBracket:
      return parse_set();
    case TokenKind::kLeftBrace:
      return parse_record();
    case TokenKind::kSlot:
      return tokens_.wrong(fmt::format("the slot {} cannot stand in a condition", quoted(token)),
                           "slots stand in the head of a template only");
    default:
      return tokens_.wrong(fmt::format("expected an expression, found {}", quoted(token)));
  }
}

Parsed<const Expr*> ExprParser::parse_named() {
  if (tokens_.ahead().is(TokenKind::kDoubleColon)) return parse_path();
  const Token word = tokens_.token();
  if (word.text == "true" || word.text == "false") {
    tokens_.take();
    return make({.kind = ExprKind::kBool, .boolean = word.text == "true"}, word.span.begin);
  }
  if (word.text == "if") return tokens_.wrong("`if` cannot stand here", "set it in parentheses");
  if (const auto variable = find_variable(word.text)) {
    tokens_.take();
    return make({.kind = ExprKind::kVariable, .variable = *variable}, word.span.begin);
  }
  PC_TRY(const Token name, take_identifier("as an expression"));
  if (tokens_.at(TokenKind::kLeftParen)) return parse_call(name);
  return fault(name.span, fmt::format("`{}` is no variable", name.text),
               "variables are principal, action, resource and context; a string stands in quotes");
}

// An entity. A name alone says nothing: functions have no namespace.
Parsed<const Expr*> ExprParser::parse_path() {
  const std::uint32_t begin = tokens_.token().span.begin;
  PC_TRY(const EntityUid uid, parse_entity("in an entity"));
  return make({.kind = ExprKind::kEntity, .text = uid.type, .id = uid.id}, begin);
}

Parsed<const Expr*> ExprParser::parse_call(const Token& name) {
  const FunctionInfo* info = find_function(name.text);
  if (is_method(name.text))
    return fault(name.span, fmt::format("`{}` is a method, not a function", name.text),
                 fmt::format("write `e.{}(...)`", name.text));
  if (info == nullptr)
    return fault(name.span, fmt::format("there is no function `{}`", name.text),
                 "functions are ip, decimal, datetime and duration");
  tokens_.take();
  PC_TRY(const std::vector<const Expr*> operands,
         parse_list(TokenKind::kRightParen, "in the arguments"));
  return make(
      {.kind = ExprKind::kCall, .function = info->function, .operands = builder_.list(operands)},
      name.span.begin);
}

Parsed<const Expr*> ExprParser::parse_number() {
  const Token token = tokens_.take();
  std::int64_t value = 0;
  const char* const end = token.text.data() + token.text.size();
  if (std::from_chars(token.text.data(), end, value).ec != std::errc())
    return fault(token.span, "this number is too great",
                 "numbers reach from -9223372036854775808 to 9223372036854775807");
  return make({.kind = ExprKind::kLong, .integer = value}, token.span.begin);
}

Parsed<const Expr*> ExprParser::parse_set() {
  const std::uint32_t begin = tokens_.take().span.begin;
  PC_TRY(const std::vector<const Expr*> operands, parse_list(TokenKind::kRightBracket, "in a set"));
  return make({.kind = ExprKind::kSet, .operands = builder_.list(operands)}, begin);
}

Parsed<const Expr*> ExprParser::parse_record() {
  const std::uint32_t begin = tokens_.take().span.begin;
  std::vector<const Expr*> operands;
  std::vector<std::string_view> names;
  std::unordered_set<std::string_view> seen;
  while (!tokens_.at(TokenKind::kRightBrace)) {
    const Span at = tokens_.token().span;
    PC_TRY(const std::string_view name, parse_key());
    if (!seen.insert(name).second)
      return fault(at, fmt::format("the attribute {} stands twice in the record", escaped(name)));
    PC_CHECK_OK(tokens_.expect(TokenKind::kColon, "after the name of an attribute"));
    PC_TRY(const Expr* value, parse());
    names.push_back(name);
    operands.push_back(value);
    if (!tokens_.take_if(TokenKind::kComma)) break;
  }
  PC_CHECK_OK(tokens_.expect(TokenKind::kRightBrace, "or `,` in a record"));
  return make({.kind = ExprKind::kRecord,
               .operands = builder_.list(operands),
               .names = builder_.list(names)},
              begin);
}

Parsed<std::string_view> ExprParser::parse_key() {
  if (tokens_.at(TokenKind::kString)) return take_string();
  PC_TRY(const Token name, take_identifier("as the name of an attribute"));
  return builder_.text(name.text);
}

// What stands until `close`, with commas between and perhaps one after the last.
Parsed<std::vector<const Expr*>> ExprParser::parse_list(TokenKind close, std::string_view where) {
  std::vector<const Expr*> items;
  while (!tokens_.at(close)) {
    PC_TRY(const Expr* item, parse());
    items.push_back(item);
    if (!tokens_.take_if(TokenKind::kComma)) break;
  }
  PC_CHECK_OK(tokens_.expect(close, fmt::format("or `,` {}", where)));
  return items;
}

Parsed<Token> ExprParser::take_identifier(std::string_view where) {
  if (!tokens_.at(TokenKind::kIdentifier))
    return tokens_.wrong(
        fmt::format("expected an identifier {}, found {}", where, quoted(tokens_.token())));
  if (is_reserved(tokens_.token().text))
    return tokens_.wrong(fmt::format("`{}` is a reserved word", tokens_.token().text));
  return tokens_.take();
}

Parsed<std::string_view> ExprParser::take_string() {
  const Token token = tokens_.take();
  PC_TRY(const std::string text, unescape(token.text, token.span));
  return builder_.text(text);
}

Parsed<std::string_view> ExprParser::parse_name(std::string_view where) {
  PC_TRY(const Token first, take_identifier(where));
  std::string name(first.text);
  while (tokens_.at(TokenKind::kDoubleColon) && tokens_.ahead().is(TokenKind::kIdentifier)) {
    tokens_.take();
    PC_TRY(const Token next, take_identifier("after `::`"));
    name += "::";
    name += next.text;
  }
  return builder_.text(name);
}

Parsed<EntityUid> ExprParser::parse_entity(std::string_view where) {
  PC_TRY(const std::string_view type, parse_name(where));
  if (tokens_.at(TokenKind::kLeftParen))
    return tokens_.wrong(fmt::format("there is no function `{}`", type));
  PC_CHECK_OK(tokens_.expect(TokenKind::kDoubleColon, fmt::format("after `{}`", type)));
  if (!tokens_.at(TokenKind::kString))
    return tokens_.wrong(fmt::format("expected the id of an entity after `{}::`, found {}", type,
                                     quoted(tokens_.token())),
                         fmt::format("write `{}::\"...\"`", type));
  PC_TRY(const std::string_view id, take_string());
  return EntityUid{type, id};
}

Parsed<const Expr*> ExprParser::make(Expr node, std::uint32_t begin) {
  node.span = {begin, tokens_.end_of_last()};
  if (const Expr* made = builder_.expr(node)) return made;
  return fault(node.span, std::string(kTooDeep));
}

Parsed<const Expr*> ExprParser::chain(ExprKind kind, const std::vector<const Expr*>& operands,
                                      std::uint32_t begin) {
  return make({.kind = kind, .operands = builder_.chain(kind, operands)}, begin);
}

Parsed<const Expr*> ExprParser::binary(ExprKind kind, const Expr* left, const Expr* right) {
  return make({.kind = kind, .operands = builder_.list(std::vector<const Expr*>{left, right})},
              left->span.begin);
}

}  // namespace portcullis::cedar
