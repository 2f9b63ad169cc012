// Policies, schemas and the other files of the `policy` commands.
#pragma once

#include "base/result.h"
#include "cedar/ast.h"
#include "cedar/schema.h"
#include "cli/command.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::cli {

// `-` is standard input. Errors: kMachine, with the path.
[[nodiscard]] Result<std::string> read_text(const std::string& path);

// The file itself, or the `.cedar` files below a folder in the order of their names.
[[nodiscard]] Result<std::vector<std::string>> policy_files_of(const std::string& path);

// Whether it is Cedar's JSON: the human syntax of nothing begins with `{`.
[[nodiscard]] bool is_json(std::string_view text);

// Policies of a file, or of all `.cedar` files below a folder in the order of their names; what
// begins with `{` is Cedar's JSON. Says in `console.err` what is wrong with them; `code` is then
// kUsage or kMachine.
[[nodiscard]] std::unique_ptr<cedar::PolicySet> load_policies(const std::string& path,
                                                              Console& console, int& code);
// Of either syntax.
[[nodiscard]] std::optional<cedar::Schema> load_schema(const std::string& path, Console& console,
                                                       int& code);

}  // namespace portcullis::cli
