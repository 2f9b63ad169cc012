// Part of machine.h: arrays.
#pragma once

#include "schema/machine.h"

#include <algorithm>

namespace portcullis::schema {

template <bool kTell>
bool Machine::items(const ItemRules& rules, At at, Marks* marks, const Frame* where) {
  bool fine = true;
  const std::uint32_t count = text_.count(at);
  const auto prefix = static_cast<std::uint32_t>(rules.prefix.size());
  At element = at + 1;
  // Where the rest may be anything, it is not walked.
  const std::uint32_t end = rules.rest == kAccept ? std::min(count, prefix) : count;
  if (!budget_.take(end)) return false;
  for (std::uint32_t index = 0; index < end; ++index) {
    const std::uint32_t block = index < prefix ? rules.prefix[index] : rules.rest;
    const Frame here{where, 0, index, true};
    if (block == kReject) {
      fine = fail<kTell>(rules.rest_rule, &here);
    } else if (block != kAccept && !eval<kTell>(block, element, nullptr, &here)) {
      fine = false;
    }
    if (!fine && !kTell) return false;
    element = text_.after(element) + 1;
  }
  if (marks != nullptr) {
    const std::uint32_t seen = rules.marks_all ? count : std::min(count, prefix);
    for (std::uint32_t index = 0; index < seen; ++index) mark(*marks, index);
  }
  return fine;
}

template <bool kTell>
bool Machine::contains(const ContainsRule& rule, At at, Marks* marks, const Frame* where) {
  const std::uint32_t count = text_.count(at);
  const bool ask_all = rule.marks && marks != nullptr;
  std::uint64_t found = 0;
  if (!budget_.take(count)) return false;
  At element = at + 1;
  for (std::uint32_t index = 0; index < count; ++index) {
    if (rule.block == kAccept || eval<false>(rule.block, element, nullptr, nullptr)) {
      ++found;
      if (ask_all) mark(*marks, index);
      if (found > rule.count.max) break;
      if (!ask_all && rule.count.max == UINT64_MAX && found >= rule.count.min) break;
    }
    element = text_.after(element) + 1;
  }
  return holds<kTell>(rule.count, found, where);
}

inline bool Machine::unique(At at) {
  constexpr std::uint32_t kPairwise = 8;
  const std::uint32_t count = text_.count(at);
  if (count < 2) return true;
  auto& hashes = checker_.hashes_;
  hashes.clear();
  At element = at + 1;
  const bool few = count <= kPairwise;
  // Hashing looks at every token within.
  if (!few && !budget_.take(text_.after(at) - at)) return false;
  for (std::uint32_t left = count; left > 0; --left) {
    hashes.emplace_back(few ? 0 : hash_value(checker_.key_, text_, element), element);
    element = text_.after(element) + 1;
  }
  if (!few) std::ranges::sort(hashes);
  for (std::size_t i = 1; i < hashes.size(); ++i) {
    for (std::size_t k = i; k-- > 0 && hashes[k].first == hashes[i].first;) {
      if (same_value(text_, hashes[i].second, text_, hashes[k].second, budget_)) return false;
    }
  }
  return true;
}

template <bool kTell>
bool Machine::unevaluated_items(const Instruction& one, At at, Marks& marks, const Frame* where) {
  bool fine = true;
  const std::uint32_t count = text_.count(at);
  if (!budget_.take(count)) return false;
  At element = at + 1;
  for (std::uint32_t index = 0; index < count; ++index) {
    if (!is_marked(marks, index)) {
      const Frame here{where, 0, index, true};
      if (one.a == kReject) {
        fine = fail<kTell>(one.rule, &here);
      } else if (one.a != kAccept && !eval<kTell>(one.a, element, nullptr, &here)) {
        fine = false;
      }
      if (!fine && !kTell) return false;
      mark(marks, index);
    }
    element = text_.after(element) + 1;
  }
  return fine;
}

}  // namespace portcullis::schema
