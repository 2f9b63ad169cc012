// The tokens of a text with two of them in sight, for parsers by recursive descent.
#pragma once

#include "cedar/lexer.h"

#include <optional>
#include <string>
#include <string_view>

namespace portcullis::cedar {

class TokenStream {
 public:
  explicit TokenStream(std::string_view text) : lexer_(text) {
    read(token_);
    read(ahead_);
  }

  [[nodiscard]] const Token& token() const { return token_; }
  [[nodiscard]] const Token& ahead() const { return ahead_; }
  [[nodiscard]] bool at(TokenKind kind) const { return token_.kind == kind; }
  [[nodiscard]] bool at_word(std::string_view word) const { return token_.is_word(word); }
  // Where the last token that was taken ends.
  [[nodiscard]] std::uint32_t end_of_last() const { return last_.end; }
  // What the lexer could not read; from there on the text seems to have ended.
  [[nodiscard]] const std::optional<Finding>& broken() const { return broken_; }

  Token take() {
    const Token taken = token_;
    last_ = taken.span;
    token_ = ahead_;
    read(ahead_);
    return taken;
  }
  bool take_if(TokenKind kind) {
    if (!at(kind)) return false;
    take();
    return true;
  }
  // `where` ends the sentence: "after the effect", "in a record".
  [[nodiscard]] Parsed<Token> expect(TokenKind kind, std::string_view where);
  // The current token is not what may stand here.
  [[nodiscard]] std::unexpected<Finding> wrong(std::string message, std::string help = {}) const;

 private:
  void read(Token& into);
  Lexer lexer_;
  Token token_;
  Token ahead_;
  Span last_;
  std::optional<Finding> broken_;
};

}  // namespace portcullis::cedar
