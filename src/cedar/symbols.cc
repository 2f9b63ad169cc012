#include "cedar/symbols.h"

#include "cedar/expr_parser.h"
#include "cedar/lexer.h"

#include <functional>

namespace portcullis::cedar {
namespace {

constexpr std::size_t kFirstSlots = 64;

std::uint32_t hash_of(TypeId type, std::string_view id) {
  const std::uint64_t mixed = (std::hash<std::string_view>{}(id) ^ type) * 0x9e37'79b9'7f4a'7c15ULL;
  return static_cast<std::uint32_t>(mixed >> 32U);
}

std::uint32_t intern(std::string_view text, Arena& arena, std::vector<std::string_view>& texts,
                     std::unordered_map<std::string_view, std::uint32_t>& ids) {
  if (const auto found = ids.find(text); found != ids.end()) return found->second;
  const std::string_view kept = arena.copy(text);
  const auto id = static_cast<std::uint32_t>(texts.size());
  texts.push_back(kept);
  ids.emplace(kept, id);
  return id;
}

std::uint32_t find_in(const std::unordered_map<std::string_view, std::uint32_t>& ids,
                      std::string_view text) {
  const auto found = ids.find(text);
  return found == ids.end() ? kNoId : found->second;
}

}  // namespace

Symbols::Symbols() : slots_(kFirstSlots, kNoId) {}

NameId Symbols::name(std::string_view text) { return intern(text, arena_, names_, name_ids_); }
TypeId Symbols::type(std::string_view text) { return intern(text, arena_, types_, type_ids_); }
NameId Symbols::find_name(std::string_view text) const { return find_in(name_ids_, text); }
TypeId Symbols::find_type(std::string_view text) const { return find_in(type_ids_, text); }

std::size_t Symbols::slot_of(TypeId type, std::string_view id, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    if (slots_[at] == kNoId) return at;
    const Entity& entity = entities_[slots_[at]];
    if (entity.hash == hash && entity.type == type && entity.id == id) return at;
  }
}

EntityId Symbols::find_entity(TypeId type, std::string_view id) const {
  return slots_[slot_of(type, id, hash_of(type, id))];
}

EntityId Symbols::entity(TypeId type, std::string_view id) {
  const std::uint32_t hash = hash_of(type, id);
  const std::size_t slot = slot_of(type, id, hash);
  if (slots_[slot] != kNoId) return slots_[slot];
  const auto made = static_cast<EntityId>(entities_.size());
  entities_.push_back({type, hash, arena_.copy(id)});
  slots_[slot] = made;
  if (entities_.size() * 2 > slots_.size()) grow();
  return made;
}

void Symbols::grow() {
  slots_.assign(slots_.size() * 2, kNoId);
  for (std::size_t i = 0; i < entities_.size(); ++i) {
    const Entity& entity = entities_[i];
    slots_[slot_of(entity.type, entity.id, entity.hash)] = static_cast<EntityId>(i);
  }
}

EntityUid Symbols::uid_of(EntityId entity) const {
  return {types_[entities_[entity].type], entities_[entity].id};
}

bool is_type_name(std::string_view text) {
  for (;;) {
    const std::size_t end = text.find("::");
    const std::string_view part = text.substr(0, end);
    if (!is_identifier(part) || is_reserved(part)) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 2);
  }
}

}  // namespace portcullis::cedar
