// Expressions of the human syntax, by recursive descent. The grammar is that of the reference
// (docs.cedarpolicy.com, "Grammar"): what has no meaning in it is refused where it stands.
#pragma once

#include "cedar/ast.h"
#include "cedar/token_stream.h"

#include <string_view>
#include <vector>

namespace portcullis::cedar {

class ExprParser {
 public:
  ExprParser(TokenStream& tokens, AstBuilder& builder) : tokens_(tokens), builder_(builder) {}

  [[nodiscard]] Parsed<const Expr*> parse();

  // `A::B::C`, without blanks. Words that are reserved are refused in it.
  [[nodiscard]] Parsed<std::string_view> parse_name(std::string_view where);
  // `A::B::"id"`.
  [[nodiscard]] Parsed<EntityUid> parse_entity(std::string_view where);
  // The content of the string token at which the text stands.
  [[nodiscard]] Parsed<std::string_view> take_string();

 private:
  using ExprResult = Parsed<const Expr*>;

  ExprResult parse_if(Span begin);
  ExprResult parse_or();
  ExprResult parse_and();
  ExprResult parse_relation();
  ExprResult parse_has(const Expr* left);
  ExprResult parse_like(const Expr* left);
  ExprResult parse_is(const Expr* left);
  ExprResult parse_add();
  ExprResult parse_multiply();
  ExprResult parse_unary();
  ExprResult parse_signed(std::uint32_t begin, std::size_t signs);
  ExprResult parse_member();
  ExprResult parse_access(const Expr* left);
  ExprResult parse_method(const Expr* left, const Token& name);
  ExprResult parse_index(const Expr* left);
  ExprResult parse_primary();
  ExprResult parse_named();
  ExprResult parse_path();
  ExprResult parse_call(const Token& name);
  ExprResult parse_number();
  ExprResult parse_set();
  ExprResult parse_record();
  Parsed<std::string_view> parse_key();
  Parsed<std::vector<const Expr*>> parse_list(TokenKind close, std::string_view where);
  Parsed<Token> take_identifier(std::string_view where);

  ExprResult make(Expr node, std::uint32_t begin);
  ExprResult chain(ExprKind kind, const std::vector<const Expr*>& operands, std::uint32_t begin);
  ExprResult binary(ExprKind kind, const Expr* left, const Expr* right);

  TokenStream& tokens_;
  AstBuilder& builder_;
  std::uint16_t depth_ = 0;
};

// Words that are no names of types, attributes or functions.
[[nodiscard]] bool is_reserved(std::string_view word);

}  // namespace portcullis::cedar
