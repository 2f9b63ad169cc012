#include "authz/roles.h"

#include <algorithm>
#include <set>

namespace portcullis::authz {
namespace {

// What the entries of `roles:` may mean.
class Names {
 public:
  Names(const config::Config& config, std::span<const Operation> operations) {
    for (std::size_t i = 0; i < config.roles.size(); ++i) {
      roles_.emplace(config.roles[i].name, static_cast<RoleId>(i));
    }
    for (const Operation& operation : operations) {
      const std::string full = operation.api + "." + operation.name;
      full_.insert(full);
      short_[operation.name].insert(full);
    }
  }

  struct Meaning {
    const RoleId* role = nullptr;            // either this
    const std::string* operation = nullptr;  // or this; neither when there is a mistake
    std::string_view mistake = {};
  };
  [[nodiscard]] Meaning of(const std::string& entry) const {
    const auto role = roles_.find(entry);
    const auto full = full_.find(entry);
    const auto brief = short_.find(entry);
    const std::size_t operations =
        (full != full_.end() ? 1 : 0) + (brief != short_.end() ? brief->second.size() : 0);
    if (role != roles_.end() && operations > 0) return {.mistake = "is a role and an operation"};
    if (role != roles_.end()) return {.role = &role->second};
    if (operations == 0) return {.mistake = "is neither a role nor an operation"};
    if (operations > 1) return {.mistake = "is an operation of several APIs: name the API too"};
    return {.operation = full != full_.end() ? &*full : &*brief->second.begin()};
  }

 private:
  std::map<std::string, RoleId, std::less<>> roles_;
  std::set<std::string> full_;                          // `api.operation`
  std::map<std::string, std::set<std::string>> short_;  // `operation` -> those it may mean
};

}  // namespace

Result<void> OperationPermit::check(std::span<const RoleId> roles) const {
  if (allows(roles)) [[likely]]
    return {};
  return refuse(ErrorCode::kForbidden, "no role of the caller permits `" + operation_ + "`",
                "roles");
}

Permits Permits::compile(const config::Config& config, std::span<const Operation> operations,
                         config::Diagnostics& diagnostics) {
  Permits permits;
  const std::size_t words = (config.roles.size() + 63) / 64;
  for (const config::Role& role : config.roles) permits.roles_.push_back(role.name);
  for (const Operation& operation : operations) {
    const std::string full = operation.api + "." + operation.name;
    OperationPermit& permit = permits.operations_[full];
    permit.operation_ = full;
    permit.bits_.resize(words);
  }

  const Names names(config, operations);
  const auto permit = [&permits](const std::string& operation, RoleId role) {
    permits.operations_.find(operation)->second.bits_[role / 64] |= std::uint64_t{1} << (role % 64);
  };
  permits.entries_.resize(config.roles.size());
  std::vector<std::vector<RoleId>> included_by(config.roles.size());
  std::vector<std::pair<std::string, RoleId>> direct;
  for (RoleId role = 0; role < config.roles.size(); ++role) {
    for (const config::Text& entry : config.roles[role].permits) {
      const Names::Meaning meaning = names.of(entry.value);
      if (meaning.role != nullptr) {
        included_by[*meaning.role].push_back(role);
        permits.entries_[role].push_back({entry.value, {}, *meaning.role, entry.at});
      } else if (meaning.operation != nullptr) {
        direct.emplace_back(*meaning.operation, role);
        permits.entries_[role].push_back({entry.value, *meaning.operation, 0, entry.at});
      } else {
        diagnostics.error(entry.at, "roles." + config.roles[role].name,
                          "`" + entry.value + "` " + std::string(meaning.mistake));
      }
    }
  }
  // From each role outwards to all that include it: each visited once, so that a circle, which the
  // configuration's own check refuses, would end here too.
  for (RoleId role = 0; role < config.roles.size(); ++role) {
    std::set<RoleId> reached = {role};
    std::vector<RoleId> open = {role};
    while (!open.empty()) {
      const RoleId at = open.back();
      open.pop_back();
      for (const RoleId next : included_by[at]) {
        if (reached.insert(next).second) open.push_back(next);
      }
    }
    for (const auto& [operation, owner] : direct) {
      if (owner != role) continue;
      for (const RoleId each : reached) permit(operation, each);
    }
  }
  return permits;
}

const OperationPermit* Permits::find(std::string_view operation) const {
  const auto found = operations_.find(operation);
  return found == operations_.end() ? nullptr : &found->second;
}

std::vector<std::string> Permits::who_may(std::string_view operation) const {
  std::vector<std::string> names;
  const OperationPermit* const permit = find(operation);
  for (RoleId role = 0; permit != nullptr && role < roles_.size(); ++role) {
    if (permit->allows({&role, 1})) names.push_back(roles_[role]);
  }
  return names;
}

// From all of the roles outwards at once, so that the way is the shortest there is.
std::vector<Permits::Grant> Permits::why(std::string_view operation,
                                         std::span<const RoleId> roles) const {
  struct Reached {
    RoleId role;
    std::size_t from;    // its place among those that were reached
    const Entry* entry;  // the entry there that includes it; null for a role of the caller's own
  };
  std::vector<Reached> reached;
  std::vector<bool> seen(entries_.size());
  const auto reach = [&](Reached one) {
    if (one.role >= seen.size() || seen[one.role]) return;
    seen[one.role] = true;
    reached.push_back(one);
  };
  for (const RoleId role : roles) reach({role, 0, nullptr});
  for (std::size_t i = 0; i < reached.size(); ++i) {
    for (const Entry& entry : entries_[reached[i].role]) {
      if (entry.operation.empty()) {
        reach({entry.included, i, &entry});
      } else if (entry.operation == operation) {
        std::vector<Grant> way = {{roles_[reached[i].role], entry.text, entry.at}};
        for (const Reached* at = &reached[i]; at->entry != nullptr; at = &reached[at->from]) {
          way.push_back({roles_[reached[at->from].role], at->entry->text, at->entry->at});
        }
        std::ranges::reverse(way);
        return way;
      }
    }
  }
  return {};
}

}  // namespace portcullis::authz
