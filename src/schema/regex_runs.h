// The direct matcher for what most patterns of APIs are: from `^` on, runs of characters of a
// class, each with a count, that cannot be confused with what follows (`^[A-Z]{3}-[0-9]{4}$`,
// `^.{1,2048}$`, `^sk_live_`). One pass without going back, and a count costs nothing however
// great.
#pragma once

#include "schema/regex_syntax.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::schema {

class RunMatcher {
 public:
  // Empty when the pattern has another shape.
  static std::optional<RunMatcher> compile(const Regex& regex);
  [[nodiscard]] bool matches(std::string_view text) const;

 private:
  struct Class {
    std::uint64_t ascii[2] = {};
    CodePointSet beyond;  // what is not ASCII
  };
  struct Step {
    std::string text;  // exactly this; or, when empty, a run of a class
    std::uint32_t index = 0;
    std::uint32_t min = 0;
    std::uint32_t max = 0;
  };

  bool match_run(const Step& step, std::string_view text, std::size_t& at) const;

  std::vector<Class> classes_;
  std::vector<Step> steps_;
  bool to_the_end_ = false;
};

}  // namespace portcullis::schema
