#include "cedar/entities.h"

#include <algorithm>
#include <utility>

namespace portcullis::cedar {
namespace {

bool equal_records(const Record& a, const Record& b) {
  return equal(Value::of_record(&a), Value::of_record(&b));
}

}  // namespace

IdSet IdSet::make(Arena& arena, std::vector<std::uint32_t> ids) {
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  IdSet set;
  set.count_ = static_cast<std::uint32_t>(ids.size());
  std::uint32_t* kept = arena.array<std::uint32_t>(ids.size());
  std::ranges::copy(ids, kept);
  set.ids_ = kept;
  constexpr std::size_t kScanned = 8;
  if (ids.size() <= kScanned) return set;
  std::size_t slots = 32;
  while (slots < ids.size() * 2) slots *= 2;
  std::uint32_t* table = arena.array<std::uint32_t>(slots);
  std::fill_n(table, slots, kNoId);
  set.mask_ = static_cast<std::uint32_t>(slots - 1);
  for (const std::uint32_t id : ids) {
    std::uint32_t at = set.slot_of(id);
    while (table[at] != kNoId) at = (at + 1) & set.mask_;
    table[at] = id;
  }
  set.table_ = table;
  return set;
}

EntityData& EntitiesBuilder::data_of(EntityId id) {
  if (id >= entities_.by_id_.size()) {
    entities_.by_id_.resize(id + 1, nullptr);
    parents_.resize(id + 1);
  }
  if (entities_.by_id_[id] == nullptr) {
    entities_.by_id_[id] = std::construct_at(arena().array<EntityData>(1));
    present_.push_back(id);
  }
  // The builder made it; only readers see it as const.
  return const_cast<EntityData&>(*entities_.by_id_[id]);
}

EntityOutcome EntitiesBuilder::add(EntityParts& parts) {
  const bool there = entities_.find(parts.id) != nullptr;
  const Record attributes = *make_record(arena(), parts.attributes);
  const Record tags = *make_record(arena(), parts.tags);
  std::ranges::sort(parts.parents);
  parts.parents.erase(std::ranges::unique(parts.parents).begin(), parts.parents.end());
  EntityData& data = data_of(parts.id);
  if (there) {
    if (equal_records(attributes, data.attributes) && equal_records(tags, data.tags) &&
        parts.parents == parents_[parts.id])
      return {};
    return {EntityFault::kTwice, parts.id};
  }
  data.attributes = attributes;
  data.tags = tags;
  parents_[parts.id] = std::move(parts.parents);
  return {};
}

void EntitiesBuilder::add_parents(EntityId id, std::span<const EntityId> parents) {
  (void)data_of(id);
  std::vector<EntityId>& all = parents_[id];
  all.insert(all.end(), parents.begin(), parents.end());
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
}

// Depth first with a stack of our own: a chain of parents may be as long as the file.
bool EntitiesBuilder::order(EntityId id) {
  struct Step {
    EntityId id;
    std::size_t next;
  };
  std::vector<Step> stack = {{id, 0}};
  marks_[id] = Mark::kOpen;
  while (!stack.empty()) {
    Step& top = stack.back();
    if (top.next == parents_[top.id].size()) {
      close(top.id);
      marks_[top.id] = Mark::kDone;
      stack.pop_back();
      continue;
    }
    const EntityId parent = parents_[top.id][top.next++];
    if (entities_.find(parent) == nullptr || marks_[parent] == Mark::kDone) continue;
    if (marks_[parent] == Mark::kOpen) return false;
    marks_[parent] = Mark::kOpen;
    stack.push_back({parent, 0});
  }
  return true;
}

// The parents are closed already.
void EntitiesBuilder::close(EntityId id) {
  std::vector<std::uint32_t> all = parents_[id];
  for (const EntityId parent : parents_[id]) {
    if (const EntityData* above = entities_.find(parent))
      all.insert(all.end(), above->ancestors.ids().begin(), above->ancestors.ids().end());
  }
  data_of(id).ancestors = IdSet::make(arena(), std::move(all));
}

EntityOutcome EntitiesBuilder::finish(Entities& into) {
  marks_.assign(entities_.by_id_.size(), Mark::kNew);
  for (const EntityId id : present_) {
    if (marks_[id] == Mark::kNew && !order(id)) return {EntityFault::kCycle, id};
  }
  entities_.size_ = present_.size();
  into = std::move(entities_);
  *this = EntitiesBuilder();
  return {};
}

}  // namespace portcullis::cedar
