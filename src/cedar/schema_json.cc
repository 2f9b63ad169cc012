// The JSON syntax of schemas: reading and writing.
//
// Reference: docs.cedarpolicy.com, "JSON schema format". Members that the format does not know are
// refused, as the reference implementation does.
#include "base/result.h"
#include "cedar/lexer.h"
#include "cedar/schema_source.h"
#include "json/value.h"
#include "json/writer.h"

#include <algorithm>
#include <initializer_list>

namespace portcullis::cedar {

namespace {

using Kind = SourceType::Kind;
using Strings = std::initializer_list<std::string_view>;

std::string escaped_for_pointer(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

class SchemaReader {
 public:
  explicit SchemaReader(const SchemaBounds& bounds) : bounds_(bounds) {}

  Parsed<SchemaSource> run(json::Value root) {
    if (!root.is_object()) return wrong("a schema is an object of namespaces");
    SchemaSource schema;
    for (const json::Member member : root.members()) {
      const Step step(*this, member.name);
      PC_TRY(SourceNamespace space, read_namespace(member.name, member.value));
      schema.namespaces.push_back(std::move(space));
    }
    return schema;
  }

 private:
  // Lengthens the pointer as long as it lives.
  class Step {
   public:
    Step(SchemaReader& reader, std::string_view name)
        : reader_(reader), size_(reader.pointer_.size()) {
      reader.pointer_ += "/" + escaped_for_pointer(name);
    }
    Step(SchemaReader& reader, std::size_t index) : Step(reader, std::to_string(index)) {}
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step() { reader_.pointer_.resize(size_); }

   private:
    SchemaReader& reader_;
    std::size_t size_;
  };

  [[nodiscard]] std::unexpected<Finding> wrong(std::string message, std::string help = {}) const {
    return std::unexpected(finding_at(here(), std::move(message), std::move(help)));
  }
  [[nodiscard]] Where here() const { return {{}, pointer_.empty() ? "/" : pointer_}; }

  // Refuses members other than these.
  Parsed<> check_members(json::Value object, Strings known) {
    if (!object.is_object()) return wrong("expected an object");
    for (const json::Member member : object.members()) {
      if (std::ranges::find(known, member.name) != known.end()) continue;
      const Step step(*this, member.name);
      std::string help = "possible here:";
      for (const std::string_view name : known) help += " `" + std::string(name) + "`";
      return wrong("unknown member", std::move(help));
    }
    return {};
  }

  Parsed<json::Value> required(json::Value object, std::string_view name) {
    if (const auto value = object.find(name)) return *value;
    return wrong("the member `" + std::string(name) + "` is missing");
  }

  Parsed<std::string> read_string(json::Value value) {
    const auto text = value.as_string();
    if (!text) return wrong("expected a string");
    return std::string(*text);
  }

  // A name as references to types are written, without blanks.
  Parsed<std::string> read_path(json::Value value) {
    PC_TRY(std::string text, read_string(value));
    if (!is_path(text)) return wrong("`" + text + "` is no name of a type");
    return text;
  }

  Parsed<> check_declared_name(std::string_view name) {
    if (!is_identifier(name) || is_reserved_word(name) || name == "__cedar")
      return wrong("`" + std::string(name) + "` cannot name a type");
    return {};
  }

  // The member `annotations`, if it is there.
  Parsed<Annotations> read_annotations(json::Value object) {
    Annotations annotations;
    const auto found = object.find("annotations");
    if (!found) return annotations;
    const Step step(*this, "annotations");
    if (!found->is_object()) return wrong("expected an object");
    for (const json::Member member : found->members()) {
      const Step inner(*this, member.name);
      if (!is_identifier(member.name)) return wrong("an annotation's name is an identifier");
      std::optional<std::string> value;
      if (!member.value.is_null()) {
        PC_TRY(value, read_string(member.value));
      }
      annotations.emplace_back(member.name, std::move(value));
    }
    return annotations;
  }

  Parsed<SourceNamespace> read_namespace(std::string_view name, json::Value value) {
    SourceNamespace space;
    space.name = name;
    space.where = here();
    if (!name.empty() && !is_path(name)) return wrong("this cannot name a namespace");
    PC_CHECK_OK(check_members(value, {"commonTypes", "entityTypes", "actions", "annotations"}));
    PC_TRY(space.annotations, read_annotations(value));
    if (name.empty() && !space.annotations.empty())
      return wrong("the empty namespace cannot have annotations");
    if (const auto commons = value.find("commonTypes")) {
      const Step step(*this, "commonTypes");
      PC_CHECK_OK(read_common_types(space, *commons));
    }
    PC_TRY(const json::Value entities, required(value, "entityTypes"));
    {
      const Step step(*this, "entityTypes");
      PC_CHECK_OK(read_entities(space, entities));
    }
    PC_TRY(const json::Value actions, required(value, "actions"));
    const Step step(*this, "actions");
    PC_CHECK_OK(read_actions(space, actions));
    return space;
  }

  Parsed<> read_common_types(SourceNamespace& space, json::Value commons) {
    if (!commons.is_object()) return wrong("expected an object");
    for (const json::Member member : commons.members()) {
      const Step step(*this, member.name);
      PC_CHECK_OK(check_declared_name(member.name));
      for (const std::string_view word :
           {"Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String"}) {
        if (member.name == word) return wrong("this is reserved and cannot name a common type");
      }
      SourceCommonType common;
      common.name = member.name;
      common.where = here();
      PC_TRY(common.type, read_type(member.value, {"annotations"}));
      PC_TRY(common.annotations, read_annotations(member.value));
      space.common_types.push_back(std::move(common));
    }
    return {};
  }

  Parsed<> read_entities(SourceNamespace& space, json::Value entities) {
    if (!entities.is_object()) return wrong("expected an object");
    for (const json::Member member : entities.members()) {
      const Step step(*this, member.name);
      PC_CHECK_OK(check_declared_name(member.name));
      PC_TRY(SourceEntity entity, read_entity(member.value));
      entity.name = member.name;
      space.entities.push_back(std::move(entity));
    }
    return {};
  }

  Parsed<SourceEntity> read_entity(json::Value value) {
    SourceEntity entity;
    entity.where = here();
    entity.shape.where = here();
    PC_CHECK_OK(check_members(value, {"memberOfTypes", "shape", "tags", "enum", "annotations"}));
    PC_TRY(entity.annotations, read_annotations(value));
    if (const auto choices = value.find("enum")) {
      for (const std::string_view other : {"memberOfTypes", "shape", "tags"}) {
        if (value.find(other))
          return wrong("an enumerated entity type has no `" + std::string(other) + "`");
      }
      const Step step(*this, "enum");
      PC_TRY(entity.choices, read_list<std::string>(*choices, &SchemaReader::read_string));
      if (entity.choices.empty()) return wrong("an enumerated entity type lists at least one id");
      return entity;
    }
    if (const auto parents = value.find("memberOfTypes")) {
      const Step step(*this, "memberOfTypes");
      PC_TRY(entity.parents, read_list<SourceName>(*parents, &SchemaReader::read_name));
    }
    if (const auto shape = value.find("shape")) {
      const Step step(*this, "shape");
      PC_TRY(entity.shape, read_type(*shape, {}));
    }
    if (const auto tags = value.find("tags")) {
      const Step step(*this, "tags");
      PC_TRY(entity.tags, read_type(*tags, {}));
    }
    return entity;
  }

  template <typename Item, typename Read>
  Parsed<std::vector<Item>> read_list(json::Value value, Read read) {
    if (!value.is_array()) return wrong("expected an array");
    std::vector<Item> items;
    for (const json::Value element : value.elements()) {
      const Step step(*this, items.size());
      PC_TRY(Item item, (this->*read)(element));
      items.push_back(std::move(item));
    }
    return items;
  }

  Parsed<SourceName> read_name(json::Value value) {
    PC_TRY(std::string name, read_path(value));
    return SourceName{std::move(name), here()};
  }

  Parsed<SourceActionName> read_action_name(json::Value value) {
    PC_CHECK_OK(check_members(value, {"id", "type"}));
    SourceActionName name;
    name.where = here();
    PC_TRY(const json::Value id, required(value, "id"));
    PC_TRY(name.id, read_string(id));
    if (const auto type = value.find("type"); type && !type->is_null()) {
      PC_TRY(name.type, read_path(*type));
    }
    return name;
  }

  Parsed<> read_actions(SourceNamespace& space, json::Value actions) {
    if (!actions.is_object()) return wrong("expected an object");
    for (const json::Member member : actions.members()) {
      const Step step(*this, member.name);
      const json::Value value = member.value;
      PC_CHECK_OK(check_members(value, {"attributes", "appliesTo", "memberOf", "annotations"}));
      SourceAction action;
      action.id = member.name;
      action.where = here();
      PC_TRY(action.annotations, read_annotations(value));
      if (const auto attributes = value.find("attributes"); attributes && !attributes->is_null())
        return wrong("actions have no attributes", "remove `attributes`");
      if (const auto parents = value.find("memberOf"); parents && !parents->is_null()) {
        const Step inner(*this, "memberOf");
        PC_TRY(action.parents,
               read_list<SourceActionName>(*parents, &SchemaReader::read_action_name));
      }
      if (const auto applies = value.find("appliesTo"); applies && !applies->is_null()) {
        const Step inner(*this, "appliesTo");
        PC_TRY(action.applies_to, read_applies_to(*applies));
      }
      space.actions.push_back(std::move(action));
    }
    return {};
  }

  Parsed<SourceAppliesTo> read_applies_to(json::Value value) {
    PC_CHECK_OK(check_members(value, {"principalTypes", "resourceTypes", "context"}));
    SourceAppliesTo applies;
    applies.context.where = here();
    PC_TRY(const json::Value principals, required(value, "principalTypes"));
    PC_TRY(const json::Value resources, required(value, "resourceTypes"));
    {
      const Step step(*this, "principalTypes");
      PC_TRY(applies.principals, read_list<SourceName>(principals, &SchemaReader::read_name));
    }
    {
      const Step step(*this, "resourceTypes");
      PC_TRY(applies.resources, read_list<SourceName>(resources, &SchemaReader::read_name));
    }
    if (const auto context = value.find("context")) {
      const Step step(*this, "context");
      PC_TRY(applies.context, read_type(*context, {}));
    }
    return applies;
  }

  struct TypeWord {
    std::string_view word;
    Kind kind;
  };

  // `also` may stand beside what a type has: `required` and `annotations` of an attribute.
  Parsed<SourceType> read_type(json::Value value, Strings also) {
    static constexpr TypeWord kWords[] = {
        {"String", Kind::kString},
        {"Long", Kind::kLong},
        {"Boolean", Kind::kBoolean},
        {"Set", Kind::kSet},
        {"Record", Kind::kRecord},
        {"Entity", Kind::kEntity},
        {"EntityOrCommon", Kind::kEntityOrCommon},
        {"Extension", Kind::kExtension},
    };
    if (depth_ == bounds_.depth)
      return wrong("types are nested deeper than " + std::to_string(bounds_.depth) + " levels");
    if (!value.is_object()) return wrong("a type is an object with the member `type`");
    PC_TRY(const json::Value written, required(value, "type"));
    PC_TRY(const std::string word, read_string(written));
    SourceType type;
    type.where = here();
    const auto* const known = std::ranges::find(kWords, std::string_view(word), &TypeWord::word);
    type.kind = known == std::end(kWords) ? Kind::kCommon : known->kind;
    ++depth_;
    PC_CHECK_OK(read_parts(type, word, value, also));
    --depth_;
    return type;
  }

  Parsed<> read_parts(SourceType& type, const std::string& word, json::Value value, Strings also) {
    std::vector<std::string_view> allowed = {"type"};
    allowed.insert(allowed.end(), also.begin(), also.end());
    switch (type.kind) {
      case Kind::kSet:
        allowed.emplace_back("element");
        break;
      case Kind::kRecord:
        allowed.emplace_back("attributes");
        allowed.emplace_back("additionalAttributes");
        break;
      case Kind::kEntity:
      case Kind::kEntityOrCommon:
      case Kind::kExtension:
        allowed.emplace_back("name");
        break;
      default:
        break;
    }
    for (const json::Member member : value.members()) {
      const Step step(*this, member.name);
      if (std::ranges::find(allowed, member.name) == allowed.end())
        return wrong("a type `" + word + "` has no such member");
    }
    if (type.kind == Kind::kSet) return read_element(type, value);
    if (type.kind == Kind::kRecord) return read_attributes(type, value);
    if (allowed.back() == "name") {
      PC_TRY(const json::Value name, required(value, "name"));
      const Step step(*this, "name");
      PC_TRY(type.name, read_path(name));
    } else if (type.kind == Kind::kCommon) {
      const Step step(*this, "type");
      if (!is_path(word)) return wrong("`" + word + "` is no name of a type");
      type.name = word;
    }
    return {};
  }

  Parsed<> read_element(SourceType& type, json::Value value) {
    PC_TRY(const json::Value element, required(value, "element"));
    const Step step(*this, "element");
    PC_TRY(SourceType inner, read_type(element, {}));
    type.element.push_back(std::move(inner));
    return {};
  }

  Parsed<> read_attributes(SourceType& type, json::Value value) {
    PC_TRY(const json::Value attributes, required(value, "attributes"));
    if (const auto more = value.find("additionalAttributes")) {
      const Step step(*this, "additionalAttributes");
      const auto open = more->as_bool();
      if (!open) return wrong("expected `true` or `false`");
      if (*open) return wrong("records with further attributes are not supported");
    }
    const Step step(*this, "attributes");
    if (!attributes.is_object()) return wrong("expected an object");
    for (const json::Member member : attributes.members()) {
      const Step inner(*this, member.name);
      SourceAttribute attribute;
      attribute.name = member.name;
      attribute.where = here();
      PC_TRY(attribute.type, read_type(member.value, {"required", "annotations"}));
      PC_TRY(attribute.annotations, read_annotations(member.value));
      if (const auto needed = member.value.find("required")) {
        const auto flag = needed->as_bool();
        if (!flag) return wrong("`required` is `true` or `false`");
        attribute.required = *flag;
      }
      type.attributes.push_back(std::move(attribute));
    }
    return {};
  }

  SchemaBounds bounds_;
  std::string pointer_;
  std::uint32_t depth_ = 0;
};

class SchemaJsonWriter {
 public:
  explicit SchemaJsonWriter(std::string& out) : writer_(out) {}

  void write(const SchemaSource& schema) {
    writer_.begin_object();
    for (const SourceNamespace& space : schema.namespaces) {
      writer_.escaped_key(space.name).begin_object();
      if (!space.common_types.empty()) {
        writer_.key("commonTypes").begin_object();
        for (const SourceCommonType& common : space.common_types) {
          writer_.escaped_key(common.name).begin_object();
          write_type_members(common.type);
          write_annotations(common.annotations);
          writer_.end_object();
        }
        writer_.end_object();
      }
      writer_.key("entityTypes").begin_object();
      for (const SourceEntity& entity : space.entities) write_entity(entity);
      writer_.end_object();
      writer_.key("actions").begin_object();
      for (const SourceAction& action : space.actions) write_action(action);
      writer_.end_object();
      write_annotations(space.annotations);
      writer_.end_object();
    }
    writer_.end_object();
  }

 private:
  void write_annotations(const Annotations& annotations) {
    if (annotations.empty()) return;
    writer_.key("annotations").begin_object();
    for (const auto& [name, value] : annotations) {
      writer_.escaped_key(name);
      if (value) {
        writer_.string(*value);
      } else {
        writer_.null();
      }
    }
    writer_.end_object();
  }

  void write_entity(const SourceEntity& entity) {
    writer_.escaped_key(entity.name).begin_object();
    if (!entity.choices.empty()) {
      writer_.key("enum").begin_array();
      for (const std::string& choice : entity.choices) writer_.string(choice);
      writer_.end_array();
    }
    if (!entity.parents.empty()) write_names("memberOfTypes", entity.parents);
    if (entity.shape.kind != Kind::kRecord || !entity.shape.attributes.empty()) {
      writer_.key("shape");
      write_type(entity.shape);
    }
    if (entity.tags) {
      writer_.key("tags");
      write_type(*entity.tags);
    }
    write_annotations(entity.annotations);
    writer_.end_object();
  }

  void write_names(std::string_view key, const std::vector<SourceName>& names) {
    writer_.key(key).begin_array();
    for (const SourceName& name : names) writer_.string(name.name);
    writer_.end_array();
  }

  void write_action(const SourceAction& action) {
    writer_.escaped_key(action.id).begin_object();
    if (action.applies_to) {
      writer_.key("appliesTo").begin_object();
      write_names("resourceTypes", action.applies_to->resources);
      write_names("principalTypes", action.applies_to->principals);
      const SourceType& context = action.applies_to->context;
      if (context.kind != Kind::kRecord || !context.attributes.empty()) {
        writer_.key("context");
        write_type(context);
      }
      writer_.end_object();
    }
    if (!action.parents.empty()) {
      writer_.key("memberOf").begin_array();
      for (const SourceActionName& parent : action.parents) {
        writer_.begin_object().field("id", parent.id);
        if (!parent.type.empty()) writer_.field("type", parent.type);
        writer_.end_object();
      }
      writer_.end_array();
    }
    write_annotations(action.annotations);
    writer_.end_object();
  }

  void write_type(const SourceType& type) {
    writer_.begin_object();
    write_type_members(type);
    writer_.end_object();
  }

  void write_type_members(const SourceType& type) {
    switch (type.kind) {
      case Kind::kString:
        writer_.field("type", "String");
        return;
      case Kind::kLong:
        writer_.field("type", "Long");
        return;
      case Kind::kBoolean:
        writer_.field("type", "Boolean");
        return;
      case Kind::kSet:
        writer_.field("type", "Set").key("element");
        write_type(type.element.front());
        return;
      case Kind::kEntity:
        writer_.field("type", "Entity").field("name", type.name);
        return;
      case Kind::kEntityOrCommon:
        writer_.field("type", "EntityOrCommon").field("name", type.name);
        return;
      case Kind::kExtension:
        writer_.field("type", "Extension").field("name", type.name);
        return;
      case Kind::kCommon:
        writer_.field("type", type.name);
        return;
      case Kind::kRecord:
        break;
    }
    writer_.field("type", "Record").key("attributes").begin_object();
    for (const SourceAttribute& attribute : type.attributes) {
      writer_.escaped_key(attribute.name).begin_object();
      write_type_members(attribute.type);
      write_annotations(attribute.annotations);
      if (!attribute.required) writer_.field("required", false);
      writer_.end_object();
    }
    writer_.end_object();
  }

  json::Writer writer_;
};

}  // namespace

std::expected<SchemaSource, Findings> parse_schema_json(std::string_view text,
                                                        const SchemaBounds& bounds) {
  // A type takes two levels of JSON for each of its own, and six are around it.
  const json::Bounds within{std::min<std::size_t>(bounds.size, 0x7fff'ffff), bounds.depth * 2 + 8};
  const auto document = json::Document::parse(text, within);
  if (!document) {
    return std::unexpected(
        Findings{Finding{{}, "the schema is no JSON: " + document.error().detail, {}}});
  }
  Parsed<SchemaSource> schema = SchemaReader(bounds).run(document->root());
  if (!schema) return std::unexpected(Findings{std::move(schema).error()});
  return *std::move(schema);
}

std::string write_schema_json(const SchemaSource& schema) {
  std::string out;
  SchemaJsonWriter(out).write(schema);
  return out;
}

}  // namespace portcullis::cedar
