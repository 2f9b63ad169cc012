// The human syntax of schemas, by recursive descent; the names of the functions are those of the
// grammar in Cedar's documentation ("Human-readable schema format: grammar").
//
// DEVIATION: an attribute that is declared twice in one record is refused, where the reference
// implementation lets the last one win without a word.
#include "base/result.h"
#include "cedar/escape.h"
#include "cedar/lexer.h"
#include "cedar/schema_source.h"

#include <algorithm>
#include <set>
#include <string>

namespace portcullis::cedar {

namespace {

// Names that would hide what the language itself gives.
bool is_builtin_type_word(std::string_view name) {
  return name == "Bool" || name == "Boolean" || name == "Entity" || name == "Extension" ||
         name == "Long" || name == "Record" || name == "Set" || name == "String";
}

struct Word {
  std::string text;
  Span at;
};

class SchemaParser {
 public:
  SchemaParser(std::string_view text, const SchemaBounds& bounds) : lexer_(text), bounds_(bounds) {}

  Parsed<SchemaSource> run() {
    PC_CHECK_OK(advance());
    while (!token_.is(TokenKind::kEnd)) {
      PC_TRY(Annotations annotations, parse_annotations());
      if (token_.is_word("namespace")) {
        PC_CHECK_OK(parse_namespace(std::move(annotations)));
      } else {
        PC_CHECK_OK(parse_declaration(bare_, std::move(annotations)));
      }
    }
    PC_CHECK_OK(check_names(bare_));
    if (!bare_.common_types.empty() || !bare_.entities.empty() || !bare_.actions.empty())
      schema_.namespaces.push_back(std::move(bare_));
    return std::move(schema_);
  }

 private:
  Parsed<> advance() {
    PC_TRY(const Token next, lexer_.next());
    end_ = token_.span.end;
    token_ = next;
    return {};
  }

  [[nodiscard]] std::unexpected<Finding> unexpected_token(std::string_view wanted,
                                                          std::string help = {}) const {
    return fault(token_.span, "expected " + std::string(wanted) + ", found " + quoted(token_),
                 std::move(help));
  }

  // Takes the token if it is of that kind.
  Parsed<bool> accept(TokenKind kind) {
    if (!token_.is(kind)) return false;
    PC_CHECK_OK(advance());
    return true;
  }
  Parsed<bool> accept_word(std::string_view word) {
    if (!token_.is_word(word)) return false;
    PC_CHECK_OK(advance());
    return true;
  }
  Parsed<> expect(TokenKind kind, std::string help = {}) {
    if (!token_.is(kind)) return unexpected_token(name_of(kind), std::move(help));
    return advance();
  }

  [[nodiscard]] Where since(std::uint32_t begin) const { return {{begin, end_}, {}}; }

  template <typename Declaration>
  Parsed<> check_unique(const std::vector<Declaration>& declarations, std::string_view what,
                        std::string Declaration::* name) {
    std::set<std::string_view> seen;
    for (const Declaration& declaration : declarations) {
      if (!seen.insert(declaration.*name).second)
        return fault(declaration.where.at, "the " + std::string(what) + " `" + declaration.*name +
                                               "` is declared twice in its namespace");
    }
    return {};
  }

  Parsed<> check_names(const SourceNamespace& space) {
    PC_CHECK_OK(check_unique(space.entities, "entity type", &SourceEntity::name));
    PC_CHECK_OK(check_unique(space.actions, "action", &SourceAction::id));
    return check_unique(space.common_types, "type", &SourceCommonType::name);
  }

  // Any identifier, words of the grammar too; not the reserved ones.
  Parsed<Word> parse_ident() {
    if (!token_.is(TokenKind::kIdentifier)) return unexpected_token("an identifier");
    if (is_reserved_word(token_.text))
      return fault(token_.span, "`" + std::string(token_.text) + "` is a reserved word",
                   "choose another name");
    Word word{std::string(token_.text), token_.span};
    PC_CHECK_OK(advance());
    return word;
  }

  Parsed<Word> parse_string() {
    if (!token_.is(TokenKind::kString)) return unexpected_token("a string");
    const Span at = token_.span;
    PC_TRY(std::string text, unescape(token_.text, at));
    PC_CHECK_OK(advance());
    return Word{std::move(text), at};
  }

  Parsed<Word> parse_name() {
    if (token_.is(TokenKind::kString)) return parse_string();
    if (!token_.is(TokenKind::kIdentifier)) return unexpected_token("an identifier or a string");
    return parse_ident();
  }

  Parsed<SourceName> parse_path() {
    const std::uint32_t begin = token_.span.begin;
    PC_TRY(Word first, parse_ident());
    std::string name = std::move(first.text);
    for (;;) {
      PC_TRY(const bool more, accept(TokenKind::kDoubleColon));
      if (!more) break;
      PC_TRY(const Word part, parse_ident());
      name += "::" + part.text;
    }
    return SourceName{std::move(name), since(begin)};
  }

  Parsed<Annotations> parse_annotations() {
    Annotations annotations;
    while (token_.is(TokenKind::kAt)) {
      PC_CHECK_OK(advance());
      if (!token_.is(TokenKind::kIdentifier)) return unexpected_token("the annotation's name");
      const Token key = token_;
      PC_CHECK_OK(advance());
      std::optional<std::string> value;
      PC_TRY(const bool valued, accept(TokenKind::kLeftParen));
      if (valued) {
        PC_TRY(Word text, parse_string());
        value = std::move(text.text);
        PC_CHECK_OK(expect(TokenKind::kRightParen));
      }
      const auto same = [&](const auto& other) { return other.first == key.text; };
      if (std::ranges::any_of(annotations, same))
        return fault(key.span, "the annotation `@" + std::string(key.text) + "` is repeated");
      annotations.emplace_back(key.text, std::move(value));
    }
    return annotations;
  }

  Parsed<> parse_namespace(Annotations annotations) {
    const std::uint32_t begin = token_.span.begin;
    PC_CHECK_OK(advance());
    PC_TRY(const SourceName name, parse_path());
    if (!namespaces_.insert(name.name).second)
      return fault(name.where.at, "the namespace `" + name.name + "` is declared twice",
                   "put the declarations into one");
    PC_CHECK_OK(expect(TokenKind::kLeftBrace));
    SourceNamespace space;
    space.name = name.name;
    space.annotations = std::move(annotations);
    while (!token_.is(TokenKind::kRightBrace)) {
      PC_TRY(Annotations inner, parse_annotations());
      if (token_.is_word("namespace"))
        return fault(token_.span, "a namespace may not be declared within another",
                     "declare it beside, by its whole name");
      PC_CHECK_OK(parse_declaration(space, std::move(inner)));
    }
    PC_CHECK_OK(advance());
    space.where = since(begin);
    PC_CHECK_OK(check_names(space));
    schema_.namespaces.push_back(std::move(space));
    return {};
  }

  Parsed<> parse_declaration(SourceNamespace& space, Annotations annotations) {
    if (token_.is_word("entity")) return parse_entity(space, std::move(annotations));
    if (token_.is_word("action")) return parse_action(space, std::move(annotations));
    if (token_.is_word("type")) return parse_common_type(space, std::move(annotations));
    if (token_.is(TokenKind::kSemicolon) || token_.is(TokenKind::kRightBrace))
      return unexpected_token("a declaration", "only declarations end with `;`");
    return unexpected_token("`entity`, `action`, `type` or `namespace`");
  }

  template <typename Item, typename Parse>
  Parsed<std::vector<Item>> parse_list(Parse parse) {
    std::vector<Item> items;
    for (;;) {
      PC_TRY(Item item, (this->*parse)());
      items.push_back(std::move(item));
      PC_TRY(const bool more, accept(TokenKind::kComma));
      if (!more) return items;
    }
  }

  // One path, or any number of them in brackets.
  Parsed<std::vector<SourceName>> parse_entity_types() {
    PC_TRY(const bool many, accept(TokenKind::kLeftBracket));
    if (!many) {
      PC_TRY(SourceName one, parse_path());
      std::vector<SourceName> names;
      names.push_back(std::move(one));
      return names;
    }
    PC_TRY(const bool none, accept(TokenKind::kRightBracket));
    if (none) return std::vector<SourceName>{};
    PC_TRY(auto names, parse_list<SourceName>(&SchemaParser::parse_path));
    PC_CHECK_OK(expect(TokenKind::kRightBracket));
    return names;
  }

  Parsed<> parse_entity(SourceNamespace& space, Annotations annotations) {
    PC_CHECK_OK(advance());
    PC_TRY(const auto names, parse_list<Word>(&SchemaParser::parse_ident));
    SourceEntity entity;
    entity.annotations = std::move(annotations);
    if (token_.is_word("enum")) {
      PC_CHECK_OK(parse_choices(entity));
    } else {
      PC_CHECK_OK(parse_entity_body(entity));
    }
    PC_CHECK_OK(expect(TokenKind::kSemicolon));
    for (const Word& name : names) {
      if (name.text == "__cedar") return fault(name.at, "`__cedar` is reserved");
      SourceEntity& one = space.entities.emplace_back(entity);
      one.name = name.text;
      one.where = {name.at, {}};
    }
    return {};
  }

  Parsed<> parse_choices(SourceEntity& entity) {
    PC_CHECK_OK(advance());
    PC_CHECK_OK(expect(TokenKind::kLeftBracket));
    PC_TRY(const auto choices, parse_list<Word>(&SchemaParser::parse_string));
    for (const Word& choice : choices) entity.choices.push_back(choice.text);
    return expect(TokenKind::kRightBracket);
  }

  Parsed<> parse_entity_body(SourceEntity& entity) {
    PC_TRY(const bool member, accept_word("in"));
    if (member) {
      PC_TRY(entity.parents, parse_entity_types());
    }
    PC_TRY(const bool assigned, accept(TokenKind::kAssign));
    entity.shape.where = {token_.span, {}};
    if (assigned || token_.is(TokenKind::kLeftBrace)) {
      if (!token_.is(TokenKind::kLeftBrace))
        return unexpected_token("`{`", "the attributes of an entity type are written out");
      PC_TRY(entity.shape, parse_record());
    }
    PC_TRY(const bool tagged, accept_word("tags"));
    if (tagged) {
      PC_TRY(entity.tags, parse_type());
    }
    return {};
  }

  Parsed<SourceType> parse_type() {
    if (token_.is(TokenKind::kLeftBrace)) return parse_record();
    const std::uint32_t begin = token_.span.begin;
    const bool set = token_.is_word("Set");
    PC_TRY(SourceName path, parse_path());
    SourceType type;
    if (set && path.name == "Set" && token_.is(TokenKind::kLess)) {
      PC_CHECK_OK(enter());
      PC_CHECK_OK(advance());
      type.kind = SourceType::Kind::kSet;
      PC_TRY(SourceType element, parse_type());
      type.element.push_back(std::move(element));
      PC_CHECK_OK(expect(TokenKind::kGreater));
      --depth_;
    } else {
      type.kind = SourceType::Kind::kEntityOrCommon;
      type.name = std::move(path.name);
    }
    type.where = since(begin);
    return type;
  }

  Parsed<> enter() {
    if (++depth_ > bounds_.depth)
      return fault(token_.span,
                   "types are nested deeper than " + std::to_string(bounds_.depth) + " levels");
    return {};
  }

  Parsed<SourceType> parse_record() {
    const std::uint32_t begin = token_.span.begin;
    PC_CHECK_OK(enter());
    PC_CHECK_OK(advance());
    SourceType record;
    std::vector<std::string_view> seen;
    while (!token_.is(TokenKind::kRightBrace)) {
      PC_TRY(SourceAttribute attribute, parse_attribute());
      record.attributes.push_back(std::move(attribute));
      PC_TRY(const bool more, accept(TokenKind::kComma));
      if (!more && !token_.is(TokenKind::kRightBrace)) return unexpected_token("`,` or `}`");
    }
    PC_CHECK_OK(advance());
    --depth_;
    record.where = since(begin);
    for (const SourceAttribute& attribute : record.attributes) seen.push_back(attribute.name);
    std::ranges::sort(seen);
    if (const auto twice = std::ranges::adjacent_find(seen); twice != seen.end())
      return fault(record.where.at,
                   "the attribute `" + std::string(*twice) + "` is declared twice");
    return record;
  }

  Parsed<SourceAttribute> parse_attribute() {
    SourceAttribute attribute;
    PC_TRY(attribute.annotations, parse_annotations());
    PC_TRY(Word name, parse_name());
    attribute.name = std::move(name.text);
    attribute.where = {name.at, {}};
    PC_TRY(const bool optional, accept(TokenKind::kQuestion));
    attribute.required = !optional;
    PC_CHECK_OK(expect(TokenKind::kColon));
    PC_TRY(attribute.type, parse_type());
    return attribute;
  }

  // `A::B::"id"` or a name, which is an action of this namespace.
  Parsed<SourceActionName> parse_action_reference() {
    const std::uint32_t begin = token_.span.begin;
    PC_TRY(Word last, parse_name());
    std::string type;
    while (token_.is(TokenKind::kDoubleColon)) {
      PC_CHECK_OK(advance());
      type += (type.empty() ? "" : "::") + last.text;
      const bool text = token_.is(TokenKind::kString);
      PC_TRY(last, parse_name());
      if (text) break;
      if (!token_.is(TokenKind::kDoubleColon))
        return unexpected_token("`::`", "an action is named by its type and a string");
    }
    return SourceActionName{std::move(type), std::move(last.text), since(begin)};
  }

  Parsed<> parse_action(SourceNamespace& space, Annotations annotations) {
    PC_CHECK_OK(advance());
    PC_TRY(const auto names, parse_list<Word>(&SchemaParser::parse_name));
    SourceAction action;
    action.annotations = std::move(annotations);
    PC_TRY(const bool member, accept_word("in"));
    if (member) {
      PC_TRY(const bool many, accept(TokenKind::kLeftBracket));
      PC_TRY(action.parents, parse_list<SourceActionName>(&SchemaParser::parse_action_reference));
      if (!many && action.parents.size() > 1)
        return fault(action.parents[1].where.at, "several actions are written in brackets");
      if (many) PC_CHECK_OK(expect(TokenKind::kRightBracket));
    }
    // Without it the action applies to nothing, which the JSON syntax says by empty lists.
    action.applies_to.emplace();
    PC_TRY(const bool applies, accept_word("appliesTo"));
    if (applies) {
      PC_CHECK_OK(parse_applies_to(action, names.front()));
    } else if (token_.is(TokenKind::kLeftBrace)) {
      return unexpected_token("`appliesTo` or `;`", "write `appliesTo` before the block");
    }
    PC_TRY(const bool attributes, accept_word("attributes"));
    if (attributes) {
      PC_CHECK_OK(expect(TokenKind::kLeftBrace));
      PC_CHECK_OK(expect(TokenKind::kRightBrace, "actions have no attributes"));
    }
    PC_CHECK_OK(expect(TokenKind::kSemicolon));
    for (const Word& name : names) {
      SourceAction& one = space.actions.emplace_back(action);
      one.id = name.text;
      one.where = {name.at, {}};
    }
    return {};
  }

  Parsed<> parse_applies_to(SourceAction& action, const Word& name) {
    PC_CHECK_OK(expect(TokenKind::kLeftBrace));
    SourceAppliesTo applies;
    bool principal = false;
    bool resource = false;
    bool context = false;
    do {
      const Token key = token_;
      bool* const seen = key.is_word("principal")  ? &principal
                         : key.is_word("resource") ? &resource
                         : key.is_word("context")  ? &context
                                                   : nullptr;
      if (seen == nullptr) return unexpected_token("`principal`, `resource` or `context`");
      if (*seen) return fault(key.span, "`" + std::string(key.text) + "` is repeated");
      *seen = true;
      PC_CHECK_OK(advance());
      PC_CHECK_OK(expect(TokenKind::kColon));
      PC_CHECK_OK(parse_applies_to_value(applies, key));
      PC_TRY(const bool more, accept(TokenKind::kComma));
      if (!more && !token_.is(TokenKind::kRightBrace)) return unexpected_token("`,` or `}`");
    } while (!token_.is(TokenKind::kRightBrace));
    PC_CHECK_OK(advance());
    if (!principal || !resource)
      return fault(
          name.at,
          "the action `" + name.text + "` says no " + (principal ? "resource" : "principal"),
          "say both, or leave `appliesTo` out");
    action.applies_to = std::move(applies);
    return {};
  }

  Parsed<> parse_applies_to_value(SourceAppliesTo& applies, const Token& key) {
    if (key.text != "context") {
      auto& types = key.text == "principal" ? applies.principals : applies.resources;
      PC_TRY(types, parse_entity_types());
      if (types.empty())
        return fault(key.span, "`" + std::string(key.text) + "` lists no entity type",
                     "leave `appliesTo` out for an action that applies to nothing");
      return {};
    }
    if (token_.is(TokenKind::kLeftBrace)) {
      PC_TRY(applies.context, parse_record());
      return {};
    }
    PC_TRY(SourceName path, parse_path());
    applies.context.kind = SourceType::Kind::kCommon;
    applies.context.name = std::move(path.name);
    applies.context.where = std::move(path.where);
    return {};
  }

  Parsed<> parse_common_type(SourceNamespace& space, Annotations annotations) {
    PC_CHECK_OK(advance());
    PC_TRY(const Word name, parse_ident());
    if (name.text == "__cedar" || is_builtin_type_word(name.text))
      return fault(name.at, "`" + name.text + "` is reserved and cannot name a common type");
    PC_CHECK_OK(expect(TokenKind::kAssign));
    SourceCommonType common;
    common.name = name.text;
    common.annotations = std::move(annotations);
    common.where = {name.at, {}};
    PC_TRY(common.type, parse_type());
    PC_CHECK_OK(expect(TokenKind::kSemicolon));
    space.common_types.push_back(std::move(common));
    return {};
  }

  Lexer lexer_;
  SchemaBounds bounds_;
  Token token_;
  std::uint32_t end_ = 0;    // of the token before
  std::uint32_t depth_ = 0;  // sets and records that are open
  SchemaSource schema_;
  SourceNamespace bare_;  // what is declared outside of any namespace
  std::set<std::string> namespaces_;
};

}  // namespace

std::expected<SchemaSource, Findings> parse_schema_text(std::string_view text,
                                                        const SchemaBounds& bounds) {
  if (text.size() > std::min(bounds.size, kMaxSourceBytes))
    return std::unexpected(Findings{
        Finding{{}, "the schema is larger than " + std::to_string(bounds.size) + " bytes", {}}});
  if (Parsed<> utf8 = check_utf8(text); !utf8)
    return std::unexpected(Findings{std::move(utf8).error()});
  Parsed<SchemaSource> schema = SchemaParser(text, bounds).run();
  if (!schema) return std::unexpected(Findings{std::move(schema).error()});
  return *std::move(schema);
}

}  // namespace portcullis::cedar
