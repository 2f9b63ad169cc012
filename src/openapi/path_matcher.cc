#include "openapi/path_matcher.h"

#include "base/encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

namespace portcullis::openapi {

namespace {

constexpr std::size_t kMaxTemplate = 4096;

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

bool is_kept(char c) { return is_unreserved(c) || std::string_view("!$&'()*+,;=:@").contains(c); }

void append_octet(std::string& out, unsigned char octet) {
  const char c = static_cast<char>(octet);
  if (is_kept(c)) {
    out += c;
  } else {
    fmt::format_to(std::back_inserter(out), "%{:02X}", octet);
  }
}

// A literal as the canonical path has it, so that both can be compared octet by octet.
Result<std::string> canonical_literal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      append_octet(out, static_cast<unsigned char>(text[i]));
      continue;
    }
    const int octet = percent_octet(text, i);
    if (octet < 0) return fail(ErrorCode::kBadConfig, "a '%' without two digits");
    append_octet(out, static_cast<unsigned char>(octet));
    i += 2;
  }
  return out;
}

struct Segment {
  std::vector<std::string> literals;  // one more than there are parameters
  [[nodiscard]] bool is_concrete() const { return literals.size() == 1; }
  [[nodiscard]] bool is_parameter() const {
    return literals.size() == 2 && literals[0].empty() && literals[1].empty();
  }
};

Result<Segment> read_segment(std::string_view text, std::vector<std::string>& names) {
  Segment segment;
  while (true) {
    const std::size_t open = text.find('{');
    const std::string_view literal = text.substr(0, open);
    if (literal.contains('}')) return fail(ErrorCode::kBadConfig, "a '}' without its '{'");
    if (open != std::string_view::npos && literal.empty() && !segment.literals.empty())
      return fail(ErrorCode::kBadConfig, "two parameters with nothing between them");
    PC_TRY(std::string canonical, canonical_literal(literal));
    segment.literals.push_back(std::move(canonical));
    if (open == std::string_view::npos) return segment;
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos)
      return fail(ErrorCode::kBadConfig, "a '{' without its '}'");
    const std::string_view name = text.substr(open + 1, close - open - 1);
    if (name.empty() || name.contains('{'))
      return fail(ErrorCode::kBadConfig, "a parameter without a name");
    if (std::ranges::find(names, name) != names.end())
      return fail(ErrorCode::kBadConfig, fmt::format("the parameter '{}' twice", name));
    names.emplace_back(name);
    text.remove_prefix(close + 1);
  }
}

// The segment before the next `/` of a path whose own first `/` is gone; `rest` keeps what follows,
// with its `/`.
std::string_view take_segment(std::string_view& rest) {
  const std::size_t slash = rest.find('/');
  const std::string_view segment = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  return segment;
}

}  // namespace

class PathCompiler {
 public:
  PathCompiler() { matcher_.nodes_.emplace_back(); }

  Result<void> add(std::string_view text, std::uint32_t index) {
    if (!text.starts_with('/')) return fail(ErrorCode::kBadConfig, "does not begin with '/'");
    if (text.size() > kMaxTemplate)
      return fail(ErrorCode::kBadConfig, fmt::format("longer than {} bytes", kMaxTemplate));
    std::vector<std::string> names;
    std::uint32_t node = 0;
    std::size_t segments = 0;
    for (std::string_view rest = text; !rest.empty(); ++segments) {
      rest.remove_prefix(1);
      PC_TRY(const Segment segment, read_segment(take_segment(rest), names));
      node = child_of(node, segment);
    }
    if (segments > kMaxPathSegments)
      return fail(ErrorCode::kBadConfig, fmt::format("more than {} segments", kMaxPathSegments));
    if (names.size() > kMaxPathParameters) {
      return fail(ErrorCode::kBadConfig,
                  fmt::format("more than {} parameters", kMaxPathParameters));
    }
    std::uint32_t& ends = matcher_.nodes_[node].ends;
    if (ends != PathMatcher::kNone) {
      return fail(ErrorCode::kBadConfig,
                  fmt::format("fits the same paths as template {} of this document", ends + 1));
    }
    ends = index;
    matcher_.names_.push_back(std::move(names));
    return {};
  }

  PathMatcher finish() {
    matcher_.table_.resize(std::bit_ceil(2 * concrete_.size() + 1));
    const std::size_t mask = matcher_.table_.size() - 1;
    for (PathMatcher::Entry& entry : concrete_) {
      std::size_t at = entry.hash & mask;
      while (matcher_.table_[at].child != PathMatcher::kNone) at = (at + 1) & mask;
      matcher_.table_[at] = std::move(entry);
    }
    return std::move(matcher_);
  }

 private:
  std::uint32_t new_node() {
    matcher_.nodes_.emplace_back();
    return static_cast<std::uint32_t>(matcher_.nodes_.size() - 1);
  }

  std::uint32_t child_of(std::uint32_t node, const Segment& segment) {
    if (segment.is_concrete()) return concrete_child(node, segment.literals.front());
    if (segment.is_parameter()) {
      if (matcher_.nodes_[node].any == PathMatcher::kNone) {
        const std::uint32_t made = new_node();
        matcher_.nodes_[node].any = made;
      }
      return matcher_.nodes_[node].any;
    }
    for (const PathMatcher::Mixed& known : matcher_.nodes_[node].mixed) {
      if (known.literals == segment.literals) return known.child;
    }
    PathMatcher::Mixed mixed;
    mixed.literals = segment.literals;
    for (const std::string& literal : mixed.literals) mixed.concrete += literal.size();
    mixed.child = new_node();
    std::vector<PathMatcher::Mixed>& all = matcher_.nodes_[node].mixed;
    const auto behind = std::ranges::find_if(
        all, [&](const PathMatcher::Mixed& known) { return known.concrete < mixed.concrete; });
    return all.insert(behind, std::move(mixed))->child;
  }

  std::uint32_t concrete_child(std::uint32_t node, const std::string& text) {
    const std::uint64_t hash = PathMatcher::hash_of(node, text);
    for (const PathMatcher::Entry& entry : concrete_) {
      if (entry.hash == hash && entry.node == node && entry.text == text) return entry.child;
    }
    const std::uint32_t child = new_node();
    matcher_.nodes_[node].has_concrete = true;
    concrete_.push_back({hash, node, child, text});
    return child;
  }

  PathMatcher matcher_;
  std::vector<PathMatcher::Entry> concrete_;
};

Result<PathMatcher> PathMatcher::compile(std::span<const std::string_view> templates) {
  PathCompiler compiler;
  for (std::uint32_t i = 0; i < templates.size(); ++i) {
    if (const Result<void> added = compiler.add(templates[i], i); !added) {
      return fail(ErrorCode::kBadConfig, fmt::format("{}: {}", templates[i], added.error().detail));
    }
  }
  return compiler.finish();
}

// Eight octets a step; it need not withstand anybody (see Entry).
std::uint64_t PathMatcher::hash_of(std::uint32_t node, std::string_view segment) {
  constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15;
  std::uint64_t hash = (node + segment.size()) * kMultiplier;
  while (!segment.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(segment.size(), sizeof word);
    std::memcpy(&word, segment.data(), size);
    hash = (std::rotl(hash, 29) ^ word) * kMultiplier;
    segment.remove_prefix(size);
  }
  return hash ^ (hash >> 32);
}

std::uint32_t PathMatcher::find_concrete(std::uint32_t node, std::string_view segment) const {
  const std::size_t mask = table_.size() - 1;
  const std::uint64_t hash = hash_of(node, segment);
  for (std::size_t at = hash & mask; table_[at].child != kNone; at = (at + 1) & mask) {
    const Entry& entry = table_[at];
    if (entry.hash == hash && entry.node == node && entry.text == segment) return entry.child;
  }
  return kNone;
}

// Each parameter takes as little as it can, and at least one character; what is left over is the
// last one's. If that does not fit, nothing does: taking more only leaves less for what follows.
bool PathMatcher::match_mixed(const Mixed& mixed, std::string_view segment, PathMatch& out) {
  const std::string& first = mixed.literals.front();
  const std::string& last = mixed.literals.back();
  if (!segment.starts_with(first)) return false;
  std::size_t at = first.size();
  for (std::size_t i = 1; i + 1 < mixed.literals.size(); ++i) {
    const std::size_t found = segment.find(mixed.literals[i], at + 1);
    if (found == std::string_view::npos) return false;
    out.values[out.count++] = segment.substr(at, found - at);
    at = found + mixed.literals[i].size();
  }
  if (segment.size() < at + 1 + last.size() || !segment.ends_with(last)) return false;
  out.values[out.count++] = segment.substr(at, segment.size() - at - last.size());
  return true;
}

bool PathMatcher::finish(std::uint32_t child, std::string_view rest, PathMatch& out) const {
  if (!rest.empty()) return descend(child, rest, out);
  out.index = nodes_[child].ends;
  return out.index != kNone;
}

// As deep as the tree: kMaxPathSegments.
bool PathMatcher::descend(std::uint32_t node, std::string_view rest, PathMatch& out) const {
  rest.remove_prefix(1);
  const std::string_view segment = take_segment(rest);
  const Node& here = nodes_[node];
  if (here.has_concrete) {
    const std::uint32_t child = find_concrete(node, segment);
    if (child != kNone && finish(child, rest, out)) return true;
  }
  const std::uint32_t count = out.count;
  for (const Mixed& mixed : here.mixed) {
    if (match_mixed(mixed, segment, out) && finish(mixed.child, rest, out)) return true;
    out.count = count;
  }
  if (here.any == kNone || segment.empty()) return false;
  out.values[out.count++] = segment;
  if (finish(here.any, rest, out)) return true;
  out.count = count;
  return false;
}

bool PathMatcher::match(std::string_view path, PathMatch& out) const {
  out.count = 0;
  return path.starts_with('/') && descend(0, path, out);
}

}  // namespace portcullis::openapi
