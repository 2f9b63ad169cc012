// One question: may this principal do this action to this resource, in this context?
#pragma once

#include "base/arena.h"
#include "cedar/entities.h"
#include "cedar/symbols.h"
#include "cedar/value_json.h"

#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace portcullis::cedar {

// The names of one request: what the shared table knows, and numbers of its own for the rest.

class RequestNames final : public Names {
 public:
  RequestNames(const Symbols& shared, Arena& arena) : shared_(shared), arena_(arena) {}

  NameId name(std::string_view text) override;
  TypeId type(std::string_view text) override;
  EntityId entity(TypeId type, std::string_view id) override;
  using Names::entity;

  [[nodiscard]] std::string_view text_of_name(NameId name) const override;
  [[nodiscard]] std::string_view text_of_type(TypeId type) const override;
  [[nodiscard]] EntityUid uid_of(EntityId entity) const override;
  [[nodiscard]] TypeId type_of(EntityId entity) const override {
    return entity < kFirstLocal ? shared_.type_of(entity) : entities_[entity - kFirstLocal].type;
  }
  // kNoId when neither table has it.
  [[nodiscard]] NameId find_name(std::string_view text) const;

 private:
  struct Entity {
    TypeId type;
    std::string_view id;
  };
  using Index = std::unordered_map<std::string_view, std::vector<std::uint32_t>>;
  std::uint32_t intern(std::string_view text, std::vector<std::string_view>& texts,
                       std::unordered_map<std::string_view, std::uint32_t>& index);

  const Symbols& shared_;
  Arena& arena_;
  std::vector<std::string_view> names_;
  std::vector<std::string_view> types_;
  std::vector<Entity> entities_;
  // Only filled when there are more than a scan is good for.
  std::unordered_map<std::string_view, std::uint32_t> name_index_;
  std::unordered_map<std::string_view, std::uint32_t> type_index_;
  Index entity_index_;
};

// An entity that came with the request: the caller, as its token describes it.
struct RequestEntity {
  EntityId id = kNoId;
  EntityData data;
};

struct Request {
  EntityId principal = kNoId;
  EntityId action = kNoId;
  EntityId resource = kNoId;
  const Record* context = nullptr;
  std::span<const RequestEntity> entities;  // seen before those of the store
  const RequestNames* names = nullptr;
};

// The greatest request in JSON.
inline constexpr json::Bounds kRequestBounds = {.size = 16UL << 20U, .depth = 64};

// `{"principal": …, "action": …, "resource": …, "context": {…}}`; an entity is an object or, as on
// Cedar's command line, a string `User::"alice"`. Other members are ignored. With a schema, the
// action must be declared, and the rest must be what it applies to.
[[nodiscard]] JsonResult<Request> read_request(std::string_view text, RequestNames& names,
                                               Arena& arena, const Schema* schema = nullptr);

}  // namespace portcullis::cedar
