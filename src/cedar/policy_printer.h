// Policies back into the human syntax: one canonical form, with no more parentheses than needed.
#pragma once

#include "cedar/ast.h"

#include <string>

namespace portcullis::cedar {

// Parsing it gives the same policy again.
void append_policy(std::string& out, const Policy& policy);
void append_expr(std::string& out, const Expr& expr);

}  // namespace portcullis::cedar
