// Tokens of Cedar's two human syntaxes, policies and schemas. Keywords are identifiers here: which
// words are special depends on where they stand.
#pragma once

#include "cedar/source.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace portcullis::cedar {

enum class TokenKind : std::uint8_t {
  kEnd,
  kIdentifier,   // [_a-zA-Z][_a-zA-Z0-9]*
  kNumber,       // [0-9]+
  kString,       // with its quotes, escapes untouched: unescape() reads it
  kSlot,         // ?principal
  kComment,      // `//` to the end of the line; only when comments are asked for
  kAt,           // @
  kDot,          // .
  kComma,        // ,
  kSemicolon,    // ;
  kColon,        // :
  kDoubleColon,  // ::
  kQuestion,     // ? before anything that begins no identifier
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kAssign,  // =
  kEqual,   // ==
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,  // &&
  kOr,   // ||
  kNot,  // !
  kPlus,
  kMinus,
  kTimes,
  kDivide,
  kModulo,
};

// What a kind is called in a message: "an identifier", "`::`".
[[nodiscard]] std::string_view name_of(TokenKind kind);

struct Token {
  TokenKind kind = TokenKind::kEnd;
  Span span;
  std::string_view text;  // borrows the source

  [[nodiscard]] bool is(TokenKind other) const { return kind == other; }
  // An identifier that is this word.
  [[nodiscard]] bool is_word(std::string_view word) const {
    return kind == TokenKind::kIdentifier && text == word;
  }
};

// For messages: the token's own text in backquotes, or "the end of the text".
[[nodiscard]] std::string quoted(const Token& token);

enum class Comments : std::uint8_t { kSkip, kKeep };

// Reads one token after another, allocating nothing. Borrows the text, which must be valid UTF-8
// (check_utf8 tells) of at most kMaxSourceBytes.
class Lexer {
 public:
  explicit Lexer(std::string_view text, Comments comments = Comments::kSkip)
      : text_(text), comments_(comments) {}

  // After the end it stays at the end. After an error it stays at the error.
  [[nodiscard]] Parsed<Token> next();

 private:
  void skip_blanks();
  [[nodiscard]] std::string_view take_comment();
  [[nodiscard]] Token take(TokenKind kind, std::size_t size);
  [[nodiscard]] Parsed<Token> take_string();
  [[nodiscard]] Parsed<Token> take_symbol();
  [[nodiscard]] char at(std::size_t offset) const {
    return offset < text_.size() ? text_[offset] : '\0';
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Comments comments_;
};

// Says where the first byte is that is not UTF-8.
[[nodiscard]] Parsed<> check_utf8(std::string_view text);

[[nodiscard]] bool is_identifier(std::string_view text);

}  // namespace portcullis::cedar
