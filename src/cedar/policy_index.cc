#include "cedar/policy_index.h"

#include <algorithm>

namespace portcullis::cedar {
namespace {

constexpr std::uint32_t kEveryAction = 0;
constexpr std::uint32_t kNoEntity = 0;  // the id under which kAll is kept

std::size_t hash_of(std::uint64_t key) {
  return static_cast<std::size_t>((key * 0x9e37'79b9'7f4a'7c15ULL) >> 20U);
}

}  // namespace

std::uint64_t PolicyIndex::key_of(std::uint32_t group, Dimension dimension, std::uint32_t id) {
  return (std::uint64_t{group} * 8 + static_cast<std::uint64_t>(dimension)) << 32U | id;
}

std::uint32_t PolicyIndex::group_of(EntityId action, bool equal) {
  auto& groups = equal ? equal_groups_ : in_groups_;
  const auto [found, added] =
      groups.emplace(action, static_cast<std::uint32_t>(dimensions_.size()));
  if (added) dimensions_.push_back(0);
  return found->second;
}

void PolicyIndex::place(const PolicyHead& head, std::uint32_t policy,
                        std::vector<Posting>& postings) {
  Dimension dimension = Dimension::kAll;
  std::uint32_t id = kNoEntity;
  const auto under = [&](Dimension wanted, std::uint32_t wanted_id) {
    dimension = wanted;
    id = wanted_id;
  };
  const auto is_within = [](const ScopeTest& test) {
    return test.kind == ScopeKind::kIn || test.kind == ScopeKind::kIsIn;
  };
  if (head.resource.kind == ScopeKind::kEqual) {
    under(Dimension::kResourceEqual, head.resource.entity);
  } else if (head.principal.kind == ScopeKind::kEqual) {
    under(Dimension::kPrincipalEqual, head.principal.entity);
  } else if (is_within(head.resource)) {
    under(Dimension::kResourceIn, head.resource.entity);
  } else if (is_within(head.principal)) {
    under(Dimension::kPrincipalIn, head.principal.entity);
  } else if (head.principal.kind == ScopeKind::kIs) {
    under(Dimension::kPrincipalType, head.principal.type);
  } else if (head.resource.kind == ScopeKind::kIs) {
    under(Dimension::kResourceType, head.resource.type);
  }
  const auto put = [&](std::uint32_t group) {
    dimensions_[group] |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(dimension));
    postings.push_back({key_of(group, dimension, id), policy});
  };
  if (head.action.kind == ScopeKind::kAny) return put(kEveryAction);
  for (const EntityId action : head.action.entities)
    put(group_of(action, head.action.kind == ScopeKind::kEqual));
}

void PolicyIndex::build(std::span<const PolicyHead> heads) {
  *this = PolicyIndex();
  dimensions_.assign(1, 0);
  std::vector<Posting> postings;
  postings.reserve(heads.size());
  for (std::size_t i = 0; i < heads.size(); ++i)
    place(heads[i], static_cast<std::uint32_t>(i), postings);
  std::ranges::sort(postings);
  fill_slots(postings);
}

void PolicyIndex::fill_slots(const std::vector<Posting>& postings) {
  std::size_t lists = 0;
  for (std::size_t i = 0; i < postings.size(); ++i)
    lists += i == 0 || postings[i].key != postings[i - 1].key ? 1 : 0;
  std::size_t size = 8;
  while (size < lists * 2) size *= 2;
  slots_.assign(size, Slot{});
  policies_.reserve(postings.size());
  Slot* slot = nullptr;
  for (const Posting& posting : postings) {
    if (slot == nullptr || slot->key != posting.key) {
      std::size_t at = hash_of(posting.key) & (size - 1);
      while (slots_[at].key != kFree) at = (at + 1) & (size - 1);
      slot = &slots_[at];
      *slot = {posting.key, static_cast<std::uint32_t>(policies_.size()), 0};
    }
    ++slot->count;
    policies_.push_back(posting.policy);
  }
}

void PolicyIndex::append(std::uint64_t key, std::vector<std::uint32_t>& out) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash_of(key) & mask; slots_[at].key != kFree; at = (at + 1) & mask) {
    if (slots_[at].key != key) continue;
    const auto begin = policies_.begin() + slots_[at].begin;
    out.insert(out.end(), begin, begin + slots_[at].count);
    return;
  }
}

void PolicyIndex::find_ancestors(std::uint32_t group, Dimension dimension, EntityId entity,
                                 const Request& request, const Evaluator& evaluator,
                                 std::vector<std::uint32_t>& out) const {
  append(key_of(group, dimension, entity), out);
  const EntityData* data = evaluator.find(entity);
  if (data == nullptr) return;
  for (const EntityId ancestor : data->ancestors.ids())
    append(key_of(group, dimension, ancestor), out);
  // An entity of the request knows its parents only.
  const bool own = std::ranges::any_of(request.entities,
                                       [&](const RequestEntity& one) { return one.id == entity; });
  if (!own) return;
  for (const EntityId parent : data->ancestors.ids()) {
    const EntityData* above = evaluator.find_stored(parent);
    if (above == nullptr) continue;
    for (const EntityId ancestor : above->ancestors.ids())
      append(key_of(group, dimension, ancestor), out);
  }
}

void PolicyIndex::find_in_group(std::uint32_t group, const Request& request,
                                const Evaluator& evaluator, std::vector<std::uint32_t>& out) const {
  const std::uint8_t present = dimensions_[group];
  const auto has = [&](Dimension dimension) {
    return (present >> static_cast<unsigned>(dimension) & 1U) != 0;
  };
  const auto take = [&](Dimension dimension, std::uint32_t id) {
    if (has(dimension)) append(key_of(group, dimension, id), out);
  };
  take(Dimension::kAll, kNoEntity);
  take(Dimension::kResourceEqual, request.resource);
  take(Dimension::kPrincipalEqual, request.principal);
  if (has(Dimension::kResourceIn))
    find_ancestors(group, Dimension::kResourceIn, request.resource, request, evaluator, out);
  if (has(Dimension::kPrincipalIn))
    find_ancestors(group, Dimension::kPrincipalIn, request.principal, request, evaluator, out);
  take(Dimension::kPrincipalType, request.names->type_of(request.principal));
  take(Dimension::kResourceType, request.names->type_of(request.resource));
}

void PolicyIndex::find(const Request& request, const Evaluator& evaluator,
                       std::vector<std::uint32_t>& out) const {
  out.clear();
  find_in_group(kEveryAction, request, evaluator, out);
  const auto look = [&](const auto& groups, EntityId action) {
    if (groups.empty()) return;
    if (const auto found = groups.find(action); found != groups.end())
      find_in_group(found->second, request, evaluator, out);
  };
  look(equal_groups_, request.action);
  look(in_groups_, request.action);
  if (const EntityData* action = evaluator.find(request.action)) {
    for (const EntityId ancestor : action->ancestors.ids()) look(in_groups_, ancestor);
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
}

}  // namespace portcullis::cedar
