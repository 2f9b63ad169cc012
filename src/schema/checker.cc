#include "schema/checker.h"

#include "schema/content.h"
#include "schema/machine.h"
#include "schema/machine_any.h"
#include "schema/machine_arrays.h"
#include "schema/machine_objects.h"
#include "schema/machine_scalars.h"
#include "schema/node.h"

#include <string>

namespace portcullis::schema {
namespace {

// Blocks that may be open at once: the depth of a text, times how deep a schema says things of
// one value. Keeps the stack within a worker's.
constexpr std::uint32_t kDepth = 1200;
// Work for a text: so much, and so much for each token. An ordinary schema takes two or three; one
// that offers hundreds of alternatives, hundreds.
constexpr std::uint64_t kWork = 100'000;
constexpr std::uint64_t kWorkPerToken = 1024;

void append_path(std::string& out, const Text& text, const Frame* frame) {
  if (frame == nullptr) return;
  append_path(out, text, frame->up);
  if (frame->is_element) {
    out.push_back('/');
    out += std::to_string(frame->index);
    return;
  }
  append_pointer(out, text.string(frame->name));
}

}  // namespace

Machine::Machine(Checker& checker, const Program& program, const Text& text,
                 std::vector<Violation>* violations, std::size_t limit)
    : checker_(checker),
      program_(program),
      text_(text),
      violations_(violations),
      limit_(limit),
      budget_{kWork + kWorkPerToken * text.tokens()},
      dynamic_(!program.dynamic.empty()) {
  checker_.marks_.clear();
  checker_.scope_.clear();
}

template <bool kTell>
bool Machine::run(std::size_t entry) {
  const std::uint32_t block = program_.entries[entry];
  const bool fine = block == kAccept || eval<kTell>(block, Text::root(), nullptr, nullptr);
  if (budget_.left != 0) return fine;
  if constexpr (kTell) {
    violations_->push_back({"", "", "#", "takes more work to check than a text of its size may"});
  }
  return false;
}

template <bool kTell>
bool Machine::fail(std::uint32_t rule, const Frame* where) {
  if constexpr (kTell) tell(rule, where);
  return false;
}

void Machine::tell(std::uint32_t number, const Frame* where) {
  if (violations_->size() >= limit_) return;
  const Rule& rule = program_.rules[number];
  Violation& made = violations_->emplace_back();
  append_path(made.instance, text_, where);
  made.keyword = rule.keyword;
  made.schema = rule.location;
  made.message = rule.message;
}

Marks Machine::open_marks(At at) {
  const Marks made{checker_.marks_.size(), (std::size_t{text_.count(at)} + 63) / 64};
  checker_.marks_.resize(made.base + made.words, 0);
  return made;
}

void Machine::merge(const Marks& from, const Marks& into) {
  for (std::size_t at = 0; at < from.words; ++at) {
    checker_.marks_[into.base + at] |= checker_.marks_[from.base + at];
  }
}

template <bool kTell>
bool Machine::holds(const Span& span, std::uint64_t count, const Frame* where) {
  if (count < span.min) return fail<kTell>(span.min_rule, where);
  if (count > span.max) return fail<kTell>(span.max_rule, where);
  return true;
}

template <bool kTell>
bool Machine::eval(std::uint32_t number, At at, Marks* marks, const Frame* where) {
  const Block& block = program_.blocks[number];
  if (!budget_.take(1)) [[unlikely]]
    return false;
  const auto kind = static_cast<unsigned>(text_.kind(at));
  if ((block.kinds >> kind & 1) == 0) return fail<kTell>(block.type_rule, where);
  const Instruction* const code = &program_.code[block.lists[kind]];
  if (code->op == Op::kEnd) return true;
  if (depth_ >= kDepth) [[unlikely]] {
    budget_.left = 0;
    return false;
  }
  ++depth_;
  const bool fine = block.marks || dynamic_ ? eval_marked<kTell>(block, code, at, marks, where)
                                            : run_list<kTell>(code, at, marks, where);
  --depth_;
  return fine;
}

template <bool kTell>
bool Machine::eval_marked(const Block& block, const Instruction* code, At at, Marks* marks,
                          const Frame* where) {
  const bool entered =
      dynamic_ && (checker_.scope_.empty() || checker_.scope_.back() != block.resource);
  if (entered) checker_.scope_.push_back(block.resource);
  bool fine = false;
  if (block.marks && (text_.is(at, Kind::kArray) || text_.is(at, Kind::kObject))) {
    Marks own = open_marks(at);
    fine = run_list<kTell>(code, at, &own, where);
    if (marks != nullptr) merge(own, *marks);
    close_marks(own);
  } else {
    fine = run_list<kTell>(code, at, marks, where);
  }
  if (entered) checker_.scope_.pop_back();
  return fine;
}

// What says something of any kind of value.
template <bool kTell>
bool Machine::run_any(const Instruction& one, At at, Marks* marks, const Frame* where) {
  switch (one.op) {
    case Op::kCall:
      return eval<kTell>(one.a, at, marks, where);
    case Op::kDynamicCall: {
      const std::uint32_t block = find_dynamic(one);
      return block == kAccept || eval<kTell>(block, at, marks, where);
    }
    case Op::kAnyOf:
      return any_of<kTell>(one, at, marks, where);
    case Op::kOneOf:
      return one_of<kTell>(one, at, marks, where);
    case Op::kNot:
      return !eval<false>(one.a, at, nullptr, nullptr) || fail<kTell>(one.rule, where);
    case Op::kIf:
      return condition<kTell>(program_.conditions[one.a], at, marks, where);
    case Op::kEqual:
      return equals_one(one, at) || fail<kTell>(one.rule, where);
    default:
      return fail<kTell>(one.rule, where);
  }
}

template <bool kTell>
bool Machine::run_list(const Instruction* code, At at, Marks* marks, const Frame* where) {
  bool fine = true;
  for (; code->op != Op::kEnd; ++code) {
    const Instruction& one = *code;
    bool passes = true;
    switch (one.op) {
      case Op::kInteger:
        passes = text_.is_small(at) || Number::at(text_, at).is_integer() ||
                 fail<kTell>(one.rule, where);
        break;
      case Op::kPlainInteger:
        passes = text_.is_small(at) ||
                 text_.number(at).find_first_of(".eE") == std::string_view::npos ||
                 fail<kTell>(one.rule, where);
        break;
      case Op::kRange:
        passes = in_range<kTell>(program_.ranges[one.a], at, where);
        break;
      case Op::kMultipleOf:
        passes =
            program_.divisors[one.a].divides(Number::at(text_, at)) || fail<kTell>(one.rule, where);
        break;
      case Op::kEnumNumbers:
        passes = in_set(program_.number_sets[one.a], at) || fail<kTell>(one.rule, where);
        break;
      case Op::kLength:
        passes = length<kTell>(program_.spans[one.a], at, where);
        break;
      case Op::kPattern:
        passes = matches(one.a, text_.string(at)) || fail<kTell>(one.rule, where);
        break;
      case Op::kFormat:
        passes = matches_format(static_cast<Format>(one.a), text_.string(at)) ||
                 fail<kTell>(one.rule, where);
        break;
      case Op::kEnumStrings:
        passes = program_.string_sets[one.a].find(text_.string(at)) != kNone ||
                 fail<kTell>(one.rule, where);
        break;
      case Op::kContent:
        passes = matches_content(text_.string(at), one.a != 0, one.b != 0) ||
                 fail<kTell>(one.rule, where);
        break;
      case Op::kItemCount:
      case Op::kPropertyCount:
        passes = holds<kTell>(program_.spans[one.a], text_.count(at), where);
        break;
      case Op::kUnique:
        passes = unique(at) || fail<kTell>(one.rule, where);
        break;
      case Op::kItems:
        passes = items<kTell>(program_.item_rules[one.a], at, marks, where);
        break;
      case Op::kContains:
        passes = contains<kTell>(program_.contains_rules[one.a], at, marks, where);
        break;
      case Op::kUnevaluatedItems:
        passes = unevaluated_items<kTell>(one, at, *marks, where);
        break;
      case Op::kProperties:
        passes = properties<kTell>(program_.property_rules[one.a], at, marks, where);
        break;
      case Op::kPropertyNames:
        passes = names<kTell>(one.a, at, where);
        break;
      case Op::kDependent:
        passes = dependent<kTell>(program_.dependent_rules[one.a], at, marks, where);
        break;
      case Op::kUnevaluatedProperties:
        passes = unevaluated_properties<kTell>(one, at, *marks, where);
        break;
      default:
        passes = run_any<kTell>(one, at, marks, where);
    }
    if (passes) continue;
    if (!kTell || violations_->size() >= limit_) return false;
    fine = false;
  }
  return fine;
}

bool Checker::check(const Program& program, const Text& text, std::size_t entry) {
  return Machine(*this, program, text, nullptr, 0).run<false>(entry);
}

std::vector<Violation> Checker::explain(const Program& program, const Text& text, std::size_t limit,
                                        std::size_t entry) {
  std::vector<Violation> violations;
  (void)Machine(*this, program, text, &violations, limit).run<true>(entry);
  return violations;
}

}  // namespace portcullis::schema
