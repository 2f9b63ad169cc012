#include "schema/regex_syntax.h"

#include "base/encoding.h"
#include "schema/regex_escapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace portcullis::schema {

namespace {

using Kind = RegexNode::Kind;

RegexNode node(Kind kind) {
  RegexNode made;
  made.kind = kind;
  return made;
}

// The grammar of 22.2.1, one method a production.
class Parser {
 public:
  Parser(std::string_view text, RegexGrammar grammar)
      : in_{text, 0}, lenient_(grammar == RegexGrammar::kLenient) {}

  Result<Regex> parse() {
    PC_TRY(regex_.root, disjunction(0));
    if (!in_.done()) return in_.fail_here("a ')' without its '('");
    PC_CHECK_OK(check_references());
    return std::move(regex_);
  }

 private:
  struct NumberedReference {
    std::uint64_t group;
    std::size_t at;
  };
  struct NamedReference {
    std::string_view name;
    std::size_t at;
  };

  Result<RegexNode> disjunction(std::uint32_t depth) {
    if (depth > kMaxRegexDepth) return in_.fail_here("groups nested too deeply");
    RegexNode choice = node(Kind::kChoice);
    do {
      PC_TRY(RegexNode one, alternative(depth));
      choice.children.push_back(std::move(one));
    } while (in_.take('|'));
    if (choice.children.size() == 1) return std::move(choice.children.front());
    return choice;
  }

  Result<RegexNode> alternative(std::uint32_t depth) {
    RegexNode sequence = node(Kind::kSequence);
    while (!in_.done() && in_.peek() != '|' && in_.peek() != ')') {
      PC_TRY(RegexNode one, term(depth));
      sequence.children.push_back(std::move(one));
    }
    if (sequence.children.empty()) return node(Kind::kEmpty);
    if (sequence.children.size() == 1) return std::move(sequence.children.front());
    return sequence;
  }

  Result<RegexNode> term(std::uint32_t depth) {
    const std::size_t start = in_.at;
    PC_TRY(RegexNode one, atom(depth));
    const std::size_t end = in_.at;
    PC_TRY(const std::optional<Count> count, quantifier());
    if (!count) return one;
    in_.take('?');  // lazy: it changes what is captured and never whether there is a match
    if (is_assertion(one)) {
      return in_.fail_at(end, fmt::format("nothing to repeat: '{}' matches no character",
                                          in_.text.substr(start, end - start)));
    }
    RegexNode repeat = node(Kind::kRepeat);
    repeat.min = count->min;
    repeat.max = count->max;
    repeat.children.push_back(std::move(one));
    return repeat;
  }

  // Asked of what atom() gave; a group around an assertion is no assertion any more, so groups are
  // kept apart where it matters.
  static bool is_assertion(const RegexNode& one) {
    return one.kind == Kind::kStart || one.kind == Kind::kEnd || one.kind == Kind::kWordBoundary ||
           one.kind == Kind::kNotWordBoundary || one.kind == Kind::kLookaround;
  }

  Result<RegexNode> atom(std::uint32_t depth) {
    const char c = in_.peek();
    switch (c) {
      case '^':
        ++in_.at;
        return node(Kind::kStart);
      case '$':
        ++in_.at;
        return node(Kind::kEnd);
      case '.':
        ++in_.at;
        return set(regex_dot());
      case '(':
        return group(depth);
      case '[':
        return character_class();
      case '\\':
        return escape();
      case '*':
      case '+':
      case '?':
        return in_.fail_here(fmt::format("nothing to repeat before '{}'", c));
      case '{':
        if (begins_count()) return in_.fail_here("nothing to repeat before '{'");
        [[fallthrough]];
      case ']':
      case '}':
        if (!lenient_) return in_.fail_here(fmt::format("'{}' alone: write '\\{}'", c, c));
        [[fallthrough]];
      default:
        return literal(next_code_point(in_.text, in_.at));
    }
  }

  static RegexNode literal(char32_t one) {
    RegexNode made = node(Kind::kLiteral);
    made.literal = one;
    return made;
  }

  RegexNode set(CodePointSet ranges) {
    RegexNode made = node(Kind::kSet);
    const auto known = std::ranges::find(regex_.sets, ranges);
    made.index = static_cast<std::uint32_t>(known - regex_.sets.begin());
    if (known == regex_.sets.end()) regex_.sets.push_back(std::move(ranges));
    return made;
  }

  // --- groups ---

  void irregular(const char* what, std::size_t at) {
    if (regex_.irregular != nullptr) return;
    regex_.irregular = what;
    regex_.irregular_at = at;
  }

  Result<RegexNode> group(std::uint32_t depth) {
    const std::size_t start = in_.at++;
    Kind kind = Kind::kSequence;
    const char* look = nullptr;
    if (in_.take("?:")) {
    } else if (in_.take("?=")) {
      look = "lookahead '(?='";
    } else if (in_.take("?!")) {
      look = "negative lookahead '(?!'";
    } else if (in_.take("?<=")) {
      look = "lookbehind '(?<='";
    } else if (in_.take("?<!")) {
      look = "negative lookbehind '(?<!'";
    } else if (in_.take("?<")) {
      PC_TRY(const std::string_view name, group_name());
      if (std::ranges::find(names_, name) != names_.end())
        return in_.fail_at(start, fmt::format("a second group named '{}'", name));
      names_.push_back(name);
      ++groups_;
    } else if (in_.take('?')) {
      return in_.fail_at(start, "'(?' begins no group that ECMA-262 knows");
    } else {
      ++groups_;
    }
    if (look != nullptr) {
      kind = Kind::kLookaround;
      irregular(look, start);
    }
    PC_TRY(RegexNode inner, disjunction(depth + 1));
    if (!in_.take(')')) return in_.fail_at(start, "a '(' without its ')'");
    RegexNode made = node(kind);
    made.children.push_back(std::move(inner));
    return made;
  }

  // Behind `(?<` or `\k<`, up to and with `>`.
  // DEVIATION: of characters beyond ASCII all are taken, not only those of ID_Start and
  // ID_Continue, and escapes are not: names do nothing here but be told apart.
  Result<std::string_view> group_name() {
    const std::size_t start = in_.at;
    while (!in_.done() && in_.peek() != '>') {
      const char c = in_.peek();
      const bool digit = c >= '0' && c <= '9';
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                          c == '$' || static_cast<unsigned char>(c) >= 0x80;
      if (!letter && (!digit || in_.at == start)) return in_.fail_here("not a name of a group");
      ++in_.at;
    }
    const std::string_view name = in_.text.substr(start, in_.at - start);
    if (name.empty()) return in_.fail_here("a group without a name");
    if (!in_.take('>')) return in_.fail_at(start, "a name of a group without its '>'");
    return name;
  }

  Result<void> check_references() {
    for (const NumberedReference& reference : numbered_) {
      if (reference.group > groups_) {
        return in_.fail_at(reference.at,
                           fmt::format("'\\{}' without a group of that number", reference.group));
      }
    }
    for (const NamedReference& reference : named_) {
      if (std::ranges::find(names_, reference.name) == names_.end()) {
        return in_.fail_at(reference.at,
                           fmt::format("'\\k<{}>' without a group of that name", reference.name));
      }
    }
    return {};
  }

  // --- counts ---

  struct Count {
    std::uint32_t min;
    std::uint32_t max;
  };

  [[nodiscard]] bool begins_count() const {
    if (in_.peek() != '{' || in_.at + 1 >= in_.text.size()) return false;
    const char next = in_.text[in_.at + 1];
    return (next >= '0' && next <= '9') || next == ',';
  }

  Result<std::optional<Count>> quantifier() {
    if (in_.take('*')) return Count{0, Regex::kNoLimit};
    if (in_.take('+')) return Count{1, Regex::kNoLimit};
    if (in_.take('?')) return Count{0, 1};
    if (in_.done() || in_.peek() != '{' || (lenient_ && !begins_count())) return std::nullopt;
    const std::size_t start = in_.at++;
    const std::optional<std::uint32_t> min = number();
    if (!min) return in_.fail_at(start, "'{' without a number: a count is {2}, {2,} or {2,5}");
    std::uint32_t max = *min;
    if (in_.take(',')) max = number().value_or(Regex::kNoLimit);
    if (!in_.take('}')) return in_.fail_at(start, "a count without its '}'");
    if (*min > kMaxRegexCount) return in_.fail_at(start, "a count that no text can reach");
    if (max < *min) return in_.fail_at(start, "a count whose numbers are out of order");
    if (max > kMaxRegexCount) max = Regex::kNoLimit;
    return Count{*min, max};
  }

  // Digits as a number, anything beyond kMaxRegexCount as one more than that.
  std::optional<std::uint32_t> number() {
    const std::size_t start = in_.at;
    std::uint64_t value = 0;
    for (; !in_.done() && in_.peek() >= '0' && in_.peek() <= '9'; ++in_.at) {
      value = std::min<std::uint64_t>(value * 10 + static_cast<unsigned>(in_.peek() - '0'),
                                      kMaxRegexCount + 1);
    }
    if (in_.at == start) return std::nullopt;
    return static_cast<std::uint32_t>(value);
  }

  // --- escapes and classes ---

  Result<RegexNode> escape() {
    const std::size_t start = in_.at++;
    if (in_.done()) return in_.fail_at(start, "a '\\' with nothing behind it");
    const char c = in_.peek();
    if (c == 'b' || c == 'B') {
      ++in_.at;
      return node(c == 'b' ? Kind::kWordBoundary : Kind::kNotWordBoundary);
    }
    if (c >= '1' && c <= '9') {
      irregular("back-reference", start);
      numbered_.push_back({*number(), start});
      return node(Kind::kBackReference);
    }
    if (c == 'k') {
      ++in_.at;
      if (!in_.take('<')) return in_.fail_at(start, "'\\k' without a '<name>'");
      irregular("back-reference", start);
      PC_TRY(const std::string_view name, group_name());
      named_.push_back({name, start});
      return node(Kind::kBackReference);
    }
    in_.at = start;
    PC_TRY(RegexEscape escaped, read_regex_escape(in_, RegexPlace::kOutside, lenient_));
    if (escaped.set) return set(*std::move(escaped.set));
    return literal(escaped.literal);
  }

  Result<RegexNode> character_class() {
    const std::size_t start = in_.at++;
    const bool negated = in_.take('^');
    CodePointSet ranges;
    while (!in_.take(']')) {
      if (in_.done()) return in_.fail_at(start, "a '[' without its ']'");
      PC_CHECK_OK(class_range(ranges));
    }
    ranges.normalise();
    if (negated) ranges.complement();
    return set(std::move(ranges));
  }

  Result<RegexEscape> class_atom() {
    if (in_.done()) return in_.fail_here("a '[' without its ']'");
    if (in_.peek() == '\\') return read_regex_escape(in_, RegexPlace::kInClass, lenient_);
    return RegexEscape{next_code_point(in_.text, in_.at), std::nullopt};
  }

  static void add(CodePointSet& ranges, const RegexEscape& one) {
    if (one.set) {
      ranges.add(*one.set);
    } else {
      ranges.add(one.literal);
    }
  }

  Result<void> class_range(CodePointSet& ranges) {
    const std::size_t start = in_.at;
    PC_TRY(const RegexEscape first, class_atom());
    const bool more =
        in_.at + 1 < in_.text.size() && in_.peek() == '-' && in_.text[in_.at + 1] != ']';
    if (!more) {
      add(ranges, first);
      return {};
    }
    ++in_.at;
    PC_TRY(const RegexEscape last, class_atom());
    if (first.set || last.set) {
      if (!lenient_) return in_.fail_at(start, "a range of which one end is a class");
      add(ranges, first);
      ranges.add('-');
      add(ranges, last);
      return {};
    }
    if (first.literal > last.literal) {
      return in_.fail_at(start, fmt::format("the range '{}' is out of order",
                                            in_.text.substr(start, in_.at - start)));
    }
    ranges.add(first.literal, last.literal);
    return {};
  }

  RegexCursor in_;
  bool lenient_;
  Regex regex_;
  std::uint64_t groups_ = 0;
  std::vector<std::string_view> names_;
  std::vector<NumberedReference> numbered_;
  std::vector<NamedReference> named_;
};

}  // namespace

Result<Regex> parse_regex(std::string_view pattern, RegexGrammar grammar) {
  if (pattern.size() > kMaxRegexBytes) {
    return fail(ErrorCode::kBadConfig, fmt::format("longer than {} bytes", kMaxRegexBytes));
  }
  return Parser(pattern, grammar).parse();
}

}  // namespace portcullis::schema
