// Formatting goes token by token: each is written where the grammar has it, with the comments that
// stood before it and behind it on its line. So nothing is lost that the tree would not hold.
//
// The layout is that of Cedar's own formatter, so that a team may use either.
#include "cedar/format.h"

#include "cedar/doc.h"
#include "cedar/lexer.h"
#include "cedar/policy_parser.h"

#include <algorithm>

namespace portcullis::cedar {

namespace {

using Doc = DocBuilder::Doc;

struct CommentedToken {
  Token token;
  std::vector<std::string_view> before;  // comments on lines of their own
  std::string_view behind;               // the comment on the token's line
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

struct CommentedTokens {
  std::vector<CommentedToken> tokens;    // the last one is the end
  std::vector<std::string_view> at_end;  // comments behind all
};

// The text must lex, which it does once it was parsed.
CommentedTokens read_tokens(std::string_view text) {
  CommentedTokens all;
  Lexer lexer(text, Comments::kKeep);
  std::size_t line_begin = 0;  // where the text behind the token before begins
  std::vector<std::string_view> before;
  for (;;) {
    const Parsed<Token> token = lexer.next();
    if (!token) return all;
    if (token->is(TokenKind::kComment)) {
      const std::string_view between = text.substr(line_begin, token->span.begin - line_begin);
      const bool same_line = !all.tokens.empty() && between.find('\n') == std::string_view::npos;
      if (same_line && all.tokens.back().behind.empty()) {
        all.tokens.back().behind = trimmed(token->text);
      } else {
        before.push_back(trimmed(token->text));
      }
      continue;
    }
    if (token->is(TokenKind::kEnd)) {
      all.at_end = std::move(before);
      all.tokens.push_back({*token, {}, {}});
      return all;
    }
    all.tokens.push_back({*token, std::move(before), {}});
    before.clear();
    line_begin = token->span.end;
  }
}

class PolicyFormatter {
 public:
  PolicyFormatter(std::vector<CommentedToken>& tokens, const FormatOptions& options)
      : tokens_(tokens), options_(options) {}

  [[nodiscard]] bool at_end() const { return failed_ || token().is(TokenKind::kEnd); }
  [[nodiscard]] bool failed() const { return failed_; }

  std::string next_policy() {
    const Doc policy = policy_doc();
    return lay_out(policy, options_.width);
  }

 private:
  [[nodiscard]] const Token& token() const { return tokens_[at_].token; }
  [[nodiscard]] bool is(TokenKind kind) const { return token().is(kind); }
  [[nodiscard]] bool is_word(std::string_view word) const { return token().is_word(word); }
  [[nodiscard]] const Token& token_after() const {
    return tokens_[std::min(at_ + 1, tokens_.size() - 1)].token;
  }

  Doc comments_before() {
    std::vector<std::string_view> comments = std::move(tokens_[at_].before);
    tokens_[at_].before.clear();
    return comment_lines(comments);
  }

  Doc comment_lines(const std::vector<std::string_view>& comments) {
    if (comments.empty()) return nullptr;
    std::vector<Doc> parts;
    for (const std::string_view comment : comments) {
      parts.push_back(docs_.hard_line());
      parts.push_back(docs_.text(comment));
    }
    parts.push_back(docs_.hard_line());
    return docs_.join(std::move(parts));
  }

  // What follows a token: its comment and a line feed, or `otherwise`.
  Doc comment_behind(std::string_view comment, Doc otherwise) {
    if (comment.empty()) return otherwise;
    return docs_.join({docs_.space(), docs_.text(comment), docs_.hard_line()});
  }

  // A number loses zeros in front, which say nothing.
  Doc text_of(const Token& token) {
    std::string_view text = token.text;
    if (token.is(TokenKind::kNumber)) {
      while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
    }
    return docs_.text(text);
  }

  // The token with its comments, and `otherwise` when none stands behind it.
  Doc take(Doc otherwise = nullptr) {
    const Doc before = comments_before();
    const Doc text = text_of(token());
    return docs_.join({before, text, comment_behind(advance(), otherwise)});
  }

  // Moves on; gives the comment behind the token.
  std::string_view advance() {
    const std::string_view comment = tokens_[at_].behind;
    if (at_ + 1 < tokens_.size()) ++at_;
    return comment;
  }

  Doc fail() {
    failed_ = true;
    return nullptr;
  }
  Doc take(TokenKind kind, Doc otherwise = nullptr) { return is(kind) ? take(otherwise) : fail(); }
  Doc nest(Doc inner) { return docs_.nest(options_.indent, inner); }

  Doc policy_doc() {
    std::vector<Doc> parts;
    while (is(TokenKind::kAt) && !failed_) parts.push_back(annotation());
    parts.push_back(comments_before());
    if (!is(TokenKind::kIdentifier)) return fail();
    const Doc effect = take();
    parts.push_back(docs_.group(docs_.join({effect, docs_.line(), take(TokenKind::kLeftParen)})));
    parts.push_back(variables());
    const bool conditions = token_after().is(TokenKind::kIdentifier);
    parts.push_back(take(TokenKind::kRightParen, conditions ? docs_.hard_line() : nullptr));
    bool first = true;
    while ((is_word("when") || is_word("unless")) && !failed_) {
      if (!first) parts.push_back(docs_.hard_line());
      first = false;
      parts.push_back(condition());
    }
    parts.push_back(take(TokenKind::kSemicolon));
    return docs_.join(std::move(parts));
  }

  Doc annotation() {
    const Doc at = take();
    const Doc name = take(TokenKind::kIdentifier);
    if (!is(TokenKind::kLeftParen)) return docs_.join({at, name, docs_.hard_line()});
    const Doc open = take();
    const Doc value = take(TokenKind::kString);
    return docs_.join({at, name, open, value, take(TokenKind::kRightParen, docs_.hard_line())});
  }

  // The head is on one line when it restricts nothing.
  [[nodiscard]] bool head_is_bare() const {
    std::size_t at = at_;
    for (int i = 0; i < 3; ++i, at += 2) {
      if (at + 1 >= tokens_.size() || !tokens_[at].token.is(TokenKind::kIdentifier)) return false;
      const TokenKind next = tokens_[at + 1].token.kind;
      if (next != TokenKind::kComma && next != TokenKind::kRightParen) return false;
    }
    return true;
  }

  Doc variables() {
    const bool bare = head_is_bare();
    const auto between = [&] { return bare ? docs_.space() : docs_.hard_line(); };
    std::vector<Doc> parts;
    for (int i = 0; i < 3; ++i) {
      parts.push_back(variable());
      if (i < 2) parts.push_back(take(TokenKind::kComma, between()));
    }
    // A comma may stand behind the last one.
    if (is(TokenKind::kComma)) parts.push_back(drop());
    if (bare) return docs_.group(nest(docs_.join(std::move(parts))));
    parts.insert(parts.begin(), docs_.hard_line());
    return docs_.join({nest(docs_.join(std::move(parts))), docs_.hard_line()});
  }

  // Keeps the comments of a token that is not written.
  Doc drop() {
    const Doc before = comments_before();
    return docs_.join({before, comment_behind(advance(), nullptr)});
  }

  Doc variable() {
    const Doc before = comments_before();
    if (!is(TokenKind::kIdentifier)) return fail();
    const Doc name = text_of(token());
    const Doc behind = comment_behind(advance(), nullptr);
    Doc type = nullptr;
    if (is_word("is")) {
      const Doc word = docs_.group(docs_.join({docs_.line(), take()}));
      type = docs_.group(nest(docs_.join({word, docs_.join({docs_.line(), add()})})));
    }
    if (!is_word("in") && !is(TokenKind::kEqual)) return docs_.join({before, name, behind, type});
    const Doc left = docs_.group(docs_.join({name, behind, type, docs_.line(), take()}));
    return docs_.join(
        {before, docs_.group(docs_.join({left, nest(docs_.join({docs_.line(), expression()}))}))});
  }

  Doc condition() {
    const Doc before = comments_before();
    const Doc word = text_of(token());
    const Doc behind = comment_behind(advance(), docs_.line());
    const Doc before_brace = comments_before();
    if (!is(TokenKind::kLeftBrace)) return fail();
    const Doc brace = text_of(token());
    const Doc behind_brace = comment_behind(advance(), docs_.line());
    const Doc before_body = comments_before();
    const Doc body = docs_.group(expression());
    const Doc inside = docs_.group(docs_.join({nest(docs_.join({behind_brace, before_body, body})),
                                               docs_.line(), take(TokenKind::kRightBrace)}));
    return docs_.join(
        {before, docs_.group(docs_.join({word, behind, before_brace, brace, inside}))});
  }

  Doc expression() {
    if (failed_ || depth_ == kMaxDepth) return fail();
    ++depth_;
    const Doc doc = is_word("if") ? if_then_else() : disjunction();
    --depth_;
    return doc;
  }

  Doc if_then_else() {
    std::vector<Doc> parts;
    for (const std::string_view word : {"if", "then", "else"}) {
      if (!is_word(word)) return fail();
      if (!parts.empty()) parts.push_back(docs_.line());
      const Doc keyword = take();
      parts.push_back(keyword);
      parts.push_back(nest(docs_.join({docs_.line(), expression()})));
    }
    return docs_.group(docs_.join(std::move(parts)));
  }

  Doc disjunction() {
    std::vector<Doc> parts{conjunction()};
    while (is(TokenKind::kOr) && !failed_) {
      parts.push_back(docs_.space());
      parts.push_back(take(docs_.line()));
      parts.push_back(conjunction());
    }
    return docs_.join(std::move(parts));
  }

  Doc conjunction() {
    std::vector<Doc> parts{relation()};
    while (is(TokenKind::kAnd) && !failed_) {
      parts.push_back(docs_.space());
      parts.push_back(take(docs_.line()));
      parts.push_back(relation());
    }
    return docs_.join(std::move(parts));
  }

  [[nodiscard]] bool is_comparison() const {
    switch (token().kind) {
      case TokenKind::kEqual:
      case TokenKind::kNotEqual:
      case TokenKind::kLess:
      case TokenKind::kLessEqual:
      case TokenKind::kGreater:
      case TokenKind::kGreaterEqual:
        return true;
      default:
        return is_word("in");
    }
  }

  Doc relation() {
    const Doc left = add();
    if (is_comparison()) {
      const Doc symbol = take();
      return docs_.join({left, docs_.space(), symbol, docs_.space(), add()});
    }
    if (is_word("has") || is_word("like")) {
      const Doc word = take();
      return docs_.group(docs_.join({left, docs_.line(), word, docs_.line(), nest(add())}));
    }
    if (!is_word("is")) return left;
    const Doc word = take();
    std::vector<Doc> parts{left, docs_.space(), word, docs_.space(), nest(add())};
    if (is_word("in")) {
      parts.push_back(docs_.line());
      parts.push_back(take());
      parts.push_back(docs_.space());
      parts.push_back(nest(add()));
    }
    return docs_.group(docs_.join(std::move(parts)));
  }

  Doc add() {
    std::vector<Doc> parts{multiply()};
    while ((is(TokenKind::kPlus) || is(TokenKind::kMinus)) && !failed_) {
      parts.push_back(docs_.space());
      parts.push_back(take());
      parts.push_back(docs_.line());
      parts.push_back(multiply());
    }
    return docs_.group(docs_.join(std::move(parts)));
  }

  Doc multiply() {
    const auto is_factor = [&] {
      return is(TokenKind::kTimes) || is(TokenKind::kDivide) || is(TokenKind::kModulo);
    };
    std::vector<Doc> parts{unary()};
    while (is_factor() && !failed_) {
      parts.push_back(docs_.space());
      parts.push_back(take());
      parts.push_back(docs_.line());
      parts.push_back(unary());
    }
    return docs_.group(docs_.join(std::move(parts)));
  }

  Doc unary() {
    std::vector<Doc> parts;
    while (is(TokenKind::kNot) || is(TokenKind::kMinus)) parts.push_back(take());
    parts.push_back(member());
    return docs_.join(std::move(parts));
  }

  Doc member() {
    const Doc item = primary();
    std::vector<Doc> accesses;
    while (!failed_ &&
           (is(TokenKind::kDot) || is(TokenKind::kLeftParen) || is(TokenKind::kLeftBracket))) {
      if (!accesses.empty()) accesses.push_back(docs_.soft_line());
      accesses.push_back(access());
    }
    return docs_.group(docs_.join({item, nest(docs_.join(std::move(accesses)))}));
  }

  Doc access() {
    if (is(TokenKind::kDot)) {
      const Doc dot = take();
      return docs_.join({dot, take(TokenKind::kIdentifier)});
    }
    if (is(TokenKind::kLeftBracket)) {
      const Doc open = take();
      const Doc index = expression();
      return docs_.join({open, index, take(TokenKind::kRightBracket)});
    }
    const Doc open = take();
    if (is(TokenKind::kRightParen)) return docs_.join({open, take()});
    const Doc arguments = list(TokenKind::kRightParen, &PolicyFormatter::expression);
    return docs_.join({open, nest(docs_.join({docs_.soft_line(), arguments})), docs_.soft_line(),
                       take(TokenKind::kRightParen)});
  }

  Doc list(TokenKind end, Doc (PolicyFormatter::*item)()) {
    std::vector<Doc> parts{(this->*item)()};
    while (is(TokenKind::kComma) && !failed_) {
      if (token_after().is(end)) {
        parts.push_back(drop());
        break;
      }
      parts.push_back(take());
      parts.push_back(docs_.line());
      parts.push_back((this->*item)());
    }
    return docs_.join(std::move(parts));
  }

  Doc record_entry() {
    if (!is(TokenKind::kIdentifier) && !is(TokenKind::kString)) return fail();
    const Doc name = docs_.group(take());
    const Doc colon = take(TokenKind::kColon);
    return docs_.join({name, colon, docs_.space(), expression()});
  }

  Doc primary() {
    switch (token().kind) {
      case TokenKind::kLeftParen: {
        const Doc open = take();
        const Doc inner = docs_.nest(1, expression());
        return docs_.group(docs_.join({open, inner, take(TokenKind::kRightParen)}));
      }
      case TokenKind::kLeftBracket: {
        const Doc open = take();
        Doc elements = nullptr;
        if (!is(TokenKind::kRightBracket))
          elements = docs_.nest(1, list(TokenKind::kRightBracket, &PolicyFormatter::expression));
        return docs_.join({open, elements, take(TokenKind::kRightBracket)});
      }
      case TokenKind::kLeftBrace: {
        const Doc open = take();
        Doc entries = nullptr;
        if (!is(TokenKind::kRightBrace)) {
          entries = list(TokenKind::kRightBrace, &PolicyFormatter::record_entry);
          entries = nest(docs_.group(docs_.join({docs_.line(), entries, docs_.line()})));
        }
        return docs_.join({open, entries, take(TokenKind::kRightBrace)});
      }
      case TokenKind::kIdentifier:
        return name_or_entity();
      case TokenKind::kNumber:
      case TokenKind::kString:
      case TokenKind::kSlot:
        return take();
      default:
        return fail();
    }
  }

  Doc name_or_entity() {
    std::vector<Doc> parts{take()};
    while (is(TokenKind::kDoubleColon) && !failed_) {
      parts.push_back(take());
      const bool last = is(TokenKind::kString);
      parts.push_back(last || is(TokenKind::kIdentifier) ? take() : fail());
      if (last) break;
    }
    return docs_.join(std::move(parts));
  }

  static constexpr std::uint32_t kMaxDepth = 500;

  std::vector<CommentedToken>& tokens_;
  FormatOptions options_;
  DocBuilder docs_;
  std::size_t at_ = 0;
  std::uint32_t depth_ = 0;
  bool failed_ = false;
};

// Drops the empty lines of a stretch, but for a line feed at its begin.
void append_without_empty_lines(std::string& out, std::string_view stretch) {
  if (stretch.starts_with('\n')) out += '\n';
  while (!stretch.empty()) {
    const std::size_t feed = stretch.find('\n');
    const std::string_view line =
        stretch.substr(0, feed == std::string_view::npos ? stretch.size() : feed + 1);
    if (feed == std::string_view::npos || !trimmed(line).empty()) out += line;
    stretch.remove_prefix(line.size());
  }
}

// Comments bring line feeds with them, of which some make empty lines. Those within strings stay.
std::string without_empty_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t special = std::min(text.find('"'), text.find("//"));
    append_without_empty_lines(out, text.substr(0, special));
    if (special == std::string_view::npos) break;
    text.remove_prefix(special);
    std::size_t size = 1;
    if (text.front() == '/') {
      size = std::min(text.find_first_of("\r\n"), text.size());
    } else {
      while (size < text.size() && text[size] != '"') size += text[size] == '\\' ? 2 : 1;
      size = std::min(size + 1, text.size());
    }
    out += text.substr(0, size);
    text.remove_prefix(size);
  }
  return std::string(trimmed(out));
}

// All that a text says, but for commas before a bracket and zeros in front of numbers.
std::vector<std::string_view> essence_of(const CommentedTokens& all) {
  std::vector<std::string_view> essence;
  std::size_t comments = all.at_end.size();
  for (std::size_t i = 0; i < all.tokens.size(); ++i) {
    const CommentedToken& token = all.tokens[i];
    comments += token.before.size() + (token.behind.empty() ? 0 : 1);
    std::string_view text = token.token.text;
    if (text == "," && i + 1 < all.tokens.size() &&
        std::string_view(")]}").find(all.tokens[i + 1].token.text) != std::string_view::npos)
      continue;
    while (token.token.is(TokenKind::kNumber) && text.size() > 1 && text.front() == '0')
      text.remove_prefix(1);
    essence.push_back(text);
  }
  // As many empty texts as there are comments.
  essence.insert(essence.end(), comments, std::string_view());
  return essence;
}

}  // namespace

std::expected<std::string, std::vector<Finding>> format_policies(const Source& source,
                                                                 const FormatOptions& options) {
  {
    PolicySet set;
    const Source& kept = set.add_source(Source(source.name(), std::string(source.text())));
    if (auto findings = parse_policies(kept, set); !findings.empty())
      return std::unexpected(std::move(findings));
  }
  CommentedTokens all = read_tokens(source.text());
  const std::vector<std::string_view> before = essence_of(all);
  PolicyFormatter formatter(all.tokens, options);
  std::string out;
  while (!formatter.at_end()) {
    if (!out.empty()) out += "\n\n";
    out += without_empty_lines(formatter.next_policy());
  }
  out += '\n';
  for (const std::string_view comment : all.at_end) out.append(comment) += '\n';
  const CommentedTokens after = read_tokens(out);
  if (formatter.failed() || essence_of(after) != before)
    return std::unexpected(std::vector<Finding>{
        Finding{{}, "the formatter would change what this text says; it is left alone", {}}});
  return out;
}

}  // namespace portcullis::cedar
