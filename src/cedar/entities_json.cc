#include "cedar/entities_json.h"

#include "base/result.h"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace portcullis::cedar {
namespace {

class EntityReader {
 public:
  EntityReader(Symbols& symbols, const Schema* schema)
      : symbols_(symbols), schema_(schema), values_(symbols, builder_.arena(), schema) {}

  JsonResult<Entities> finish() {
    if (schema_ != nullptr) add_actions();
    Entities entities;
    const EntityOutcome outcome = builder_.finish(entities);
    if (outcome.fault != EntityFault::kNone)
      return values_.fault(fmt::format("`{}` or one of its ancestors is its own ancestor",
                                       to_string(symbols_.uid_of(outcome.entity))));
    if (schema_ != nullptr) {
      for (std::size_t i = 0; i < ids_.size(); ++i) {
        values_.enter(std::to_string(i));
        PC_CHECK_OK(check_ancestors(ids_[i], *entities.find(ids_[i])));
        values_.leave();
      }
    }
    return entities;
  }

  JsonResult<> read(json::Value json) {
    if (!json.is_array()) return values_.fault("expected an array of entities");
    std::size_t index = 0;
    for (const json::Value one : json.elements()) {
      values_.enter(std::to_string(index++));
      PC_CHECK_OK(read_entity(one));
      values_.leave();
    }
    return {};
  }

 private:
  JsonResult<json::Value> member(json::Value json, std::string_view name) {
    if (const auto found = json.find(name)) return *found;
    return values_.fault(fmt::format("an entity needs `{}`", name));
  }

  JsonResult<> read_entity(json::Value json) {
    if (!json.is_object()) return values_.fault("expected an entity, which is an object");
    EntityParts parts;
    PC_TRY(const json::Value uid, member(json, "uid"));
    values_.enter("uid");
    PC_TRY(parts.id, values_.read_uid(uid));
    values_.leave();
    const SchemaEntity* declared = nullptr;
    PC_TRY(declared, find_declared(parts.id));
    PC_TRY(const json::Value attributes, member(json, "attrs"));
    values_.enter("attrs");
    PC_TRY(parts.attributes,
           values_.read_fields(attributes, declared == nullptr ? nullptr : declared->shape));
    values_.leave();
    PC_TRY(const json::Value parents, member(json, "parents"));
    values_.enter("parents");
    PC_CHECK_OK(read_parents(parents, parts));
    values_.leave();
    if (const auto tags = json.find("tags")) {
      values_.enter("tags");
      PC_TRY(parts.tags, read_tags(*tags, declared));
      values_.leave();
    }
    ids_.push_back(parts.id);
    if (builder_.add(parts).fault != EntityFault::kNone)
      return values_.fault(fmt::format("`{}` stands here a second time, and differs",
                                       to_string(symbols_.uid_of(parts.id))));
    return {};
  }

  // nullptr without a schema, and of actions, which have no attributes there.
  JsonResult<const SchemaEntity*> find_declared(EntityId id) {
    const EntityUid uid = symbols_.uid_of(id);
    if (schema_ == nullptr || is_action_name(uid.type)) return nullptr;
    if (const SchemaEntity* entity = schema_->entity(uid.type)) return entity;
    return values_.fault(fmt::format("the schema has no entity type `{}`", uid.type));
  }

  JsonResult<std::vector<Field>> read_tags(json::Value json, const SchemaEntity* declared) {
    if (declared == nullptr || !json.is_object()) return values_.read_fields(json);
    if (declared->tags == nullptr && json.size() > 0)
      return values_.fault(fmt::format("entities of type `{}` have no tags", declared->name));
    std::vector<Field> fields;
    for (const json::Member tag : json.members()) {
      values_.enter(tag.name);
      PC_TRY(const Value value, values_.read(tag.value, declared->tags));
      values_.leave();
      fields.push_back({symbols_.name(tag.name), value});
    }
    return fields;
  }

  void add_actions() {
    for (const auto& [name, action] : schema_->actions()) {
      std::vector<EntityId> parents;
      for (const ActionName& parent : action.parents)
        parents.push_back(symbols_.entity(EntityUid{parent.type, parent.id}));
      builder_.add_parents(symbols_.entity(EntityUid{name.type, name.id}), parents);
    }
  }

  JsonResult<> check_ancestors(EntityId id, const EntityData& data) {
    const EntityUid uid = symbols_.uid_of(id);
    if (const SchemaAction* action = schema_->action(uid.type, uid.id)) {
      // The schema's ancestors are among them by now.
      if (data.attributes.count == 0 && data.tags.count == 0 &&
          data.ancestors.ids().size() == action->ancestors.size())
        return {};
      return values_.fault(fmt::format("`{}` is not as the schema declares it", to_string(uid)));
    }
    for (const EntityId ancestor : data.ancestors.ids()) {
      const EntityUid above = symbols_.uid_of(ancestor);
      const SchemaEntity* declared = schema_->entity(above.type);
      if (declared == nullptr || !declared->may_hold(uid.type))
        return values_.fault(
            fmt::format("`{}` cannot be in `{}`: the schema does not say that a "
                        "`{}` may be in a `{}`",
                        to_string(uid), to_string(above), uid.type, above.type));
    }
    return {};
  }

  JsonResult<> read_parents(json::Value json, EntityParts& parts) {
    if (!json.is_array()) return values_.fault("expected an array of entities");
    const bool action = is_action_name(symbols_.uid_of(parts.id).type);
    for (const json::Value one : json.elements()) {
      values_.enter(std::to_string(parts.parents.size()));
      PC_TRY(const EntityId parent, values_.read_uid(one));
      if (action && !is_action_name(symbols_.uid_of(parent).type))
        return values_.fault("the parent of an action must be an action");
      values_.leave();
      parts.parents.push_back(parent);
    }
    return {};
  }

  Symbols& symbols_;
  const Schema* schema_;
  EntitiesBuilder builder_;
  ValueReader values_;
  std::vector<EntityId> ids_;  // in the order of the text
};

}  // namespace

JsonResult<Entities> read_entities(std::string_view text, Symbols& symbols, const Schema* schema) {
  const auto document = json::Document::parse(text, kEntitiesBounds);
  if (!document) return std::unexpected(JsonFault{{}, document.error().detail});
  EntityReader reader(symbols, schema);
  PC_CHECK_OK(reader.read(document->root()));
  return reader.finish();
}

}  // namespace portcullis::cedar
