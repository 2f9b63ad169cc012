#include "schema/schema.h"

#include "schema/compiler.h"

#include <fmt/format.h>

namespace portcullis::schema {

std::expected<Schema, std::vector<SchemaError>> Schema::compile(
    std::string_view text, const Options& options, const std::vector<std::string>& entries) {
  Problems problems(options.errors);
  Program program = Compiler(options, problems).compile(text, entries);
  if (problems.any()) return std::unexpected(std::move(problems).take());
  return Schema(std::make_shared<const Program>(std::move(program)));
}

std::string describe(const SchemaError& error, std::string_view name) {
  std::string text(error.document.empty() ? name : std::string_view(error.document));
  if (error.line > 0) text += fmt::format(":{}:{}", error.line, error.column);
  text += ": error: ";
  if (!error.pointer.empty()) text += error.pointer + ": ";
  return text + error.message;
}

}  // namespace portcullis::schema
