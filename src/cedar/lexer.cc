#include "cedar/lexer.h"

#include "cedar/utf8.h"

#include <fmt/format.h>

#include <array>

namespace portcullis::cedar {
namespace {

bool begins_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool continues_identifier(char c) { return begins_identifier(c) || is_digit(c); }

// White_Space of Unicode, which Cedar's grammar skips.
bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

struct Symbol {
  std::string_view text;
  TokenKind kind;
};
// The longer ones first.
constexpr std::array kSymbols = {
    Symbol{"::", TokenKind::kDoubleColon},  Symbol{"==", TokenKind::kEqual},
    Symbol{"!=", TokenKind::kNotEqual},     Symbol{"<=", TokenKind::kLessEqual},
    Symbol{">=", TokenKind::kGreaterEqual}, Symbol{"&&", TokenKind::kAnd},
    Symbol{"||", TokenKind::kOr},           Symbol{"@", TokenKind::kAt},
    Symbol{".", TokenKind::kDot},           Symbol{",", TokenKind::kComma},
    Symbol{";", TokenKind::kSemicolon},     Symbol{":", TokenKind::kColon},
    Symbol{"?", TokenKind::kQuestion},      Symbol{"(", TokenKind::kLeftParen},
    Symbol{")", TokenKind::kRightParen},    Symbol{"{", TokenKind::kLeftBrace},
    Symbol{"}", TokenKind::kRightBrace},    Symbol{"[", TokenKind::kLeftBracket},
    Symbol{"]", TokenKind::kRightBracket},  Symbol{"=", TokenKind::kAssign},
    Symbol{"<", TokenKind::kLess},          Symbol{">", TokenKind::kGreater},
    Symbol{"!", TokenKind::kNot},           Symbol{"+", TokenKind::kPlus},
    Symbol{"-", TokenKind::kMinus},         Symbol{"*", TokenKind::kTimes},
    Symbol{"/", TokenKind::kDivide},        Symbol{"%", TokenKind::kModulo},
};

// The longest token that a message repeats.
constexpr std::size_t kMaxQuoted = 40;

Span span_at(std::size_t begin, std::size_t size) {
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + size)};
}

}  // namespace

std::string_view name_of(TokenKind kind) {
  switch (kind) {
    case TokenKind::kEnd:
      return "the end of the text";
    case TokenKind::kIdentifier:
      return "an identifier";
    case TokenKind::kNumber:
      return "a number";
    case TokenKind::kString:
      return "a string";
    case TokenKind::kSlot:
      return "a slot";
    case TokenKind::kComment:
      return "a comment";
    case TokenKind::kDoubleColon:
      return "`::`";
    case TokenKind::kSemicolon:
      return "`;`";
    case TokenKind::kColon:
      return "`:`";
    case TokenKind::kComma:
      return "`,`";
    case TokenKind::kLeftParen:
      return "`(`";
    case TokenKind::kRightParen:
      return "`)`";
    case TokenKind::kLeftBrace:
      return "`{`";
    case TokenKind::kRightBrace:
      return "`}`";
    case TokenKind::kLeftBracket:
      return "`[`";
    case TokenKind::kRightBracket:
      return "`]`";
    case TokenKind::kLess:
      return "`<`";
    case TokenKind::kGreater:
      return "`>`";
    default:
      break;
  }
  for (const Symbol& symbol : kSymbols) {
    if (symbol.kind == kind) return symbol.text;
  }
  return "a token";
}

std::string quoted(const Token& token) {
  if (token.is(TokenKind::kEnd)) return std::string(name_of(token.kind));
  if (token.text.size() > kMaxQuoted) return std::string(name_of(token.kind));
  return fmt::format("`{}`", token.text);
}

Parsed<Token> Lexer::next() {
  for (;;) {
    skip_blanks();
    if (at(at_) != '/' || at(at_ + 1) != '/') break;
    const std::size_t begin = at_;
    const std::string_view comment = take_comment();
    if (comments_ == Comments::kKeep)
      return Token{TokenKind::kComment, span_at(begin, comment.size()), comment};
  }
  if (at_ == text_.size()) return Token{TokenKind::kEnd, span_at(at_, 0), {}};
  const char first = text_[at_];
  std::size_t size = 1;
  if (begins_identifier(first)) {
    while (continues_identifier(at(at_ + size))) ++size;
    return take(TokenKind::kIdentifier, size);
  }
  if (is_digit(first)) {
    while (is_digit(at(at_ + size))) ++size;
    return take(TokenKind::kNumber, size);
  }
  if (first == '"') return take_string();
  if (first == '?' && begins_identifier(at(at_ + 1))) {
    while (continues_identifier(at(at_ + size))) ++size;
    return take(TokenKind::kSlot, size);
  }
  return take_symbol();
}

void Lexer::skip_blanks() {
  while (at_ < text_.size()) {
    if (const auto byte = static_cast<unsigned char>(text_[at_]); byte < 0x80) {
      if (!is_space(byte)) return;
      ++at_;
      continue;
    }
    const Utf8Character character = read_utf8(text_.substr(at_));
    if (character.size == 0 || !is_space(character.code)) return;
    at_ += character.size;
  }
}

std::string_view Lexer::take_comment() {
  const std::size_t end = text_.find_first_of("\r\n", at_);
  const std::string_view comment = text_.substr(at_, end == text_.npos ? text_.npos : end - at_);
  at_ += comment.size();
  return comment;
}

Token Lexer::take(TokenKind kind, std::size_t size) {
  const Token token{kind, span_at(at_, size), text_.substr(at_, size)};
  at_ += size;
  return token;
}

Parsed<Token> Lexer::take_string() {
  for (std::size_t end = at_ + 1; end < text_.size(); ++end) {
    if (text_[end] == '"') return take(TokenKind::kString, end + 1 - at_);
    if (text_[end] != '\\') continue;
    ++end;
    if (at(end) == '\n')
      return fault(span_at(end - 1, 1), "a line may not end with a backslash within a string");
  }
  return fault(span_at(at_, 1), "this string has no end", "close it with `\"`");
}

Parsed<Token> Lexer::take_symbol() {
  const std::string_view rest = text_.substr(at_);
  for (const Symbol& symbol : kSymbols) {
    if (rest.starts_with(symbol.text)) return take(symbol.kind, symbol.text.size());
  }
  const std::size_t size = std::max<std::size_t>(1, read_utf8(rest).size);
  if (rest.front() == '\'')
    return fault(span_at(at_, size), "a string is written in double quotes");
  if (rest.front() == '&' || rest.front() == '|')
    return fault(span_at(at_, size), fmt::format("`{}` is no operator", rest.front()),
                 fmt::format("write `{0}{0}`", rest.front()));
  if (static_cast<unsigned char>(rest.front()) < 0x20)
    return fault(span_at(at_, size), "a control character stands here");
  return fault(span_at(at_, size), fmt::format("unexpected character `{}`", rest.substr(0, size)));
}

Parsed<> check_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const Utf8Character character = read_utf8(text.substr(at));
    if (character.size == 0) return fault(span_at(at, 1), "this byte is not UTF-8");
    at += character.size;
  }
  return {};
}

bool is_identifier(std::string_view text) {
  if (text.empty() || !begins_identifier(text.front())) return false;
  for (const char c : text) {
    if (!continues_identifier(c)) return false;
  }
  return true;
}

}  // namespace portcullis::cedar
