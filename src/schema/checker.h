// Runs compiled schemas over texts. A Checker keeps its memory between checks, so that checking
// what is valid allocates nothing once it is warm; one thread uses it at a time.
#pragma once

#include "base/hash.h"
#include "schema/equal.h"
#include "schema/program.h"
#include "schema/text.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portcullis::schema {

// One rule that a text breaks. The views are of the Program.
struct Violation {
  std::string instance;  // JSON Pointer to the value; to the place of a property that is missing
                         // from, it is the object
  std::string_view keyword;
  std::string_view schema;   // where the keyword is
  std::string_view message;  // what was expected; never the value
};

class Checker {
 public:
  Checker() : key_(HashKey::random()) {}

  // Whether `text` is valid by the entry. Stops at the first violation. Work is bounded by the
  // size of the text, whatever the schema: what would cost more is not valid.
  [[nodiscard]] bool check(const Program& program, const Text& text, std::size_t entry = 0);

  // All violations, up to `limit`; none when it is valid. Agrees with check().
  [[nodiscard]] std::vector<Violation> explain(const Program& program, const Text& text,
                                               std::size_t limit, std::size_t entry = 0);

 private:
  friend class Machine;
  HashKey key_;
  std::vector<std::uint64_t> marks_;
  std::vector<std::uint32_t> scope_;  // resources that were entered, outermost first
  std::vector<std::pair<std::uint64_t, At>> hashes_;
};

}  // namespace portcullis::schema
