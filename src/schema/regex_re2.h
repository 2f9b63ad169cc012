// What the matchers of our own do not take, as a pattern of RE2: linear time in the text, within a
// bounded program.
#pragma once

#include "base/result.h"
#include "schema/regex_syntax.h"

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace portcullis::schema {

// The pattern in RE2's syntax. Counts beyond RE2's own limit are written out. Errors: kBadConfig
// when that grows beyond 1 MiB.
[[nodiscard]] Result<std::string> write_re2(const Regex& regex);

class Re2Matcher {
 public:
  // Errors: kBadConfig when the program passes 60,000 instructions.
  static Result<Re2Matcher> compile(const Regex& regex);
  [[nodiscard]] bool matches(std::string_view text) const;

 private:
  explicit Re2Matcher(std::shared_ptr<const re2::RE2> program) : program_(std::move(program)) {}
  std::shared_ptr<const re2::RE2> program_;
};

}  // namespace portcullis::schema
