// Names as small numbers: types, attributes and entities that policies and the entity store
// mention. Comparing two entities is then comparing two integers, and looking an attribute up is a
// scan over integers.
#pragma once

#include "base/arena.h"
#include "cedar/ast.h"

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace portcullis::cedar {

using NameId = std::uint32_t;    // of an attribute, a tag or a key of a record
using TypeId = std::uint32_t;    // of an entity type
using EntityId = std::uint32_t;  // of an entity, whether there is one in the store or not

inline constexpr std::uint32_t kNoId = 0xffff'ffff;
// Numbers from here on belong to one request: names that nobody else has mentioned.
inline constexpr std::uint32_t kFirstLocal = 0x8000'0000;

// Gives numbers to names. What reads values from JSON takes one of these: the table that everything
// shares while it is loaded, or that of one request, which keeps what is new to itself.
class Names {
 public:
  virtual ~Names() = default;
  virtual NameId name(std::string_view text) = 0;
  virtual TypeId type(std::string_view text) = 0;
  virtual EntityId entity(TypeId type, std::string_view id) = 0;

  [[nodiscard]] virtual std::string_view text_of_name(NameId name) const = 0;
  [[nodiscard]] virtual std::string_view text_of_type(TypeId type) const = 0;
  [[nodiscard]] virtual EntityUid uid_of(EntityId entity) const = 0;
  [[nodiscard]] virtual TypeId type_of(EntityId entity) const = 0;

  EntityId entity(const EntityUid& uid) { return entity(type(uid.type), uid.id); }

 protected:
  Names() = default;
  Names(const Names&) = default;
  Names& operator=(const Names&) = default;
};

// The shared table. Grows while policies and entities are loaded; after that it is only read, from
// as many threads as like.
class Symbols final : public Names {
 public:
  Symbols();

  NameId name(std::string_view text) override;
  TypeId type(std::string_view text) override;
  EntityId entity(TypeId type, std::string_view id) override;
  using Names::entity;

  // kNoId when nobody has mentioned it.
  [[nodiscard]] NameId find_name(std::string_view text) const;
  [[nodiscard]] TypeId find_type(std::string_view text) const;
  [[nodiscard]] EntityId find_entity(TypeId type, std::string_view id) const;

  [[nodiscard]] std::string_view text_of_name(NameId name) const override { return names_[name]; }
  [[nodiscard]] std::string_view text_of_type(TypeId type) const override { return types_[type]; }
  [[nodiscard]] EntityUid uid_of(EntityId entity) const override;
  [[nodiscard]] TypeId type_of(EntityId entity) const override { return entities_[entity].type; }

  [[nodiscard]] std::size_t entity_count() const { return entities_.size(); }

 private:
  struct Entity {
    TypeId type;
    std::uint32_t hash;
    std::string_view id;
  };
  [[nodiscard]] std::size_t slot_of(TypeId type, std::string_view id, std::uint32_t hash) const;
  void grow();

  Arena arena_;
  std::unordered_map<std::string_view, NameId> name_ids_;
  std::unordered_map<std::string_view, TypeId> type_ids_;
  std::vector<std::string_view> names_;
  std::vector<std::string_view> types_;
  std::vector<Entity> entities_;
  std::vector<EntityId> slots_;  // open addressing; a power of two, at most half full
};

// Whether it can be the name of an entity type: identifiers with `::` between, none of them
// reserved.
[[nodiscard]] bool is_type_name(std::string_view text);

}  // namespace portcullis::cedar
