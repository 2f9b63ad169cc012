// The steps between a pattern's tree and its automaton: nodes that read a byte, and nodes that read
// none.
#pragma once

#include "schema/regex_syntax.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace portcullis::schema {

struct NfaNode {
  enum class Kind : std::uint8_t {
    kBytes,  // one byte of a range among edges[next, other), then where that edge leads
    kFork,   // `next` and `other`
    kStart,  // `next`, where the text begins
    kEnd,    // `next`, where the text ends
    kMatch,
  };
  Kind kind = Kind::kMatch;
  std::uint32_t next = 0;
  std::uint32_t other = 0;
};

struct NfaEdge {
  ByteRange bytes;
  std::uint32_t next = 0;
  friend auto operator<=>(const NfaEdge&, const NfaEdge&) = default;
};

// A class of characters is a tree of nodes, a level for each byte of UTF-8, so that one node stands
// for it wherever it may come next.
struct Nfa {
  std::vector<NfaNode> nodes;
  std::vector<NfaEdge> edges;
  std::uint32_t start = 0;  // of a search: the match may begin anywhere

  [[nodiscard]] std::span<const NfaEdge> edges_of(const NfaNode& node) const {
    return std::span(edges).subspan(node.next, node.other - node.next);
  }
};

// Empty beyond `max_nodes`, or where the pattern has what no node stands for.
[[nodiscard]] std::optional<Nfa> build_nfa(const Regex& regex, std::size_t max_nodes);

}  // namespace portcullis::schema
