// The door of schema/: compile a schema once, check texts by it.
//
//     auto schema = Schema::compile(text, {.dialect = kDraft2020});
//     Text instance;                                // kept, so that it costs nothing the next time
//     if (!instance.read(body)) …                   // no JSON at all
//     Checker checker;                              // one for each thread
//     if (!checker.check(schema->program(), instance))
//       for (const Violation& one : checker.explain(schema->program(), instance, 20)) …
#pragma once

#include "schema/checker.h"
#include "schema/options.h"
#include "schema/program.h"
#include "schema/text.h"

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::schema {

// Immutable, cheap to copy; any number of threads check by one at once.
class Schema {
 public:
  // `entries` are the schemas that will be checked by, as references from the document's URI; the
  // document as a whole unless said. All that is wrong is reported, up to a bound: a keyword whose
  // value is of the wrong form, a reference to what is not there, a pattern that cannot run in
  // linear time, a schema that would never come to an end. Nothing of `text` is kept but copies.
  [[nodiscard]] static std::expected<Schema, std::vector<SchemaError>> compile(
      std::string_view text, const Options& options = {},
      const std::vector<std::string>& entries = {"#"});

  [[nodiscard]] const Program& program() const [[clang::lifetimebound]] { return *program_; }

 private:
  explicit Schema(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

// `URI:line:column: error: /pointer: message`, for people; `name` stands for the document that was
// given.
[[nodiscard]] std::string describe(const SchemaError& error, std::string_view name);

}  // namespace portcullis::schema
