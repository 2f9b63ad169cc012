#include "cedar/schema_source.h"

#include "cedar/lexer.h"

#include <algorithm>
#include <array>

namespace portcullis::cedar {

Finding finding_at(const Where& where, std::string message, std::string help) {
  if (!where.pointer.empty()) message.insert(0, "at `" + where.pointer + "`: ");
  return {where.at, std::move(message), std::move(help), Severity::kError};
}

bool is_reserved_word(std::string_view word) {
  static constexpr std::array<std::string_view, 9> kWords = {
      "true", "false", "if", "then", "else", "in", "is", "like", "has"};
  return std::ranges::find(kWords, word) != kWords.end();
}

bool is_path(std::string_view text) {
  for (;;) {
    const std::size_t colons = text.find("::");
    const std::string_view part = text.substr(0, colons);
    if (!is_identifier(part) || is_reserved_word(part)) return false;
    if (colons == std::string_view::npos) return true;
    text.remove_prefix(colons + 2);
  }
}

std::expected<SchemaSource, Findings> parse_schema(std::string_view text,
                                                   const SchemaBounds& bounds) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && text[first] == '{';
  return json ? parse_schema_json(text, bounds) : parse_schema_text(text, bounds);
}

}  // namespace portcullis::cedar
