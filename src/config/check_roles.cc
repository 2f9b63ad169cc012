// Roles: every entry means exactly one thing, and inclusion ends.
#include "config/nearest.h"
#include "config/references.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace portcullis::config {
namespace {

class RoleCheck {
 public:
  RoleCheck(const Config& config, Context& context) : config_(config), context_(context) {
    for (const Role& role : config.roles) roles_.emplace(role.name, &role);
    for (const Api& api : config.apis) {
      apis_.insert(api.name);
      for (const Route& route : api.routes)
        if (!route.operation.empty()) operations_[route.operation].insert(api.name);
    }
  }

  void run() {
    for (const Role& role : config_.roles)
      for (std::size_t i = 0; i < role.permits.size(); ++i)
        check_entry(role.permits[i], fmt::format("roles.{}[{}]", role.name, i));
    for (const Role& role : config_.roles) visit(role);
  }

 private:
  void error(const Text& entry, const std::string& key, std::string message) {
    context_.diagnostics.error(entry.at, key, std::move(message));
  }

  void check_entry(const Text& entry, const std::string& key) {
    if (entry.value.contains('.')) {
      check_full_name(entry, key);
      return;
    }
    const auto apis = operations_.find(entry.value);
    const std::size_t count = apis == operations_.end() ? 0 : apis->second.size();
    const bool is_role = roles_.contains(entry.value);
    if (is_role && count > 0) {
      error(entry, key,
            quote(entry.value) + " is a role and an operation of " + quote(*apis->second.begin()) +
                ": write " + quote(*apis->second.begin() + "." + entry.value) +
                " for the operation, or rename the role");
    } else if (count > 1) {
      std::vector<std::string> full;
      full.reserve(count);
      for (const std::string& api : apis->second) full.push_back(api + "." + entry.value);
      error(entry, key,
            quote(entry.value) + " is an operation of several APIs: write " +
                one_of({full.begin(), full.end()}));
    } else if (!is_role && count == 0 && context_.partial_apis.empty()) {
      std::vector<std::string_view> names;
      names.reserve(roles_.size() + operations_.size());
      for (const auto& [name, role] : roles_) names.push_back(name);
      for (const auto& [name, where] : operations_) names.push_back(name);
      error(entry, key,
            "neither a role nor an operation: " + quote(entry.value) +
                meant_or_all(entry.value, names));
    }
  }

  void check_full_name(const Text& entry, const std::string& key) {
    const std::size_t dot = entry.value.find('.');
    const std::string api = entry.value.substr(0, dot);
    const std::string operation = entry.value.substr(dot + 1);
    if (!apis_.contains(api)) {
      error(entry, key,
            "unknown API " + quote(api) + meant_or_all(api, {apis_.begin(), apis_.end()}));
      return;
    }
    const auto found = operations_.find(operation);
    if (found != operations_.end() && found->second.contains(api)) return;
    if (context_.partial_apis.contains(api)) return;
    std::vector<std::string_view> names;
    for (const auto& [name, where] : operations_)
      if (where.contains(api)) names.push_back(name);
    error(entry, key,
          "the API " + quote(api) + " has no operation " + quote(operation) +
              meant_or_all(operation, names));
  }

  // Depth first with an explicit stack: roles may form a chain as long as the file.
  void visit(const Role& first) {
    if (!state_.contains(first.name)) push(first);
    while (!stack_.empty()) {
      auto& [role, next] = stack_.back();
      if (next == role->permits.size()) {
        state_[role->name] = State::kDone;
        stack_.pop_back();
        continue;
      }
      const std::size_t index = next++;
      const Text& entry = role->permits[index];
      const auto included = roles_.find(entry.value);
      if (included == roles_.end()) continue;
      const auto state = state_.find(entry.value);
      if (state == state_.end())
        push(*included->second);
      else if (state->second == State::kOpen)
        error(entry, fmt::format("roles.{}[{}]", role->name, index),
              entry.value == role->name
                  ? "the role includes itself: remove the entry"
                  : quote(entry.value) + " includes " + quote(role->name) +
                        " in turn: roles may not include one another in a circle");
    }
  }

  void push(const Role& role) {
    state_[role.name] = State::kOpen;
    stack_.emplace_back(&role, 0);
  }

  enum class State : std::uint8_t { kOpen, kDone };
  const Config& config_;
  Context& context_;
  std::map<std::string_view, const Role*> roles_;
  std::set<std::string_view> apis_;
  std::map<std::string_view, std::set<std::string>> operations_;  // and the APIs that have them
  std::map<std::string_view, State> state_;
  std::vector<std::pair<const Role*, std::size_t>> stack_;  // and the next entry to follow
};

}  // namespace

void check_roles(const Config& config, Context& context) { RoleCheck(config, context).run(); }

}  // namespace portcullis::config
