#include "schema/regex_runs.h"

#include "base/encoding.h"

#include <utility>

namespace portcullis::schema {

namespace {

using Kind = RegexNode::Kind;

struct Run {
  CodePointSet set;
  std::uint32_t min = 0;
  std::uint32_t max = 0;
};

struct Shape {
  std::vector<Run> runs;
  bool started = false;  // `^` was seen
  bool ended = false;    // `$` was seen: nothing may follow
};

std::optional<CodePointSet> single(const Regex& regex, const RegexNode& node) {
  if (node.kind == Kind::kSet) return regex.sets[node.index];
  if (node.kind == Kind::kLiteral) {
    const CodePointRange one[] = {{node.literal, node.literal}};
    return CodePointSet(one);
  }
  if (node.kind == Kind::kSequence && node.children.size() == 1)
    return single(regex, node.children.front());
  return std::nullopt;
}

bool flatten(const Regex& regex, const RegexNode& node, Shape& shape) {
  if (node.kind == Kind::kEmpty) return true;
  if (node.kind == Kind::kStart) {
    if (!shape.runs.empty() || shape.ended) return false;
    shape.started = true;
    return true;
  }
  if (node.kind == Kind::kEnd) {
    shape.ended = true;
    return true;
  }
  if (node.kind == Kind::kSequence) {
    for (const RegexNode& child : node.children) {
      if (!flatten(regex, child, shape)) return false;
    }
    return true;
  }
  const bool repeat = node.kind == Kind::kRepeat;
  std::optional<CodePointSet> set = single(regex, repeat ? node.children.front() : node);
  if (!set || shape.ended || !shape.started) return false;
  shape.runs.push_back({*std::move(set), repeat ? node.min : 1, repeat ? node.max : 1});
  return true;
}

// Without `$`, what need not match is not looked at.
void shorten(std::vector<Run>& runs) {
  while (!runs.empty() && runs.back().min == 0) runs.pop_back();
  if (!runs.empty()) runs.back().max = runs.back().min;
}

// A run that takes all that it can takes nothing that a later one needs.
bool is_deterministic(const std::vector<Run>& runs) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].min == runs[i].max) continue;
    for (std::size_t next = i + 1; next < runs.size(); ++next) {
      if (runs[next].max > 0 && runs[i].set.overlaps(runs[next].set)) return false;
      if (runs[next].min > 0) break;
    }
  }
  return true;
}

std::optional<char32_t> literal_of(const Run& run) {
  const auto ranges = run.set.ranges();
  if (run.min != 1 || run.max != 1 || ranges.size() != 1) return std::nullopt;
  const char32_t one = ranges.front().first;
  if (one != ranges.front().last || (one >= 0xd800 && one <= 0xdfff)) return std::nullopt;
  return one;
}

}  // namespace

std::optional<RunMatcher> RunMatcher::compile(const Regex& regex) {
  Shape shape;
  if (!flatten(regex, regex.root, shape) || !shape.started) return std::nullopt;
  if (!shape.ended) shorten(shape.runs);
  if (!is_deterministic(shape.runs)) return std::nullopt;
  RunMatcher matcher;
  matcher.to_the_end_ = shape.ended;
  for (Run& run : shape.runs) {
    if (const std::optional<char32_t> literal = literal_of(run)) {
      if (matcher.steps_.empty() || matcher.steps_.back().text.empty())
        matcher.steps_.emplace_back();
      append_utf8(matcher.steps_.back().text, *literal);
      continue;
    }
    Class made;
    for (const CodePointRange& range : run.set.ranges()) {
      for (char32_t one = range.first; one <= range.last && one < 0x80; ++one)
        made.ascii[one / 64] |= std::uint64_t{1} << (one % 64);
      if (range.last >= 0x80) made.beyond.add(std::max(range.first, char32_t{0x80}), range.last);
    }
    matcher.steps_.push_back(
        {"", static_cast<std::uint32_t>(matcher.classes_.size()), run.min, run.max});
    matcher.classes_.push_back(std::move(made));
  }
  return matcher;
}

bool RunMatcher::match_run(const Step& step, std::string_view text, std::size_t& at) const {
  const Class& known = classes_[step.index];
  std::uint32_t count = 0;
  while (count < step.max && at < text.size()) {
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (byte < 0x80) {
      if (((known.ascii[byte / 64] >> (byte % 64)) & 1) == 0) break;
      ++at;
    } else {
      std::size_t behind = at;
      if (!known.beyond.contains(next_code_point(text, behind))) break;
      at = behind;
    }
    ++count;
  }
  return count >= step.min;
}

bool RunMatcher::matches(std::string_view text) const {
  std::size_t at = 0;
  for (const Step& step : steps_) {
    if (step.text.empty()) {
      if (!match_run(step, text, at)) return false;
    } else {
      if (!text.substr(at).starts_with(step.text)) return false;
      at += step.text.size();
    }
  }
  return !to_the_end_ || at == text.size();
}

}  // namespace portcullis::schema
