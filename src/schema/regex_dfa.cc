#include "schema/regex_dfa.h"

#include "schema/regex_nfa.h"

#include <algorithm>
#include <map>
#include <utility>

namespace portcullis::schema {

namespace {

constexpr std::size_t kMaxEntries = 32768;
constexpr std::size_t kMaxNodes = 8192;
constexpr std::size_t kMaxWork = 300'000;

}  // namespace

// Sets of nodes become states, one after another, until none is new.
class DfaBuilder {
 public:
  explicit DfaBuilder(Nfa nfa) : nfa_(std::move(nfa)), seen_(nfa_.nodes.size()) {}

  std::optional<DfaMatcher> build() {
    divide_bytes();
    rows_.resize(2 * dfa_.stride_);  // dead, matched
    sets_.resize(2);
    // Where the text begins `^` holds, so that this state is not one of the others.
    std::vector<std::uint32_t> first;
    close(nfa_.start, Where::kAtStart, first);
    const std::uint32_t start = settle(std::move(first), Where::kAtStart);
    for (std::uint32_t state = 2; state < sets_.size(); ++state) {
      if (!expand(state)) return std::nullopt;
    }
    finish(start);
    return std::move(dfa_);
  }

 private:
  enum class Where : std::uint8_t { kWithin, kAtStart };

  // Bytes that no node tells apart are one class.
  void divide_bytes() {
    std::array<bool, 257> begins{};
    begins[0] = true;
    for (const NfaNode& node : nfa_.nodes) {
      if (node.kind != NfaNode::Kind::kBytes) continue;
      for (const NfaEdge& edge : nfa_.edges_of(node)) {
        begins[edge.bytes.first] = true;
        begins[edge.bytes.last + 1U] = true;
      }
    }
    std::uint8_t current = 0;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      if (byte > 0 && begins[byte]) ++current;
      dfa_.classes_[byte] = current;
    }
    class_count_ = current + std::size_t{1};
    dfa_.stride_ = class_count_ + 1;
    targets_.resize(class_count_);
  }

  // The nodes that read a byte, match or wait for the end, reached from `from` without reading.
  void close(std::uint32_t from, Where where, std::vector<std::uint32_t>& out) {
    stack_.push_back(from);
    while (!stack_.empty()) {
      const std::uint32_t at = stack_.back();
      stack_.pop_back();
      ++work_;
      if (std::exchange(seen_[at], round_) == round_) continue;
      const NfaNode& node = nfa_.nodes[at];
      switch (node.kind) {
        case NfaNode::Kind::kFork:
          stack_.push_back(node.other);
          stack_.push_back(node.next);
          break;
        case NfaNode::Kind::kStart:
          if (where == Where::kAtStart) stack_.push_back(node.next);
          break;
        case NfaNode::Kind::kBytes:
        case NfaNode::Kind::kEnd:
        case NfaNode::Kind::kMatch:
          out.push_back(at);
          break;
      }
    }
  }

  [[nodiscard]] bool holds_match(const std::vector<std::uint32_t>& set) const {
    return std::ranges::any_of(
        set, [this](std::uint32_t at) { return nfa_.nodes[at].kind == NfaNode::Kind::kMatch; });
  }

  // Whether a match is reached once `$` holds.
  bool matches_at_end(const std::vector<std::uint32_t>& set, Where where) {
    std::vector<std::uint32_t> waiting;
    ++round_;
    for (const std::uint32_t at : set) {
      if (nfa_.nodes[at].kind == NfaNode::Kind::kEnd) close(nfa_.nodes[at].next, where, waiting);
    }
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      const NfaNode& node = nfa_.nodes[waiting[i]];
      if (node.kind == NfaNode::Kind::kMatch) return true;
      if (node.kind == NfaNode::Kind::kEnd) close(node.next, where, waiting);
    }
    return false;
  }

  // The state of a set.
  std::uint32_t settle(std::vector<std::uint32_t> set, Where where) {
    ++round_;
    if (holds_match(set)) return 1;
    std::ranges::sort(set);
    const auto next = static_cast<std::uint32_t>(sets_.size());
    if (where == Where::kWithin) {
      const auto [known, added] = states_.try_emplace(set, next);
      if (!added) return known->second;
    }
    rows_.resize(rows_.size() + dfa_.stride_);
    rows_.back() = matches_at_end(set, where) ? 1 : 0;
    sets_.push_back(std::move(set));
    ++round_;
    return next;
  }

  bool expand(std::uint32_t state) {
    for (auto& target : targets_) target.clear();
    for (const std::uint32_t at : sets_[state]) {
      const NfaNode& node = nfa_.nodes[at];
      if (node.kind != NfaNode::Kind::kBytes) continue;
      for (const NfaEdge& edge : nfa_.edges_of(node)) {
        for (std::size_t one = dfa_.classes_[edge.bytes.first];
             one <= dfa_.classes_[edge.bytes.last]; ++one) {
          targets_[one].push_back(edge.next);
          ++work_;
        }
      }
    }
    for (std::size_t one = 0; one < class_count_; ++one) {
      rows_[state * dfa_.stride_ + one] = follow(targets_[one]);
      if (rows_.size() > kMaxEntries || work_ > kMaxWork) return false;
    }
    return true;
  }

  // The state behind a byte that leads to `targets`.
  std::uint32_t follow(const std::vector<std::uint32_t>& targets) {
    const auto [known, added] = followed_.try_emplace(targets, 0);
    if (added) {
      std::vector<std::uint32_t> set;
      for (const std::uint32_t at : targets) close(at, Where::kWithin, set);
      known->second = settle(std::move(set), Where::kWithin);
    }
    return known->second;
  }

  // States from which nothing matches become the dead one, so that a search ends where it is lost.
  void finish(std::uint32_t start) {
    const std::size_t count = sets_.size();
    std::vector<std::vector<std::uint32_t>> before(count);
    std::vector<bool> alive(count);
    std::vector<std::uint32_t> open = {1};
    for (std::uint32_t state = 2; state < count; ++state) {
      const std::uint32_t* row = &rows_[state * dfa_.stride_];
      for (std::size_t one = 0; one < class_count_; ++one) before[row[one]].push_back(state);
      if (row[class_count_] != 0) open.push_back(state);
    }
    for (const std::uint32_t state : open) alive[state] = true;
    while (!open.empty()) {
      const std::uint32_t state = open.back();
      open.pop_back();
      for (const std::uint32_t from : before[state]) {
        if (alive[from]) continue;
        alive[from] = true;
        open.push_back(from);
      }
    }
    const auto place = [&](std::uint32_t state) {
      return alive[state] ? static_cast<std::uint16_t>(state * dfa_.stride_) : std::uint16_t{0};
    };
    dfa_.table_.resize(rows_.size());
    for (std::size_t i = 2 * dfa_.stride_; i < rows_.size(); ++i) {
      const bool end = i % dfa_.stride_ == class_count_;
      dfa_.table_[i] = end ? static_cast<std::uint16_t>(rows_[i]) : place(rows_[i]);
    }
    dfa_.start_ = place(start);
  }

  Nfa nfa_;
  DfaMatcher dfa_;
  std::size_t class_count_ = 0;
  std::vector<std::uint32_t> rows_;
  std::vector<std::vector<std::uint32_t>> sets_;
  using ByNodes = std::map<std::vector<std::uint32_t>, std::uint32_t>;
  ByNodes states_;                                   // by all of its nodes
  ByNodes followed_;                                 // by the nodes that a byte led to
  std::vector<std::vector<std::uint32_t>> targets_;  // of one state, by class
  std::vector<std::uint32_t> stack_;
  std::vector<std::uint32_t> seen_;  // the round in which a node was reached
  std::uint32_t round_ = 1;
  std::size_t work_ = 0;
};

std::optional<DfaMatcher> DfaMatcher::compile(const Regex& regex) {
  std::optional<Nfa> nfa = build_nfa(regex, kMaxNodes);
  if (!nfa) return std::nullopt;
  return DfaBuilder(*std::move(nfa)).build();
}

}  // namespace portcullis::schema
