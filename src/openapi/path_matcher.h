// Path templates of OpenAPI documents (`/users/{id}`, `/files/{name}.{type}`) compiled into one
// tree, and the template that a request's path belongs to.
#pragma once

#include "base/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::openapi {

inline constexpr std::size_t kMaxPathParameters = 16;  // in one template
inline constexpr std::size_t kMaxPathSegments = 64;

struct PathMatch {
  std::uint32_t index = 0;  // of the template, as they were given
  std::uint32_t count = 0;  // of values
  // As they stand in the path, still encoded, in the template's order; borrows the path.
  std::array<std::string_view, kMaxPathParameters> values;
};

// Immutable; shared by all workers.
//
// Precedence, segment by segment (OpenAPI 3.1 4.8.8.1 and what it leaves open): a concrete segment
// before one with a parameter in it; of those the one with more concrete characters, then the one
// that stands first; a parameter alone last. A choice that leads to no template is taken back, so
// that a path which fits some template always finds one.
class PathMatcher {
 public:
  // Errors: kBadConfig; the detail begins with the template. Refused are two templates that differ
  // in the names of their parameters alone, a name twice in one, and parameters with nothing
  // between them.
  [[nodiscard]] static Result<PathMatcher> compile(std::span<const std::string_view> templates);

  // `path` is canonical (http/path.h). False when no template fits. A parameter is never empty and
  // never holds a `/`. Allocates nothing; visits each node of the tree at most once.
  [[nodiscard]] bool match(std::string_view path, PathMatch& out) const;

  // The names of a template's parameters, in its order.
  [[nodiscard]] std::span<const std::string> names(std::uint32_t index) const {
    return names_[index];
  }

 private:
  friend class PathCompiler;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // A segment with parameters and literals around them: parameters are one fewer than literals, of
  // which only the first and the last may be empty.
  struct Mixed {
    std::vector<std::string> literals;
    std::size_t concrete = 0;  // characters
    std::uint32_t child = kNone;
  };
  struct Node {
    std::uint32_t ends = kNone;  // the template that ends here
    std::uint32_t any = kNone;   // the node behind a parameter alone
    bool has_concrete = false;   // some entry of table_ is of this node
    std::vector<Mixed> mixed;    // the most concrete first
  };
  // Concrete segments of all nodes, in one open-addressed table. What comes from outside is only
  // looked up, so it cannot lengthen a chain.
  struct Entry {
    std::uint64_t hash = 0;
    std::uint32_t node = kNone;
    std::uint32_t child = kNone;
    std::string text;
  };

  static std::uint64_t hash_of(std::uint32_t node, std::string_view segment);
  static bool match_mixed(const Mixed& mixed, std::string_view segment, PathMatch& out);
  [[nodiscard]] std::uint32_t find_concrete(std::uint32_t node, std::string_view segment) const;
  bool descend(std::uint32_t node, std::string_view rest, PathMatch& out) const;
  bool finish(std::uint32_t child, std::string_view rest, PathMatch& out) const;

  std::vector<Node> nodes_;
  std::vector<Entry> table_;  // a power of two, at most half full
  std::vector<std::vector<std::string>> names_;
};

}  // namespace portcullis::openapi
