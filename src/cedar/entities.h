// The entities that policies may look at: attributes, tags, and who stands under whom, the
// hierarchy closed beforehand so that `in` is one look-up.
#pragma once

#include "base/arena.h"
#include "cedar/symbols.h"
#include "cedar/value.h"

#include <cstdint>
#include <span>
#include <vector>

namespace portcullis::cedar {

// A set of ids. A few are scanned, more are hashed.
class IdSet {
 public:
  IdSet() = default;
  // Takes each id once. Borrows the arena's memory.
  static IdSet make(Arena& arena, std::vector<std::uint32_t> ids);

  [[nodiscard]] bool contains(std::uint32_t id) const {
    if (mask_ == 0) [[likely]] {
      for (std::uint32_t i = 0; i < count_; ++i) {
        if (ids_[i] == id) return true;
      }
      return false;
    }
    for (std::uint32_t at = slot_of(id);; at = (at + 1) & mask_) {
      if (table_[at] == id) return true;
      if (table_[at] == kNoId) return false;
    }
  }
  [[nodiscard]] std::span<const std::uint32_t> ids() const { return {ids_, count_}; }

 private:
  [[nodiscard]] std::uint32_t slot_of(std::uint32_t id) const {
    return (id * 0x9e37'79b1U >> 7U) & mask_;
  }
  const std::uint32_t* ids_ = nullptr;  // ascending
  const std::uint32_t* table_ = nullptr;
  std::uint32_t count_ = 0;
  std::uint32_t mask_ = 0;
};

// What is known of one entity. Borrows.
struct EntityData {
  Record attributes;
  Record tags;
  // Of the store: every ancestor. Of an entity that came with the request: its parents alone, whose
  // ancestors the store knows.
  IdSet ancestors;
};

// Immutable when built; safe to read from many threads. Ids are those of one Symbols.
class Entities {
 public:
  Entities() = default;
  Entities(const Entities&) = delete;
  Entities& operator=(const Entities&) = delete;
  Entities(Entities&&) = default;
  Entities& operator=(Entities&&) = default;

  // nullptr when there is no such entity, though others may name it as their parent.
  [[nodiscard]] const EntityData* find(EntityId id) const {
    return id < by_id_.size() ? by_id_[id] : nullptr;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class EntitiesBuilder;
  std::vector<const EntityData*> by_id_;
  std::unique_ptr<Arena> arena_ = std::make_unique<Arena>();
  std::size_t size_ = 0;
};

// What one entity is made of, before the hierarchy is closed.
struct EntityParts {
  EntityId id = kNoId;
  std::vector<Field> attributes;
  std::vector<Field> tags;
  std::vector<EntityId> parents;
};

// Why an entity was not taken. `entity` says which.
enum class EntityFault : std::uint8_t {
  kNone,
  kTwice,  // it was there already, and differs
  kCycle,  // it is its own ancestor
};
struct EntityOutcome {
  EntityFault fault = EntityFault::kNone;
  EntityId entity = kNoId;
};

class EntitiesBuilder {
 public:
  // For values that add() is given: what they borrow may live here.
  [[nodiscard]] Arena& arena() { return *entities_.arena_; }
  // The same entity again changes nothing; another one of the same name is refused.
  [[nodiscard]] EntityOutcome add(EntityParts& parts);
  // Adds ancestors to an entity that is there or is made now: what a schema says of its actions.
  void add_parents(EntityId id, std::span<const EntityId> parents);
  // Closes the hierarchy. The builder is empty afterwards.
  [[nodiscard]] EntityOutcome finish(Entities& into);

 private:
  EntityData& data_of(EntityId id);
  [[nodiscard]] bool order(EntityId id);
  void close(EntityId id);

  enum class Mark : std::uint8_t { kNew, kOpen, kDone };
  Entities entities_;
  std::vector<std::vector<EntityId>> parents_;  // by id
  std::vector<Mark> marks_;
  std::vector<EntityId> present_;
};

}  // namespace portcullis::cedar
