#include "schema/regex_nfa.h"

#include <map>
#include <ranges>
#include <utility>

namespace portcullis::schema {

namespace {

using Kind = RegexNode::Kind;

// Builds from the end: each piece is made with what follows it known.
class Builder {
 public:
  Builder(const Regex& regex, std::size_t max_nodes) : regex_(regex), max_nodes_(max_nodes) {}

  std::optional<Nfa> build() {
    const std::uint32_t match = add({NfaNode::Kind::kMatch, 0, 0});
    const std::uint32_t body = piece(regex_.root, match);
    nfa_.start = fork(body, body);
    const std::uint32_t skip = bytes({{{0, 255}, nfa_.start}});
    if (failed_) return std::nullopt;
    nfa_.nodes[nfa_.start].other = skip;
    return std::move(nfa_);
  }

 private:
  std::uint32_t add(NfaNode node) {
    if (nfa_.nodes.size() >= max_nodes_) {
      failed_ = true;
      return 0;
    }
    nfa_.nodes.push_back(node);
    return static_cast<std::uint32_t>(nfa_.nodes.size() - 1);
  }

  std::uint32_t fork(std::uint32_t one, std::uint32_t other) {
    return add({NfaNode::Kind::kFork, one, other});
  }

  std::uint32_t piece(const RegexNode& node, std::uint32_t next) {
    if (failed_) return 0;
    switch (node.kind) {
      case Kind::kEmpty:
        return next;
      case Kind::kLiteral:
        return range({node.literal, node.literal}, next);
      case Kind::kSet:
        return set(regex_.sets[node.index], next);
      case Kind::kSequence:
        for (const RegexNode& child : std::views::reverse(node.children)) next = piece(child, next);
        return next;
      case Kind::kChoice: {
        std::uint32_t made = piece(node.children.back(), next);
        for (const RegexNode& child : std::views::reverse(node.children) | std::views::drop(1))
          made = fork(piece(child, next), made);
        return made;
      }
      case Kind::kRepeat:
        return repeat(node, next);
      case Kind::kStart:
        return add({NfaNode::Kind::kStart, next, 0});
      case Kind::kEnd:
        return add({NfaNode::Kind::kEnd, next, 0});
      case Kind::kWordBoundary:
      case Kind::kNotWordBoundary:
      case Kind::kLookaround:
      case Kind::kBackReference:
        failed_ = true;
        return 0;
    }
    return 0;
  }

  std::uint32_t repeat(const RegexNode& node, std::uint32_t next) {
    const RegexNode& child = node.children.front();
    if (node.max == Regex::kNoLimit) {
      const std::uint32_t loop = fork(next, next);
      const std::uint32_t body = piece(child, loop);
      if (failed_) return 0;
      nfa_.nodes[loop].other = body;
      next = loop;
    } else {
      const std::uint32_t end = next;
      for (std::uint32_t left = node.max - node.min; left > 0 && !failed_; --left)
        next = fork(piece(child, next), end);
    }
    // A child without nodes of its own can be repeated for ever at no cost, and is then done with.
    for (std::uint32_t left = node.min; left > 0 && !failed_; --left) {
      const std::uint32_t before = next;
      next = piece(child, next);
      if (next == before) break;
    }
    return next;
  }

  std::uint32_t range(CodePointRange range, std::uint32_t next) {
    sequences_.clear();
    append_utf8_sequences(range, sequences_);
    return tree(sequences_, 0, next);
  }

  std::uint32_t set(const CodePointSet& set, std::uint32_t next) {
    sequences_.clear();
    for (const CodePointRange& one : set.ranges()) append_utf8_sequences(one, sequences_);
    return tree(sequences_, 0, next);
  }

  // Of sequences that are alike before `place`. Without any, nothing matches: a set without
  // members, and surrogates, which UTF-8 does not have.
  std::uint32_t tree(std::span<const ByteSequence> sequences, std::size_t place,
                     std::uint32_t next) {
    std::vector<NfaEdge> edges;
    while (!sequences.empty() && !failed_) {
      const ByteRange first = sequences.front().bytes[place];
      std::size_t count = 1;
      while (count < sequences.size() && sequences[count].bytes[place] == first) ++count;
      const bool last = place + 1 == sequences.front().size;
      edges.push_back({first, last ? next : tree(sequences.first(count), place + 1, next)});
      sequences = sequences.subspan(count);
    }
    return bytes(std::move(edges));
  }

  // One node for the same edges, wherever they are asked for.
  std::uint32_t bytes(std::vector<NfaEdge> edges) {
    if (failed_) return 0;
    const auto known = nodes_.find(edges);
    if (known != nodes_.end()) return known->second;
    const auto begin = static_cast<std::uint32_t>(nfa_.edges.size());
    nfa_.edges.insert(nfa_.edges.end(), edges.begin(), edges.end());
    if (nfa_.edges.size() > 4 * max_nodes_) failed_ = true;
    const std::uint32_t made =
        add({NfaNode::Kind::kBytes, begin, static_cast<std::uint32_t>(nfa_.edges.size())});
    nodes_.emplace(std::move(edges), made);
    return made;
  }

  const Regex& regex_;
  std::size_t max_nodes_;
  Nfa nfa_;
  bool failed_ = false;
  std::vector<ByteSequence> sequences_;
  std::map<std::vector<NfaEdge>, std::uint32_t> nodes_;
};

}  // namespace

std::optional<Nfa> build_nfa(const Regex& regex, std::size_t max_nodes) {
  return Builder(regex, max_nodes).build();
}

}  // namespace portcullis::schema
