#include "cedar/request.h"

#include "base/result.h"
#include "cedar/expr_parser.h"

#include <fmt/format.h>

#include <algorithm>

namespace portcullis::cedar {
namespace {

// New names that are looked for one after another; beyond them there is an index.
constexpr std::size_t kScanned = 16;

std::uint32_t local(std::size_t index) { return kFirstLocal + static_cast<std::uint32_t>(index); }

}  // namespace

std::uint32_t RequestNames::intern(std::string_view text, std::vector<std::string_view>& texts,
                                   std::unordered_map<std::string_view, std::uint32_t>& index) {
  if (texts.size() <= kScanned) {
    const auto found = std::ranges::find(texts, text);
    if (found != texts.end()) return local(static_cast<std::size_t>(found - texts.begin()));
  } else if (const auto found = index.find(text); found != index.end()) {
    return found->second;
  }
  const std::uint32_t id = local(texts.size());
  texts.push_back(arena_.copy(text));
  if (texts.size() == kScanned + 1) {
    for (std::size_t i = 0; i < texts.size(); ++i) index.emplace(texts[i], local(i));
  } else if (texts.size() > kScanned) {
    index.emplace(texts.back(), id);
  }
  return id;
}

NameId RequestNames::name(std::string_view text) {
  if (const NameId known = shared_.find_name(text); known != kNoId) return known;
  return intern(text, names_, name_index_);
}

TypeId RequestNames::type(std::string_view text) {
  if (const TypeId known = shared_.find_type(text); known != kNoId) return known;
  return intern(text, types_, type_index_);
}

EntityId RequestNames::entity(TypeId type, std::string_view id) {
  if (type < kFirstLocal) {
    if (const EntityId known = shared_.find_entity(type, id); known != kNoId) return known;
  }
  const auto same = [&](std::uint32_t at) {
    return entities_[at].type == type && entities_[at].id == id;
  };
  if (entities_.size() <= kScanned) {
    for (std::uint32_t i = 0; i < entities_.size(); ++i) {
      if (same(i)) return local(i);
    }
  } else if (const auto found = entity_index_.find(id); found != entity_index_.end()) {
    for (const std::uint32_t at : found->second) {
      if (same(at)) return local(at);
    }
  }
  entities_.push_back({type, arena_.copy(id)});
  const std::size_t first = entities_.size() == kScanned + 1 ? 0 : entities_.size() - 1;
  if (entities_.size() > kScanned) {
    for (std::size_t i = first; i < entities_.size(); ++i)
      entity_index_[entities_[i].id].push_back(static_cast<std::uint32_t>(i));
  }
  return local(entities_.size() - 1);
}

std::string_view RequestNames::text_of_name(NameId name) const {
  return name < kFirstLocal ? shared_.text_of_name(name) : names_[name - kFirstLocal];
}

std::string_view RequestNames::text_of_type(TypeId type) const {
  return type < kFirstLocal ? shared_.text_of_type(type) : types_[type - kFirstLocal];
}

EntityUid RequestNames::uid_of(EntityId entity) const {
  if (entity < kFirstLocal) return shared_.uid_of(entity);
  const Entity& own = entities_[entity - kFirstLocal];
  return {text_of_type(own.type), own.id};
}

NameId RequestNames::find_name(std::string_view text) const {
  if (const NameId known = shared_.find_name(text); known != kNoId) return known;
  if (names_.size() > kScanned) {
    const auto found = name_index_.find(text);
    return found == name_index_.end() ? kNoId : found->second;
  }
  const auto found = std::ranges::find(names_, text);
  return found == names_.end() ? kNoId : local(static_cast<std::size_t>(found - names_.begin()));
}

namespace {

JsonResult<EntityId> read_entity(std::string_view member, json::Value request, RequestNames& names,
                                 ValueReader& values) {
  const auto json = request.find(member);
  if (!json) return values.fault(fmt::format("a request needs `{}`", member));
  values.enter(member);
  EntityId id = kNoId;
  if (const auto text = json->as_string()) {
    AstBuilder builder;
    TokenStream tokens(*text);
    const Parsed<EntityUid> uid = ExprParser(tokens, builder).parse_entity("as an entity");
    if (!uid || !tokens.at(TokenKind::kEnd))
      return values.fault("expected an entity, such as `User::\"alice\"`");
    id = names.entity(*uid);
  } else {
    PC_TRY(id, values.read_uid(*json));
  }
  values.leave();
  return id;
}

// Whether the action applies to an entity of that type.
JsonResult<> check_applies(std::string_view member, EntityId id, const SchemaAction& action,
                           const std::vector<std::string>& types, const Schema& schema,
                           const RequestNames& names, ValueReader& values) {
  const EntityUid uid = names.uid_of(id);
  values.enter(member);
  if (schema.entity(uid.type) == nullptr)
    return values.fault(fmt::format("the schema has no entity type `{}`", uid.type));
  PC_CHECK_OK(values.check_uid(uid));
  if (std::ranges::find(types, uid.type) == types.end())
    return values.fault(fmt::format("`{}` does not apply to a {} of type `{}`",
                                    to_string(action.name), member, uid.type));
  values.leave();
  return {};
}

JsonResult<const SchemaAction*> check_request(const Request& request, const Schema& schema,
                                              const RequestNames& names, ValueReader& values) {
  const EntityUid uid = names.uid_of(request.action);
  const SchemaAction* action = schema.action(uid.type, uid.id);
  if (action == nullptr)
    return values.fault(fmt::format("the schema has no action `{}`", to_string(uid)));
  PC_CHECK_OK(check_applies("principal", request.principal, *action, action->principals, schema,
                            names, values));
  PC_CHECK_OK(check_applies("resource", request.resource, *action, action->resources, schema, names,
                            values));
  return action;
}

}  // namespace

JsonResult<Request> read_request(std::string_view text, RequestNames& names, Arena& arena,
                                 const Schema* schema) {
  const auto document = json::Document::parse(text, kRequestBounds);
  if (!document) return std::unexpected(JsonFault{{}, document.error().detail});
  const json::Value root = document->root();
  ValueReader values(names, arena, schema);
  if (!root.is_object()) return values.fault("expected a request, which is an object");
  Request request;
  request.names = &names;
  PC_TRY(request.principal, read_entity("principal", root, names, values));
  PC_TRY(request.action, read_entity("action", root, names, values));
  PC_TRY(request.resource, read_entity("resource", root, names, values));
  TypeRef expected = nullptr;
  if (schema != nullptr) {
    PC_TRY(const SchemaAction* action, check_request(request, *schema, names, values));
    expected = action->context;
  }
  values.enter("context");
  const auto context = root.find("context");
  const json::Document nothing = *json::Document::parse("{}");
  // The whole context may be an escape, which is then no record.
  PC_TRY(const Value value, values.read(context ? *context : nothing.root(), expected));
  if (!value.is(ValueKind::kRecord)) return values.fault("the context is not a record");
  request.context = value.record;
  return request;
}

}  // namespace portcullis::cedar
