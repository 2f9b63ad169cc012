// Mistakes in a configuration: collected, never thrown, each with its place and its remedy.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::config {

// A place in one of the files that were read; lines and columns count from 1.
struct Position {
  std::uint32_t file = 0;  // index into Diagnostics::files()
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

enum class Severity : std::uint8_t { kError, kWarning, kNote };

struct Diagnostic {
  Severity severity = Severity::kError;
  Position at;
  std::string key;      // dotted path: `apis.shop.routes[2].path`
  std::string message;  // lower case, no full stop: what is wrong and what was expected
};

class Diagnostics {
 public:
  // Registers a file and gives its index for positions.
  std::uint32_t add_file(std::string path);
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

  // Where each key of the file stands, by its dotted path: noted while it is read, for what is
  // found, or explained, when the file has long become plain values.
  void note_place(std::string key, Position at);
  [[nodiscard]] bool has_place(std::string_view key) const { return places_.contains(key); }
  // The place of `key`, or of the block around it that was written when the key itself was not.
  [[nodiscard]] std::optional<Position> place_of(std::string_view key) const;
  // `portcullis.yaml:88`; empty when nothing around it stands in a file.
  [[nodiscard]] std::string line_of(std::string_view key) const;
  [[nodiscard]] std::string line_of(Position at) const;

  void error(Position at, std::string key, std::string message);
  void warning(Position at, std::string key, std::string message);
  void note(Position at, std::string key, std::string message);

  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
  [[nodiscard]] std::size_t errors() const { return errors_; }
  [[nodiscard]] bool ok() const { return errors_ == 0; }

  // `file:line:column: error: key: message`, one a line, in order of file and place.
  [[nodiscard]] std::string to_string() const;

 private:
  std::vector<std::string> files_;
  std::map<std::string, Position, std::less<>> places_;
  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
};

}  // namespace portcullis::config
