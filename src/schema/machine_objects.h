// Part of machine.h: objects.
#pragma once

#include "schema/machine.h"

namespace portcullis::schema {

template <bool kTell>
bool Machine::eval_member(std::uint32_t block, At name, const Frame* where) {
  if (block == kAccept) return true;
  if constexpr (kTell) {
    const Frame here{where, name, 0, false};
    return eval<true>(block, name + 2, nullptr, &here);
  } else {
    return eval<false>(block, name + 2, nullptr, nullptr);
  }
}

template <bool kTell>
bool Machine::properties(const PropertyRules& rules, At at, Marks* marks, const Frame* where) {
  bool fine = true;
  std::uint32_t required = 0;  // that are there; no name is there twice
  const std::uint32_t count = text_.count(at);
  if (!budget_.take(count)) return false;
  At name = at + 1;
  for (std::uint32_t index = 0; index < count; ++index) {
    bool known = false;
    const std::uint32_t number = rules.names.find(text_.hash(name), text_.string(name));
    if (number != kNone) {
      const PropertyRules::Known& property = rules.known[number];
      known = property.in_properties;
      required += property.required != kNone ? 1 : 0;
      fine &= eval_member<kTell>(property.block, name, where);
    }
    for (const PropertyRules::Matching& one : rules.matching) {
      if (!matches(one.pattern, text_.string(name))) continue;
      known = true;
      fine &= eval_member<kTell>(one.block, name, where);
    }
    if (!known && rules.rest == kReject) {
      const Frame here{where, name, 0, false};
      fine = fail<kTell>(rules.rest_rule, &here);
    } else if (!known && rules.rest != kAccept) {
      fine &= eval_member<kTell>(rules.rest, name, where);
    }
    if (!fine && !kTell) return false;
    if (marks != nullptr && (known || rules.marks_rest)) mark(*marks, index);
    name = text_.after(name + 2) + 1;
  }
  if (required == rules.required) return fine;
  if constexpr (kTell) {
    for (const std::uint32_t number : rules.required_names) {
      const std::string_view wanted = rules.names.name(number);
      if (!has_member(at, name_hash(wanted), wanted)) {
        tell(rules.known[number].required_rule, where);
      }
    }
  }
  return false;
}

template <bool kTell>
bool Machine::names(std::uint32_t block, At at, const Frame* where) {
  bool fine = true;
  if (!budget_.take(text_.count(at))) return false;
  At name = at + 1;
  for (std::uint32_t left = text_.count(at); left > 0; --left) {
    const Frame here{where, name, 0, false};
    fine &= eval<kTell>(block, name, nullptr, &here);
    if (!fine && !kTell) return false;
    name = text_.after(name + 2) + 1;
  }
  return fine;
}

template <bool kTell>
bool Machine::dependent(const DependentRules& rules, At at, Marks* marks, const Frame* where) {
  bool fine = true;
  if (!budget_.take(text_.count(at))) return false;
  At name = at + 1;
  for (std::uint32_t left = text_.count(at); left > 0; --left) {
    const std::uint32_t number = rules.names.find(text_.hash(name), text_.string(name));
    name = text_.after(name + 2) + 1;
    if (number == kNone) continue;
    const DependentRules::Row& row = rules.rows[number];
    for (const DependentRules::Need& need : row.needs) {
      if (!has_member(at, need.hash, need.name)) fine = fail<kTell>(need.rule, where);
    }
    for (const std::uint32_t block : row.blocks) {
      if (block != kAccept && !eval<kTell>(block, at, marks, where)) fine = false;
    }
    if (!fine && !kTell) return false;
  }
  return fine;
}

template <bool kTell>
bool Machine::unevaluated_properties(const Instruction& one, At at, Marks& marks,
                                     const Frame* where) {
  bool fine = true;
  const std::uint32_t count = text_.count(at);
  if (!budget_.take(count)) return false;
  At name = at + 1;
  for (std::uint32_t index = 0; index < count; ++index) {
    if (!is_marked(marks, index)) {
      if (one.a == kReject) {
        const Frame here{where, name, 0, false};
        fine = fail<kTell>(one.rule, &here);
      } else {
        fine &= eval_member<kTell>(one.a, name, where);
      }
      if (!fine && !kTell) return false;
      mark(marks, index);
    }
    name = text_.after(name + 2) + 1;
  }
  return fine;
}

inline bool Machine::has_member(At at, std::uint32_t hash, std::string_view wanted) {
  const std::uint32_t count = text_.count(at);
  // A few comparisons of hashes are one step.
  if (!budget_.take(1 + count / 8)) return false;
  At name = at + 1;
  for (std::uint32_t left = count; left > 0; --left) {
    if (text_.hash(name) == hash && text_.string(name) == wanted) return true;
    name = text_.after(name + 2) + 1;
  }
  return false;
}

}  // namespace portcullis::schema
