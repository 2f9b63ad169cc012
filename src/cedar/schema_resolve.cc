// From what a schema says to what it means: names are looked up (in their own namespace, then in
// the empty one), common types are expanded, hierarchies are closed.
//
// The order of looking up and the ban on shadowing are those of RFC 24 and RFC 70 of Cedar's
// proposals, which its documentation describes under "Schema format: resolving names".
#include "cedar/lexer.h"
#include "cedar/schema.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace portcullis::cedar {

namespace {

constexpr std::array<std::string_view, 3> kPrimitives = {"Bool", "Long", "String"};
constexpr std::array<std::string_view, 4> kExtensions = {"datetime", "decimal", "duration",
                                                         "ipaddr"};
constexpr std::string_view kBuiltin = "__cedar::";

// Sets, records and common types that are within each other.
constexpr std::uint32_t kMaxDepth = 1000;
// Pairs of ancestor and descendant that are kept.
constexpr std::size_t kMaxClosure = 4'000'000;

std::string qualified(std::string_view space, std::string_view name) {
  return space.empty() ? std::string(name) : std::string(space) + "::" + std::string(name);
}

std::string_view last_part(std::string_view name) {
  const std::size_t colons = name.rfind("::");
  return colons == std::string_view::npos ? name : name.substr(colons + 2);
}

bool names_reserved(std::string_view name) {
  return name == "__cedar" || name.starts_with(kBuiltin) || name.ends_with("::__cedar") ||
         name.find("::__cedar::") != std::string_view::npos;
}

// Everything that can be reached from each node, itself excluded unless it is on a cycle. Empty
// when there is more of it than is kept.
template <typename Name>
std::optional<std::map<Name, std::set<Name>>> closure_of(
    const std::map<Name, std::vector<Name>>& edges) {
  std::map<Name, std::set<Name>> reached;
  std::size_t total = 0;
  for (const auto& [from, next] : edges) {
    std::set<Name>& seen = reached[from];
    std::vector<Name> open = next;
    while (!open.empty()) {
      Name at = std::move(open.back());
      open.pop_back();
      if (!seen.insert(at).second) continue;
      if (++total > kMaxClosure) return std::nullopt;
      if (const auto more = edges.find(at); more != edges.end())
        open.insert(open.end(), more->second.begin(), more->second.end());
    }
  }
  return reached;
}

}  // namespace

class SchemaResolver {
 public:
  explicit SchemaResolver(const SchemaSource& source) : source_(source) {}

  std::expected<Schema, Findings> run() {
    for (const SourceNamespace& space : source_.namespaces) collect(space);
    check_shadowing();
    if (!findings_.empty()) return std::unexpected(std::move(findings_));
    for (const std::string_view name : kPrimitives) add_builtin(name);
    for (const std::string_view name : kExtensions) add_builtin(name);
    for (const SourceNamespace& space : source_.namespaces) {
      for (const SourceCommonType& common : space.common_types)
        (void)expand_common(qualified(space.name, common.name), common.where);
      for (const SourceEntity& entity : space.entities) resolve_entity(space.name, entity);
      for (const SourceAction& action : space.actions) resolve_action(space.name, action);
    }
    if (findings_.empty()) close_entities();
    if (findings_.empty()) close_actions();
    if (!findings_.empty()) return std::unexpected(std::move(findings_));
    return std::move(schema_);
  }

 private:
  struct Common {
    std::string_view space;
    const SourceCommonType* source = nullptr;  // nullptr: `builtin` it is
    std::string builtin;
    TypeRef type = nullptr;
    enum class State : std::uint8_t { kNew, kOpen, kDone } state = State::kNew;
  };

  void say(const Where& where, std::string message, std::string help = {}) {
    if (findings_.size() < kMaxFindings)
      findings_.push_back(finding_at(where, std::move(message), std::move(help)));
  }

  void collect(const SourceNamespace& space) {
    if (names_reserved(space.name))
      say(space.where, "the namespace `" + space.name + "` is reserved");
    for (const SourceEntity& entity : space.entities) {
      if (entity.name == "Action")
        say(entity.where, "an entity type may not be called `Action`",
            "actions are declared with `action`; their type comes with them");
      entities_.emplace(qualified(space.name, entity.name), &entity.where);
    }
    for (const SourceCommonType& common : space.common_types) {
      Common& one = commons_[qualified(space.name, common.name)];
      one.space = space.name;
      one.source = &common;
    }
    for (const SourceAction& action : space.actions)
      actions_.emplace(ActionName{qualified(space.name, "Action"), action.id}, &action.where);
    if (!space.actions.empty()) schema_.action_types_.push_back(qualified(space.name, "Action"));
    std::ranges::sort(schema_.action_types_);
  }

  // A name of the empty namespace may not be hidden by one of a namespace: which of them a policy
  // means would depend on where it is read.
  void check_shadowing() {
    std::unordered_map<std::string_view, const std::string*> bare;
    const auto note = [&](const auto& names) {
      for (const auto& entry : names) {
        if (entry.first.find("::") == std::string::npos) bare.emplace(entry.first, &entry.first);
      }
    };
    note(entities_);
    note(commons_);
    const auto check = [&](const std::string& name, const Where& where) {
      if (name.find("::") == std::string::npos || !bare.contains(last_part(name))) return;
      say(where,
          "`" + name + "` hides `" + std::string(last_part(name)) +
              "`, which is declared outside of any namespace",
          "rename one of them");
    };
    for (const auto& [name, where] : entities_) check(name, *where);
    for (const auto& [name, common] : commons_) check(name, common.source->where);
    std::set<std::string_view> ids;
    for (const auto& [name, where] : actions_) {
      if (name.type == "Action") ids.insert(name.id);
    }
    for (const auto& [name, where] : actions_) {
      if (name.type != "Action" && ids.contains(name.id))
        say(*where,
            "the action `" + to_string(name) + "` hides `" +
                to_string(ActionName{"Action", name.id}) + "`",
            "rename one of them");
    }
  }

  void add_builtin(std::string_view name) {
    Common builtin;
    builtin.builtin = name;
    commons_.emplace(std::string(kBuiltin) + std::string(name), builtin);
    const std::string bare(name);
    if (!entities_.contains(bare)) commons_.emplace(bare, builtin);
  }

  [[nodiscard]] static std::vector<std::string> candidates(std::string_view space,
                                                           std::string_view name) {
    std::vector<std::string> all;
    if (!space.empty() && name.find("::") == std::string_view::npos)
      all.push_back(qualified(space, name));
    all.emplace_back(name);
    return all;
  }

  [[nodiscard]] bool is_entity(const std::string& name) const {
    return entities_.contains(name) || schema_.is_action_type(name);
  }

  // For suggestions; empty when there is no room for another finding.
  [[nodiscard]] std::vector<std::string> known_names(bool entities, bool commons) const {
    std::vector<std::string> names;
    if (findings_.size() >= kMaxFindings) return names;
    if (entities) {
      for (const auto& [name, where] : entities_) names.push_back(name);
    }
    if (commons) {
      for (const auto& [name, common] : commons_) {
        if (!name.starts_with(kBuiltin)) names.push_back(name);
      }
    }
    return names;
  }

  void say_unknown(std::string_view space, std::string_view name, std::string_view what,
                   const std::vector<std::string>& known, const Where& where) {
    if (findings_.size() >= kMaxFindings) return;
    std::string help = did_you_mean(name, known);
    if (help.empty()) help = did_you_mean(qualified(space, name), known);
    say(where, "`" + std::string(name) + "` is no " + std::string(what), std::move(help));
  }

  // The declared entity type that is meant; empty when there is none, which is reported.
  std::string entity_named(std::string_view space, const SourceName& name) {
    for (std::string& candidate : candidates(space, name.name)) {
      if (is_entity(candidate) && !schema_.is_action_type(candidate)) return std::move(candidate);
      if (is_entity(candidate)) break;
    }
    say_unknown(space, name.name, "entity type", known_names(true, false), name.where);
    return {};
  }

  TypeRef named_type(std::string_view space, const SourceType& type, bool entity, bool common) {
    for (const std::string& candidate : candidates(space, type.name)) {
      if (common && commons_.contains(candidate)) return expand_common(candidate, type.where);
      if (entity && is_entity(candidate)) return schema_.types_->entity(candidate);
    }
    const std::string_view what = entity && common ? "entity type or common type"
                                  : entity         ? "entity type"
                                                   : "common type";
    say_unknown(space, type.name, what, known_names(entity, common), type.where);
    return nullptr;
  }

  // nullptr when it cannot be made, which is reported.
  TypeRef type_of(std::string_view space, const SourceType& type) {
    if (depth_ == kMaxDepth) {
      say(type.where, "types are nested deeper than " + std::to_string(kMaxDepth) + " levels");
      return nullptr;
    }
    ++depth_;
    const TypeRef made = make_type(space, type);
    --depth_;
    return made;
  }

  TypeRef make_type(std::string_view space, const SourceType& type) {
    TypePool& pool = *schema_.types_;
    switch (type.kind) {
      case SourceType::Kind::kString:
        return pool.simple(Type::Kind::kString);
      case SourceType::Kind::kLong:
        return pool.simple(Type::Kind::kLong);
      case SourceType::Kind::kBoolean:
        return pool.simple(Type::Kind::kBool);
      case SourceType::Kind::kSet: {
        const TypeRef element = type_of(space, type.element.front());
        return element == nullptr ? nullptr : pool.set_of(element);
      }
      case SourceType::Kind::kRecord: {
        std::vector<AttributeType> attributes;
        for (const SourceAttribute& attribute : type.attributes)
          attributes.push_back(
              {attribute.name, type_of(space, attribute.type), attribute.required});
        if (std::ranges::find(attributes, nullptr, &AttributeType::type) != attributes.end())
          return nullptr;
        return pool.record(std::move(attributes));
      }
      case SourceType::Kind::kEntity:
        return named_type(space, type, true, false);
      case SourceType::Kind::kEntityOrCommon:
        return named_type(space, type, true, true);
      case SourceType::Kind::kCommon:
        return named_type(space, type, false, true);
      case SourceType::Kind::kExtension:
        if (std::ranges::find(kExtensions, type.name) != kExtensions.end())
          return pool.extension(type.name);
        say(type.where, "`" + type.name + "` is no extension type",
            "they are `datetime`, `decimal`, `duration` and `ipaddr`");
        return nullptr;
    }
    return nullptr;
  }

  TypeRef expand_common(const std::string& name, const Where& where) {
    Common& common = commons_.at(name);
    if (common.state == Common::State::kDone) return common.type;
    if (common.source == nullptr) {
      common.state = Common::State::kDone;
      const bool extension = std::ranges::find(kExtensions, common.builtin) != kExtensions.end();
      common.type = extension                  ? schema_.types_->extension(common.builtin)
                    : common.builtin == "Bool" ? schema_.types_->simple(Type::Kind::kBool)
                    : common.builtin == "Long" ? schema_.types_->simple(Type::Kind::kLong)
                                               : schema_.types_->simple(Type::Kind::kString);
      return common.type;
    }
    if (common.state == Common::State::kOpen) {
      say(where, "the type `" + name + "` is part of itself", "break the cycle of common types");
      return nullptr;
    }
    common.state = Common::State::kOpen;
    common.type = type_of(common.space, common.source->type);
    common.state = Common::State::kDone;
    return common.type;
  }

  void resolve_entity(std::string_view space, const SourceEntity& source) {
    SchemaEntity entity;
    entity.name = qualified(space, source.name);
    entity.annotations = source.annotations;
    entity.choices = source.choices;
    std::ranges::sort(entity.choices);
    const auto same = std::ranges::unique(entity.choices);
    entity.choices.erase(same.begin(), same.end());
    for (const SourceName& parent : source.parents) {
      if (std::string name = entity_named(space, parent); !name.empty())
        entity.parents.push_back(std::move(name));
    }
    std::ranges::sort(entity.parents);
    entity.shape = type_of(space, source.shape);
    if (entity.shape != nullptr && !entity.shape->is(Type::Kind::kRecord))
      say(source.shape.where, "the shape of `" + entity.name + "` is no record");
    if (source.tags) entity.tags = type_of(space, *source.tags);
    std::string name = entity.name;
    schema_.entities_.emplace(std::move(name), std::move(entity));
  }

  void resolve_action(std::string_view space, const SourceAction& source) {
    SchemaAction action;
    action.name = {qualified(space, "Action"), source.id};
    action.annotations = source.annotations;
    action.context = schema_.types_->record({});
    if (source.applies_to) {
      const auto add = [&](const std::vector<SourceName>& from, std::vector<std::string>& to) {
        for (const SourceName& one : from) {
          if (std::string name = entity_named(space, one); !name.empty())
            to.push_back(std::move(name));
        }
        std::ranges::sort(to);
        const auto same = std::ranges::unique(to);
        to.erase(same.begin(), same.end());
      };
      add(source.applies_to->principals, action.principals);
      add(source.applies_to->resources, action.resources);
      action.context = type_of(space, source.applies_to->context);
      if (action.context != nullptr && !action.context->is(Type::Kind::kRecord))
        say(source.applies_to->context.where,
            "the context of `" + to_string(action.name) + "` is no record");
    }
    for (const SourceActionName& parent : source.parents) {
      bool found = false;
      for (const std::string& type :
           candidates(space, parent.type.empty() ? "Action" : parent.type)) {
        ActionName name{type, parent.id};
        found = actions_.contains(name);
        if (!found) continue;
        action.parents.push_back(std::move(name));
        break;
      }
      if (!found) say_unknown_action(space, parent);
    }
    std::ranges::sort(action.parents);
    ActionName name = action.name;
    schema_.actions_.emplace(std::move(name), std::move(action));
  }

  void say_unknown_action(std::string_view space, const SourceActionName& parent) {
    if (findings_.size() >= kMaxFindings) return;
    std::vector<std::string> known;
    for (const auto& [name, where] : actions_) known.push_back(to_string(name));
    const ActionName meant{parent.type.empty() ? qualified(space, "Action") : parent.type,
                           parent.id};
    say(parent.where, "`" + to_string(meant) + "` is no action of the schema",
        did_you_mean(to_string(meant), known));
  }

  void close_entities() {
    std::map<std::string, std::vector<std::string>> children;
    for (const auto& [name, entity] : schema_.entities_) {
      for (const std::string& parent : entity.parents) children[parent].push_back(name);
    }
    const auto reached = closure_of(children);
    if (!reached) {
      say({}, "the hierarchy of entity types is too large");
      return;
    }
    for (const auto& [name, below] : *reached)
      schema_.entities_.at(name).descendants.assign(below.begin(), below.end());
  }

  void close_actions() {
    std::map<ActionName, std::vector<ActionName>> parents;
    for (const auto& [name, action] : schema_.actions_) {
      if (!action.parents.empty()) parents.emplace(name, action.parents);
    }
    const auto reached = closure_of(parents);
    if (!reached) {
      say({}, "the hierarchy of actions is too large");
      return;
    }
    for (const auto& [name, above] : *reached) {
      if (above.contains(name)) {
        say(*actions_.at(name), "the action `" + to_string(name) + "` is a member of itself",
            "break the cycle of `in`");
        continue;
      }
      schema_.actions_.at(name).ancestors.assign(above.begin(), above.end());
      for (const ActionName& ancestor : above)
        schema_.actions_.at(ancestor).descendants.push_back(name);
    }
  }

  const SchemaSource& source_;
  Schema schema_;
  Findings findings_;
  std::map<std::string, const Where*> entities_;
  std::map<std::string, Common> commons_;
  std::map<ActionName, const Where*> actions_;
  std::uint32_t depth_ = 0;  // of types within each other
};

std::expected<Schema, Findings> Schema::resolve(const SchemaSource& source) {
  return SchemaResolver(source).run();
}

std::expected<Schema, Findings> Schema::parse(std::string_view text, const SchemaBounds& bounds) {
  const auto source = parse_schema(text, bounds);
  if (!source) return std::unexpected(source.error());
  return resolve(*source);
}

}  // namespace portcullis::cedar
