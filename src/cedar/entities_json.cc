#include "cedar/entities_json.h"

#include "base/result.h"

#include <fmt/format.h>

namespace portcullis::cedar {
namespace {

bool is_action(std::string_view type) { return type == "Action" || type.ends_with("::Action"); }

class EntityReader {
 public:
  EntityReader(Symbols& symbols, EntitiesBuilder& builder)
      : symbols_(symbols), builder_(builder), values_(symbols, builder.arena()) {}

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
    PC_TRY(const json::Value attributes, member(json, "attrs"));
    values_.enter("attrs");
    PC_TRY(parts.attributes, values_.read_fields(attributes));
    values_.leave();
    PC_TRY(const json::Value parents, member(json, "parents"));
    values_.enter("parents");
    PC_CHECK_OK(read_parents(parents, parts));
    values_.leave();
    if (const auto tags = json.find("tags")) {
      values_.enter("tags");
      PC_TRY(parts.tags, values_.read_fields(*tags));
      values_.leave();
    }
    if (builder_.add(parts).fault != EntityFault::kNone)
      return values_.fault(fmt::format("`{}` stands here a second time, and differs",
                                       to_string(symbols_.uid_of(parts.id))));
    return {};
  }

  JsonResult<> read_parents(json::Value json, EntityParts& parts) {
    if (!json.is_array()) return values_.fault("expected an array of entities");
    const bool action = is_action(symbols_.uid_of(parts.id).type);
    for (const json::Value one : json.elements()) {
      values_.enter(std::to_string(parts.parents.size()));
      PC_TRY(const EntityId parent, values_.read_uid(one));
      if (action && !is_action(symbols_.uid_of(parent).type))
        return values_.fault("the parent of an action must be an action");
      values_.leave();
      parts.parents.push_back(parent);
    }
    return {};
  }

  Symbols& symbols_;
  EntitiesBuilder& builder_;
  ValueReader values_;
};

}  // namespace

JsonResult<> read_entities(std::string_view text, Symbols& symbols, EntitiesBuilder& builder) {
  const auto document = json::Document::parse(text, kEntitiesBounds);
  if (!document) return std::unexpected(JsonFault{{}, document.error().detail});
  return EntityReader(symbols, builder).read(document->root());
}

JsonResult<Entities> finish_entities(EntitiesBuilder& builder, const Symbols& symbols) {
  Entities entities;
  const EntityOutcome outcome = builder.finish(entities);
  if (outcome.fault == EntityFault::kNone) return entities;
  return std::unexpected(JsonFault{{},
                                   fmt::format("`{}` or one of its ancestors is its own ancestor",
                                               to_string(symbols.uid_of(outcome.entity)))});
}

}  // namespace portcullis::cedar
