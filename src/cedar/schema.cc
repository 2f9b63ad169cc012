#include "cedar/schema.h"

#include "cedar/escape.h"

#include <algorithm>

namespace portcullis::cedar {

namespace {

constexpr std::size_t kMostCompared = 5000;
constexpr std::size_t kLongestCompared = 100;

// How many bytes to insert, remove, replace or swap with the next; given up beyond `limit`.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::vector<std::size_t> next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    std::size_t least = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      next[j] = std::min({replaced, row[j] + 1, next[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], above[j - 2] + 1);
      least = std::min(least, next[j]);
    }
    if (least > limit) return limit + 1;
    above.swap(row);
    row.swap(next);
  }
  return row[b.size()];
}

}  // namespace

bool SchemaEntity::may_hold(std::string_view type) const {
  return std::ranges::binary_search(descendants, type);
}

const SchemaEntity* Schema::entity(std::string_view name) const {
  const auto at = entities_.find(name);
  return at == entities_.end() ? nullptr : &at->second;
}

const SchemaAction* Schema::action(std::string_view type, std::string_view id) const {
  const auto at = actions_.find(ActionName{std::string(type), std::string(id)});
  return at == actions_.end() ? nullptr : &at->second;
}

bool Schema::is_action_type(std::string_view name) const {
  return std::ranges::binary_search(action_types_, name);
}

bool is_action_name(std::string_view type) {
  return type == "Action" || type.ends_with("::Action");
}

std::string nearest(std::string_view wanted, const std::vector<std::string>& names) {
  if (wanted.empty() || wanted.size() > kLongestCompared) return {};
  const std::string_view end = wanted.substr(wanted.rfind(':') + 1);
  std::size_t best = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  std::string found;
  std::size_t looked_at = 0;
  for (const std::string& name : names) {
    if (++looked_at > kMostCompared) break;
    if (name == wanted || name.size() > kLongestCompared) continue;
    // The same name in another namespace is what is meant more often than a misspelling is.
    const bool other_space = name.substr(name.rfind(':') + 1) == end && name != end;
    const std::size_t far = other_space ? 0 : distance(wanted, name, best);
    if (far >= best) continue;
    best = far;
    found = name;
  }
  return found;
}

std::string did_you_mean(std::string_view wanted, const std::vector<std::string>& names) {
  const std::string name = nearest(wanted, names);
  return name.empty() ? std::string() : "did you mean `" + name + "`?";
}

std::string to_string(const ActionName& name) { return name.type + "::" + escaped(name.id); }

}  // namespace portcullis::cedar
