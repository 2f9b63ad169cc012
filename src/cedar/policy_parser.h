// Policies of the human syntax.
#pragma once

#include "cedar/ast.h"

#include <vector>

namespace portcullis::cedar {

// Adds the policies and templates of the text to the set: all of them, or, when something is found,
// none that can be used. Their ids are `policy0`, `policy1`, ... by position, counted over all that
// the set holds. Goes on after the `;` of what is wrong, so that all is found at once. The set must
// own the source.
[[nodiscard]] std::vector<Finding> parse_policies(const Source& source, PolicySet& set);

// One expression and nothing else.
[[nodiscard]] Parsed<const Expr*> parse_expression(std::string_view text, AstBuilder& builder);

}  // namespace portcullis::cedar
