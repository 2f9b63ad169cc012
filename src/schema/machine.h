// The inside of Checker: one check of one text. The functions are in machine_*.h, which checker.cc
// alone includes, so that they become one. Each is there twice: one says only
// whether, the other (`kTell`) goes on after a violation and notes them all.
#pragma once

#include "schema/checker.h"

namespace portcullis::schema {

// The way to a value, innermost first; on the stack, and only when somebody wants to be told.
struct Frame {
  const Frame* up = nullptr;
  At name = 0;              // of a member
  std::uint32_t index = 0;  // of an element, when `is_element`
  bool is_element = false;
};

// Which members or elements of one value some keyword has looked at: bits in Checker::marks_.
struct Marks {
  std::size_t base = 0;
  std::size_t words = 0;
};

class Machine {
 public:
  Machine(Checker& checker, const Program& program, const Text& text,
          std::vector<Violation>* violations, std::size_t limit);

  template <bool kTell>
  [[nodiscard]] bool run(std::size_t entry);

 private:
  template <bool kTell>
  bool eval(std::uint32_t block, At at, Marks* marks, const Frame* where);
  template <bool kTell>
  bool eval_marked(const Block& block, const Instruction* code, At at, Marks* marks,
                   const Frame* where);
  template <bool kTell>
  bool run_list(const Instruction* code, At at, Marks* marks, const Frame* where);
  template <bool kTell>
  bool run_any(const Instruction& one, At at, Marks* marks, const Frame* where);
  template <bool kTell>
  bool fail(std::uint32_t rule, const Frame* where);
  void tell(std::uint32_t rule, const Frame* where);
  template <bool kTell>
  bool holds(const Span& span, std::uint64_t count, const Frame* where);

  // Applicators (machine_any.h).
  bool eval_apart(std::uint32_t block, At at, Marks* marks);
  template <bool kTell>
  bool any_of(const Instruction& one, At at, Marks* marks, const Frame* where);
  template <bool kTell>
  bool one_of(const Instruction& one, At at, Marks* marks, const Frame* where);
  void tell_nearest(const Instruction& one, At at, const Frame* where);
  [[nodiscard]] bool may_be(std::uint32_t block, Kind kind) const;
  template <bool kTell>
  bool condition(const Condition& one, At at, Marks* marks, const Frame* where);
  [[nodiscard]] std::uint32_t find_dynamic(const Instruction& one) const;
  [[nodiscard]] bool equals_one(const Instruction& one, At at);

  // Numbers and strings (machine_scalars.h).
  template <bool kTell>
  bool in_range(const Range& range, At at, const Frame* where);
  [[nodiscard]] bool in_set(const NumberSet& set, At at) const;
  template <bool kTell>
  bool length(const Span& span, At at, const Frame* where);
  [[nodiscard]] bool matches(std::uint32_t pattern, std::string_view text);

  // Arrays (machine_arrays.h).
  template <bool kTell>
  bool items(const ItemRules& rules, At at, Marks* marks, const Frame* where);
  template <bool kTell>
  bool contains(const ContainsRule& rule, At at, Marks* marks, const Frame* where);
  [[nodiscard]] bool unique(At at);
  template <bool kTell>
  bool unevaluated_items(const Instruction& one, At at, Marks& marks, const Frame* where);

  // Objects (machine_objects.h).
  template <bool kTell>
  bool properties(const PropertyRules& rules, At at, Marks* marks, const Frame* where);
  template <bool kTell>
  bool eval_member(std::uint32_t block, At name, const Frame* where);
  template <bool kTell>
  bool names(std::uint32_t block, At at, const Frame* where);
  template <bool kTell>
  bool dependent(const DependentRules& rules, At at, Marks* marks, const Frame* where);
  template <bool kTell>
  bool unevaluated_properties(const Instruction& one, At at, Marks& marks, const Frame* where);
  [[nodiscard]] bool has_member(At at, std::uint32_t hash, std::string_view name);

  [[nodiscard]] Marks open_marks(At at);
  void close_marks(const Marks& marks) { checker_.marks_.resize(marks.base); }
  void merge(const Marks& from, const Marks& into);
  void mark(const Marks& marks, std::uint32_t index) {
    checker_.marks_[marks.base + index / 64] |= std::uint64_t{1} << (index % 64);
  }
  [[nodiscard]] bool is_marked(const Marks& marks, std::uint32_t index) const {
    return (checker_.marks_[marks.base + index / 64] >> (index % 64) & 1) != 0;
  }

  Checker& checker_;
  const Program& program_;
  const Text& text_;
  std::vector<Violation>* violations_;
  std::size_t limit_;
  Budget budget_;
  std::uint32_t depth_ = 0;
  bool dynamic_;
};

}  // namespace portcullis::schema
