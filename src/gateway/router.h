// Host, path and method to a route. Compiled once; a match costs one look-up for the host and one
// for each segment.
#pragma once

#include "base/result.h"
#include "http/message.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace portcullis::gateway {

// Where a route is found; `plan` is what the match gives back.
struct RouteSpec {
  std::vector<std::string> hosts;    // exact or `*.example.com`, lower case; empty: every host
  std::string base_path;             // `` or `/v1`, canonical
  std::string path;                  // template below it: `/orders/{id}`, `/files/{path...}`;
                                     // literals canonical
  std::vector<std::string> methods;  // upper case
  std::size_t plan = 0;
};

struct Match {
  std::size_t plan = 0;
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // Routes must not collide: the configuration was checked.
  void add(const RouteSpec& route);

  // `path` is canonical. A host that is named wins over a pattern, a longer pattern over a shorter
  // one, and any of them over APIs without hosts; among the paths a literal segment wins over a
  // parameter, and both over a rest (`{path...}`). HEAD is answered by GET's route where it has
  // none of its own. Errors: kNotFound; kMethodNotAllowed, with the methods in `allow` (a list for
  // the Allow field).
  Result<Match> match(std::string_view host, std::string_view path, http::Method method,
                      std::string_view method_text, std::string& allow) const;

 private:
  struct Node;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Roots = std::unordered_map<std::string, std::unique_ptr<Node>, Hash, std::equal_to<>>;

  static const Node* find(const Node& node, std::string_view rest);
  [[nodiscard]] const Node* find_for_host(std::string_view host, std::string_view path) const;

  Roots exact_;  // by host
  std::vector<std::pair<std::string, std::unique_ptr<Node>>>
      patterns_;  // `.example.com`, longest first
  std::unique_ptr<Node> any_;
};

}  // namespace portcullis::gateway
