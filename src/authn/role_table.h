// The configuration's roles by number, so that a decision compares numbers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::authn {

class RoleTable {
 public:
  RoleTable() = default;
  // The number of a role is its place in `names`.
  explicit RoleTable(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      ids_.emplace(name, static_cast<std::uint32_t>(ids_.size()));
    }
  }

  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const {
    const auto found = ids_.find(name);
    if (found == ids_.end()) return std::nullopt;
    return found->second;
  }
  // The numbers of those names that the configuration knows.
  [[nodiscard]] std::vector<std::uint32_t> find_all(const std::vector<std::string>& names) const {
    std::vector<std::uint32_t> ids;
    for (const std::string& name : names) {
      if (const auto id = find(name)) ids.push_back(*id);
    }
    return ids;
  }

 private:
  std::map<std::string, std::uint32_t, std::less<>> ids_;
};

}  // namespace portcullis::authn
