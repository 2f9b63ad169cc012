// The forms of paths in `rewrite`, which are written as those of routes.
#pragma once

#include "config/shaping.h"

#include <string>
#include <string_view>
#include <vector>

namespace portcullis::config {

struct ReadPathForm {
  std::vector<PathPart> parts;
  std::string problem;  // empty when there is none
};

[[nodiscard]] ReadPathForm read_path_form(std::string_view text);

// What is wrong with `to`, given `from`: a capture that `from` does not have. Empty when nothing
// is.
[[nodiscard]] std::string captures_problem(const std::vector<PathPart>& from,
                                           const std::vector<PathPart>& to);

// Whether some path of the route (a template, `/orders/{id}`) has the form.
[[nodiscard]] bool may_match(const std::vector<PathPart>& form, std::string_view route);

}  // namespace portcullis::config
