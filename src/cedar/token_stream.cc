#include "cedar/token_stream.h"

#include <fmt/format.h>

namespace portcullis::cedar {

Parsed<Token> TokenStream::expect(TokenKind kind, std::string_view where) {
  if (at(kind)) return take();
  return wrong(fmt::format("expected {} {}, found {}", name_of(kind), where, quoted(token_)));
}

std::unexpected<Finding> TokenStream::wrong(std::string message, std::string help) const {
  // The end of the text is not the fault where the lexer stopped.
  if (broken_ && at(TokenKind::kEnd)) return std::unexpected(*broken_);
  return fault(token_.span, std::move(message), std::move(help));
}

void TokenStream::read(Token& into) {
  if (broken_) return;
  if (Parsed<Token> next = lexer_.next()) {
    into = *next;
    return;
  } else {
    broken_ = std::move(next.error());
  }
  into = {TokenKind::kEnd, broken_->at, {}};
}

}  // namespace portcullis::cedar
