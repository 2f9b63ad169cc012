#include "gateway/router.h"

#include <algorithm>

namespace portcullis::gateway {

struct Router::Node {
  struct Entry {
    std::string method;
    std::size_t plan = 0;
  };
  std::unordered_map<std::string, std::unique_ptr<Node>, Hash, std::equal_to<>> literals;
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> rest;
  std::vector<Entry> entries;  // of the path that ends here

  // The one for that segment of a template.
  std::unique_ptr<Node>& child(std::string_view segment) {
    if (segment.ends_with("...}")) return rest;
    if (segment.starts_with('{')) return parameter;
    return literals[std::string(segment)];
  }
};

Router::Router() = default;
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(const RouteSpec& route) {
  const auto insert = [&](std::unique_ptr<Node>& root) {
    if (root == nullptr) root = std::make_unique<Node>();
    Node* node = root.get();
    std::string_view rest;
    const std::string whole = route.base_path + route.path;
    for (rest = whole; !rest.empty();) {
      rest.remove_prefix(1);  // the slash before each segment
      const std::string_view segment = rest.substr(0, rest.find('/'));
      rest.remove_prefix(segment.size());
      std::unique_ptr<Node>& child = node->child(segment);
      if (child == nullptr) child = std::make_unique<Node>();
      node = child.get();
    }
    for (const std::string& method : route.methods) node->entries.push_back({method, route.plan});
  };
  if (route.hosts.empty()) insert(any_);
  for (const std::string& host : route.hosts) {
    if (!host.starts_with("*.")) {
      insert(exact_[host]);
      continue;
    }
    const std::string suffix = host.substr(1);
    const auto place = std::ranges::find_if(patterns_, [&](const auto& pattern) {
      return pattern.first == suffix || pattern.first.size() < suffix.size();
    });
    const bool known = place != patterns_.end() && place->first == suffix;
    auto& root = known ? place->second : patterns_.emplace(place, suffix, nullptr)->second;
    insert(root);
  }
}

// `rest` begins with the slash before the next segment. A parameter takes a whole segment, and
// never an empty one; a rest takes all that is left after that slash, be it nothing. No node is
// visited twice, so that a match costs at most the size of the tree.
const Router::Node* Router::find(const Node& node, std::string_view rest) {
  if (rest.empty()) return node.entries.empty() ? nullptr : &node;
  rest.remove_prefix(1);
  const std::string_view segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(segment.size());
  if (const auto literal = node.literals.find(segment); literal != node.literals.end()) {
    if (const Node* found = find(*literal->second, rest)) return found;
  }
  if (node.parameter != nullptr && !segment.empty()) {
    if (const Node* found = find(*node.parameter, rest)) return found;
  }
  return node.rest.get();
}

const Router::Node* Router::find_for_host(std::string_view host, std::string_view path) const {
  if (const auto exact = exact_.find(host); exact != exact_.end()) {
    if (const Node* found = find(*exact->second, path)) return found;
  }
  for (const auto& [suffix, root] : patterns_) {
    if (host.size() <= suffix.size() || !host.ends_with(suffix)) continue;
    if (const Node* found = find(*root, path)) return found;
  }
  return any_ != nullptr ? find(*any_, path) : nullptr;
}

Result<Match> Router::match(std::string_view host, std::string_view path, http::Method method,
                            std::string_view method_text, std::string& allow) const {
  const Node* node = path.starts_with('/') ? find_for_host(host, path) : nullptr;
  if (node == nullptr) return refuse(ErrorCode::kNotFound, "no route has this host and path");
  const Node::Entry* get = nullptr;
  for (const Node::Entry& entry : node->entries) {
    if (entry.method == method_text) return Match{entry.plan};
    if (entry.method == "GET") get = &entry;
  }
  if (method == http::Method::kHead && get != nullptr) return Match{get->plan};
  for (const Node::Entry& entry : node->entries) {
    if (!allow.empty()) allow += ", ";
    allow += entry.method;
    if (&entry == get) allow += ", HEAD";
  }
  return refuse(ErrorCode::kMethodNotAllowed, "the route has other methods");
}

}  // namespace portcullis::gateway
