// Which policies can have a say in a request, found by what their heads name, so that ten thousand
// policies that do not apply cost nothing.
#pragma once

#include "cedar/evaluator.h"
#include "cedar/symbols.h"

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace portcullis::cedar {

// A head's constraint on the principal or the resource, in numbers.
struct ScopeTest {
  ScopeKind kind = ScopeKind::kAny;
  TypeId type = kNoId;
  EntityId entity = kNoId;
};

struct ActionTest {
  ScopeKind kind = ScopeKind::kAny;  // kAny, kEqual or kIn
  std::span<const EntityId> entities;
};

struct PolicyHead {
  ScopeTest principal;
  ScopeTest resource;
  ActionTest action;
};

class PolicyIndex {
 public:
  void build(std::span<const PolicyHead> heads);
  // The positions of all policies whose heads may match, ascending, none twice. The principal and
  // the resource of most still have to be tested.
  void find(const Request& request, const Evaluator& evaluator,
            std::vector<std::uint32_t>& out) const;

 private:
  // What a policy stands under within its action: the narrowest constraint of its head.
  enum class Dimension : std::uint8_t {
    kAll,
    kResourceEqual,
    kPrincipalEqual,
    kResourceIn,
    kPrincipalIn,
    kPrincipalType,
    kResourceType,
  };
  static constexpr std::size_t kDimensions = 7;

  struct Posting {
    std::uint64_t key;  // the group, its dimension and an id: key_of
    std::uint32_t policy;
    friend auto operator<=>(const Posting&, const Posting&) = default;
  };
  // A list of policies.
  struct Slot {
    std::uint64_t key = kFree;
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
  };
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};

  [[nodiscard]] static std::uint64_t key_of(std::uint32_t group, Dimension dimension,
                                            std::uint32_t id);
  void place(const PolicyHead& head, std::uint32_t policy, std::vector<Posting>& postings);
  std::uint32_t group_of(EntityId action, bool equal);
  void fill_slots(const std::vector<Posting>& postings);
  void append(std::uint64_t key, std::vector<std::uint32_t>& out) const;
  void find_in_group(std::uint32_t group, const Request& request, const Evaluator& evaluator,
                     std::vector<std::uint32_t>& out) const;
  void find_ancestors(std::uint32_t group, Dimension dimension, EntityId entity,
                      const Request& request, const Evaluator& evaluator,
                      std::vector<std::uint32_t>& out) const;

  // Groups: policies on every action (0), on one action, and on whatever is in one.
  std::unordered_map<EntityId, std::uint32_t> equal_groups_;
  std::unordered_map<EntityId, std::uint32_t> in_groups_;
  std::vector<std::uint8_t> dimensions_;  // by group: which it has, as bits
  std::vector<Slot> slots_;               // open addressing, a power of two, at most half full
  std::vector<std::uint32_t> policies_;   // the lists
};

}  // namespace portcullis::cedar
