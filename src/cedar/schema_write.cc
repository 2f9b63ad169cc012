// Schemas in the human syntax.
#include "cedar/escape.h"
#include "cedar/lexer.h"
#include "cedar/schema_source.h"

#include <set>

namespace portcullis::cedar {

namespace {

using Kind = SourceType::Kind;

class SchemaTextWriter {
 public:
  explicit SchemaTextWriter(std::string& out) : out_(out) {}

  void write(const SourceNamespace& space) {
    if (space.name.empty()) {
      write_declarations(space);
      return;
    }
    write_annotations(space.annotations);
    out_ += "namespace " + space.name + " {\n";
    indent_ += 2;
    write_declarations(space);
    indent_ -= 2;
    out_ += "}\n";
  }

 private:
  void begin_line() { out_.append(indent_, ' '); }

  void write_annotations(const Annotations& annotations) {
    for (const auto& [name, value] : annotations) {
      begin_line();
      out_ += "@" + name;
      if (value) out_ += "(" + escaped(*value) + ")";
      out_ += '\n';
    }
  }

  void separate() {
    if (!first_) out_ += '\n';
    first_ = false;
  }

  void write_declarations(const SourceNamespace& space) {
    first_ = true;
    for (const SourceCommonType& common : space.common_types) {
      separate();
      write_annotations(common.annotations);
      begin_line();
      out_ += "type " + common.name + " = ";
      write_type(common.type);
      out_ += ";\n";
    }
    for (const SourceEntity& entity : space.entities) {
      separate();
      write_annotations(entity.annotations);
      begin_line();
      write_entity(entity);
    }
    for (const SourceAction& action : space.actions) {
      separate();
      write_annotations(action.annotations);
      begin_line();
      write_action(action);
    }
  }

  void write_names(const std::vector<SourceName>& names) {
    out_ += '[';
    for (std::size_t i = 0; i < names.size(); ++i) out_.append(i == 0 ? "" : ", ") += names[i].name;
    out_ += ']';
  }

  void write_entity(const SourceEntity& entity) {
    out_ += "entity " + entity.name;
    if (!entity.choices.empty()) {
      out_ += " enum [";
      for (std::size_t i = 0; i < entity.choices.size(); ++i) {
        if (i != 0) out_ += ", ";
        append_escaped(out_, entity.choices[i]);
      }
      out_ += ']';
    }
    if (!entity.parents.empty()) {
      out_ += " in ";
      write_names(entity.parents);
    }
    if (!entity.shape.attributes.empty()) {
      out_ += " = ";
      write_type(entity.shape);
    }
    if (entity.tags) {
      out_ += " tags ";
      write_type(*entity.tags);
    }
    out_ += ";\n";
  }

  void write_action(const SourceAction& action) {
    out_ += "action ";
    append_escaped(out_, action.id);
    if (!action.parents.empty()) {
      out_ += " in [";
      for (std::size_t i = 0; i < action.parents.size(); ++i) {
        if (i != 0) out_ += ", ";
        const SourceActionName& parent = action.parents[i];
        if (!parent.type.empty()) out_ += parent.type + "::";
        append_escaped(out_, parent.id);
      }
      out_ += ']';
    }
    // An action that applies to no principal or no resource applies to nothing.
    if (action.applies_to && !action.applies_to->principals.empty() &&
        !action.applies_to->resources.empty())
      write_applies_to(*action.applies_to);
    out_ += ";\n";
  }

  void write_applies_to(const SourceAppliesTo& applies) {
    out_ += " appliesTo {\n";
    indent_ += 2;
    begin_line();
    out_ += "principal: ";
    write_names(applies.principals);
    out_ += ",\n";
    begin_line();
    out_ += "resource: ";
    write_names(applies.resources);
    out_ += ",\n";
    begin_line();
    out_ += "context: ";
    write_type(applies.context);
    out_ += '\n';
    indent_ -= 2;
    begin_line();
    out_ += '}';
  }

  void write_type(const SourceType& type) {
    switch (type.kind) {
      case Kind::kString:
        out_ += "__cedar::String";
        return;
      case Kind::kLong:
        out_ += "__cedar::Long";
        return;
      case Kind::kBoolean:
        out_ += "__cedar::Bool";
        return;
      case Kind::kExtension:
        out_ += "__cedar::" + type.name;
        return;
      case Kind::kSet:
        out_ += "Set<";
        write_type(type.element.front());
        out_ += '>';
        return;
      case Kind::kEntity:
      case Kind::kEntityOrCommon:
      case Kind::kCommon:
        out_ += type.name;
        return;
      case Kind::kRecord:
        write_record(type);
        return;
    }
  }

  void write_record(const SourceType& type) {
    if (type.attributes.empty()) {
      out_ += "{}";
      return;
    }
    out_ += "{\n";
    indent_ += 2;
    for (const SourceAttribute& attribute : type.attributes) {
      write_annotations(attribute.annotations);
      begin_line();
      if (is_identifier(attribute.name) && !is_reserved_word(attribute.name)) {
        out_ += attribute.name;
      } else {
        append_escaped(out_, attribute.name);
      }
      out_ += attribute.required ? ": " : "?: ";
      write_type(attribute.type);
      out_ += ",\n";
    }
    out_.erase(out_.size() - 2, 1);  // no comma behind the last one
    indent_ -= 2;
    begin_line();
    out_ += '}';
  }

  std::string& out_;
  std::size_t indent_ = 0;
  bool first_ = true;
};

}  // namespace

std::expected<std::string, Findings> write_schema_text(const SchemaSource& schema) {
  Findings findings;
  for (const SourceNamespace& space : schema.namespaces) {
    std::set<std::string_view> commons;
    for (const SourceCommonType& common : space.common_types) commons.insert(common.name);
    for (const SourceEntity& entity : space.entities) {
      if (entity.shape.kind != Kind::kRecord)
        findings.push_back(finding_at(
            entity.where, "the shape of `" + entity.name + "` is not written out as a record",
            "the human syntax has no way to say this"));
      if (commons.contains(entity.name))
        findings.push_back(
            finding_at(entity.where, "`" + entity.name + "` is an entity type and a common type",
                       "in the human syntax the name would mean the common type everywhere"));
    }
  }
  if (!findings.empty()) return std::unexpected(std::move(findings));
  std::string out;
  SchemaTextWriter writer(out);
  for (const SourceNamespace& space : schema.namespaces) {
    if (!out.empty()) out += '\n';
    writer.write(space);
  }
  return out;
}

}  // namespace portcullis::cedar
