// Part of machine.h: what is said of any kind of value.
#pragma once

#include "schema/machine.h"

namespace portcullis::schema {

// Whether the value is valid by a block whose failure is no violation. What it has looked at
// counts only when it is.
inline bool Machine::eval_apart(std::uint32_t block, At at, Marks* marks) {
  if (block == kAccept) return true;
  if (marks == nullptr) return eval<false>(block, at, nullptr, nullptr);
  const Marks own = open_marks(at);
  Marks inner = own;
  const bool fine = eval<false>(block, at, &inner, nullptr);
  if (fine) merge(own, *marks);
  close_marks(own);
  return fine;
}

template <bool kTell>
bool Machine::any_of(const Instruction& one, At at, Marks* marks, const Frame* where) {
  bool fine = false;
  for (std::uint32_t i = 0; i < one.b; ++i) {
    fine |= eval_apart(program_.lists[one.a + i], at, marks);
    // Where somebody asks what was looked at, each branch that is valid counts.
    if (fine && marks == nullptr) return true;
  }
  if (fine) return true;
  if constexpr (kTell) tell_nearest(one, at, where);
  return fail<kTell>(one.rule, where);
}

template <bool kTell>
bool Machine::one_of(const Instruction& one, At at, Marks* marks, const Frame* where) {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < one.b && count < 2; ++i) {
    count += eval_apart(program_.lists[one.a + i], at, marks) ? 1 : 0;
  }
  if (count == 1) return true;
  if constexpr (kTell) {
    if (count == 0) tell_nearest(one, at, where);
  }
  // The rule behind is the one for several.
  return fail<kTell>(count == 0 ? one.rule : one.rule + 1, where);
}

// Of alternatives of which none is valid: where only one is for this kind of value, what is wrong
// by that one.
inline void Machine::tell_nearest(const Instruction& one, At at, const Frame* where) {
  std::uint32_t nearest = kNone;
  for (std::uint32_t i = 0; i < one.b; ++i) {
    const std::uint32_t block = program_.lists[one.a + i];
    if (!may_be(block, text_.kind(at))) continue;
    if (nearest != kNone) return;
    nearest = block;
  }
  if (nearest != kNone) (void)eval<true>(nearest, at, nullptr, where);
}

// Whether a block lets values of a kind through at all, looking through references.
inline bool Machine::may_be(std::uint32_t number, Kind kind) const {
  constexpr int kHops = 8;
  for (int hop = 0; hop < kHops && number != kAccept; ++hop) {
    const Block& block = program_.blocks[number];
    const auto index = static_cast<unsigned>(kind);
    if ((block.kinds >> index & 1) == 0) return false;
    const Instruction& first = program_.code[block.lists[index]];
    if (first.op == Op::kFail) return false;
    if (first.op != Op::kCall) break;
    number = first.a;
  }
  return true;
}

template <bool kTell>
bool Machine::condition(const Condition& one, At at, Marks* marks, const Frame* where) {
  // Without either branch the test matters only to who asks what was looked at.
  if (marks == nullptr && one.pass == kAccept && one.fail == kAccept) return true;
  const std::uint32_t next = eval_apart(one.test, at, marks) ? one.pass : one.fail;
  return next == kAccept || eval<kTell>(next, at, marks, where);
}

// 2020-12 core 8.2.3.2: the outermost resource that was entered and has the anchor.
inline std::uint32_t Machine::find_dynamic(const Instruction& one) const {
  const std::vector<std::uint32_t>& by_resource = program_.dynamic[one.a];
  for (const std::uint32_t resource : checker_.scope_) {
    if (by_resource[resource] != kNone) return by_resource[resource];
  }
  return one.b;
}

inline bool Machine::equals_one(const Instruction& one, At at) {
  for (std::uint32_t i = 0; i < one.b; ++i) {
    const Constants& wanted = program_.constants;
    if (same_value(wanted.tokens, wanted.places[one.a + i], text_, at, budget_)) return true;
  }
  return false;
}

}  // namespace portcullis::schema
