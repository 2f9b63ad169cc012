// Policies in Cedar's JSON (docs.cedarpolicy.com, "JSON policy format"), both ways.
#pragma once

#include "cedar/ast.h"
#include "cedar/value_json.h"

#include <string>
#include <string_view>

namespace portcullis::cedar {

// The greatest text; a level of an expression takes up to three of JSON.
inline constexpr json::Bounds kPolicyBounds = {.size = 1UL << 30U, .depth = 3 * kMaxHeight + 16};

// One policy or template, which goes into the set under the id.
[[nodiscard]] JsonResult<> read_policy(std::string_view text, std::string_view id, PolicySet& set);

// `{"staticPolicies": {id: …}, "templates": {id: …}, "templateLinks": […]}`, or one policy, which
// is then called `policy0` and so on.
[[nodiscard]] JsonResult<> read_policies(std::string_view text, PolicySet& set);

void append_policy_json(std::string& out, const Policy& policy);
void append_policies_json(std::string& out, const PolicySet& set);

}  // namespace portcullis::cedar
