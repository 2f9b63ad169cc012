// A text that was written by a person, places in it, and what there is to say about them.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::cedar {

// Bytes of a source, the end not included. What was not read from a text (JSON, code) has {0, 0}.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

// From the begin of the one to the end of the other.
[[nodiscard]] constexpr Span join(Span first, Span last) { return {first.begin, last.end}; }

enum class Severity : std::uint8_t { kError, kWarning };

// Wording: lower case, no period at the end, what the user wrote in backquotes.
struct Finding {
  Span at;
  std::string message;
  std::string help;  // the remedy; may be empty
  Severity severity = Severity::kError;
};

template <typename T = void>
using Parsed = std::expected<T, Finding>;

[[nodiscard]] inline std::unexpected<Finding> fault(Span at, std::string message,
                                                    std::string help = {}) {
  return std::unexpected(Finding{at, std::move(message), std::move(help), Severity::kError});
}

// Both count from 1; columns are characters (code points), not bytes.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend bool operator==(const Position&, const Position&) = default;
};

// The greatest text that is read: offsets are 32 bits.
inline constexpr std::size_t kMaxSourceBytes = 0xffff'fffe;

// Owns a text and its name, and turns offsets into lines.
class Source {
 public:
  Source(std::string name, std::string text);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string_view text() const [[clang::lifetimebound]] { return text_; }
  [[nodiscard]] std::string_view text(Span span) const [[clang::lifetimebound]];
  [[nodiscard]] Position locate(std::uint32_t offset) const;
  // The line that holds the offset, without its end.
  [[nodiscard]] std::string_view line_of(std::uint32_t offset) const [[clang::lifetimebound]];

  // `name:line:column: error: message`, the source line with a caret below, and the help.
  [[nodiscard]] std::string describe(const Finding& finding) const;

 private:
  [[nodiscard]] std::size_t line_index(std::uint32_t offset) const;
  std::string name_;
  std::string text_;
  std::vector<std::uint32_t> lines_;  // where each line begins
};

}  // namespace portcullis::cedar
