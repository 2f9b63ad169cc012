#include "schema/regex_re2.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <re2/re2.h>
#include <span>

namespace portcullis::schema {

namespace {

using Kind = RegexNode::Kind;

constexpr std::size_t kMaxText = 1024 * 1024;
constexpr int kMaxProgram = 60'000;
constexpr std::int64_t kMaxMemory = 16 * 1024 * 1024;  // of a program and its caches
// RE2 divides this by each count on the way down into nested ones, and refuses at zero.
constexpr std::uint32_t kRe2Counts = 1000;

// What of RE2's thousand the counts within a node need.
std::uint32_t counts_within(const RegexNode& node) {
  std::uint32_t most = 1;
  for (const RegexNode& child : node.children) most = std::max(most, counts_within(child));
  if (node.kind != Kind::kRepeat) return most;
  const std::uint32_t count = node.max == Regex::kNoLimit ? node.min : node.max;
  return most > kRe2Counts || count > kRe2Counts ? kRe2Counts + 1
                                                 : most * std::max<std::uint32_t>(count, 1);
}

class Writer {
 public:
  explicit Writer(const Regex& regex) : regex_(regex) {}

  Result<std::string> write() {
    piece(regex_.root);
    if (full()) {
      return fail(ErrorCode::kBadConfig,
                  fmt::format("its counts, written out, need more than {} bytes", kMaxText));
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool full() const { return out_.size() > kMaxText; }

  void piece(const RegexNode& node) {
    if (full()) return;
    switch (node.kind) {
      case Kind::kEmpty:
        out_ += "(?:)";
        break;
      case Kind::kLiteral:
        ranges(std::vector{CodePointRange{node.literal, node.literal}});
        break;
      case Kind::kSet:
        ranges(regex_.sets[node.index].ranges());
        break;
      case Kind::kSequence:
        for (const RegexNode& child : node.children) piece(child);
        break;
      case Kind::kChoice:
        out_ += "(?:";
        for (std::size_t i = 0; i < node.children.size(); ++i) {
          if (i > 0) out_ += '|';
          piece(node.children[i]);
        }
        out_ += ')';
        break;
      case Kind::kRepeat:
        repeat(node);
        break;
      case Kind::kStart:
        out_ += "\\A";
        break;
      case Kind::kEnd:
        out_ += "\\z";
        break;
      case Kind::kWordBoundary:
        out_ += "\\b";
        break;
      case Kind::kNotWordBoundary:
        out_ += "\\B";
        break;
      case Kind::kLookaround:
      case Kind::kBackReference:
        break;  // Pattern::compile() refuses them
    }
  }

  void ranges(std::span<const CodePointRange> all) {
    if (all.empty()) {
      out_ += "[^\\x{0}-\\x{10FFFF}]";
      return;
    }
    out_ += '[';
    for (const CodePointRange& range : all) {
      fmt::format_to(std::back_inserter(out_), "\\x{{{:X}}}-\\x{{{:X}}}",
                     static_cast<std::uint32_t>(range.first),
                     static_cast<std::uint32_t>(range.last));
    }
    out_ += ']';
  }

  // The child `min` to `max` times as often as RE2's own count allows in one piece, the rest as
  // copies: any number up to twice n is up to n and again up to n.
  void repeat(const RegexNode& node) {
    const RegexNode& child = node.children.front();
    const std::uint32_t within = counts_within(child);
    const std::uint32_t chunk = within > kRe2Counts ? 1 : kRe2Counts / within;
    copies(child, node.min, chunk, [](std::uint32_t n) { return fmt::format("{{{}}}", n); });
    if (node.max == Regex::kNoLimit) {
      copies(child, 1, 1, [](std::uint32_t) { return std::string("*"); });
    } else {
      copies(child, node.max - node.min, chunk,
             [](std::uint32_t n) { return n == 1 ? "?" : fmt::format("{{0,{}}}", n); });
    }
  }

  template <typename Suffix>
  void copies(const RegexNode& child, std::uint32_t count, std::uint32_t chunk, Suffix suffix) {
    while (count > 0 && !full()) {
      const std::uint32_t now = std::min(count, chunk);
      out_ += "(?:";
      piece(child);
      out_ += ')';
      const std::string written = suffix(now);
      if (written != "{1}") out_ += written;
      count -= now;
    }
  }

  const Regex& regex_;
  std::string out_;
};

}  // namespace

Result<std::string> write_re2(const Regex& regex) { return Writer(regex).write(); }

Result<Re2Matcher> Re2Matcher::compile(const Regex& regex) {
  PC_TRY(const std::string text, write_re2(regex));
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(kMaxMemory);
  auto program = std::make_shared<const re2::RE2>(text, options);
  if (!program->ok() || program->ProgramSize() > kMaxProgram) {
    return fail(ErrorCode::kBadConfig,
                fmt::format("its program is larger than {} instructions", kMaxProgram));
  }
  return Re2Matcher(std::move(program));
}

bool Re2Matcher::matches(std::string_view text) const {
  return program_->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                         re2::RE2::UNANCHORED, nullptr, 0);
}

}  // namespace portcullis::schema
