#include "cedar/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace portcullis::cedar {
namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80; }

std::uint32_t count_characters(std::string_view text) {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(text, [](char byte) { return !is_continuation(byte); }));
}

// The longest source line that is quoted: a generated file may be one line.
constexpr std::size_t kMaxQuoted = 200;

void append_quote(std::string& out, std::string_view line, std::size_t column_bytes,
                  std::size_t marked_bytes) {
  if (column_bytes > line.size()) column_bytes = line.size();
  std::size_t from = column_bytes > kMaxQuoted / 2 ? column_bytes - kMaxQuoted / 2 : 0;
  while (from > 0 && is_continuation(line[from])) --from;
  std::string_view shown = line.substr(from, kMaxQuoted);
  while (from + shown.size() < line.size() && is_continuation(line[from + shown.size()]))
    shown.remove_suffix(1);
  std::string clean(shown);
  // A terminal obeys control characters; a quoted line must not.
  std::ranges::replace_if(
      clean, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  const std::size_t before = std::min(column_bytes - from, shown.size());
  const std::uint32_t spaces = count_characters(shown.substr(0, before));
  const std::uint32_t carets =
      std::max<std::uint32_t>(1, count_characters(shown.substr(before, marked_bytes)));
  fmt::format_to(std::back_inserter(out), "  {}\n  {:{}}{:^<{}}\n", clean, "", spaces, "", carets);
}

}  // namespace

Source::Source(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  lines_.push_back(0);
  for (std::size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1))
    lines_.push_back(static_cast<std::uint32_t>(at + 1));
}

std::string_view Source::text(Span span) const {
  const std::size_t begin = std::min<std::size_t>(span.begin, text_.size());
  return std::string_view(text_).substr(begin, span.end - span.begin);
}

std::size_t Source::line_index(std::uint32_t offset) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(lines_, offset) - lines_.begin()) - 1;
}

Position Source::locate(std::uint32_t offset) const {
  offset = static_cast<std::uint32_t>(std::min<std::size_t>(offset, text_.size()));
  const std::size_t line = line_index(offset);
  const std::string_view before =
      std::string_view(text_).substr(lines_[line], offset - lines_[line]);
  return {static_cast<std::uint32_t>(line + 1), count_characters(before) + 1};
}

std::string_view Source::line_of(std::uint32_t offset) const {
  offset = static_cast<std::uint32_t>(std::min<std::size_t>(offset, text_.size()));
  const std::size_t begin = lines_[line_index(offset)];
  std::string_view line = std::string_view(text_).substr(begin);
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string Source::describe(const Finding& finding) const {
  const Position position = locate(finding.at.begin);
  const std::string_view severity = finding.severity == Severity::kError ? "error" : "warning";
  std::string out = fmt::format("{}:{}:{}: {}: {}\n", name_, position.line, position.column,
                                severity, finding.message);
  const std::string_view line = line_of(finding.at.begin);
  const std::uint32_t begin = lines_[line_index(
      std::min<std::uint32_t>(finding.at.begin, static_cast<std::uint32_t>(text_.size())))];
  append_quote(out, line, finding.at.begin - begin, finding.at.end - finding.at.begin);
  if (!finding.help.empty()) fmt::format_to(std::back_inserter(out), "  help: {}\n", finding.help);
  return out;
}

}  // namespace portcullis::cedar
