// The validator, in strict mode: whether policies can go wrong under a schema.
//
// A policy is typed once for each environment that the schema allows: an action with one type of
// principal and one of resource that it applies to. What is an error in any of them is an error.
//
// Reference: docs.cedarpolicy.com, "Policy validation against schema"; the typing rules are those
// of the formal model in Cedar's specification (cedar-lean, Cedar/Validation).
#pragma once

#include "cedar/ast.h"
#include "cedar/schema.h"

#include <cstdint>

namespace portcullis::cedar {

struct ValidatorBounds {
  // Expressions that are typed for one policy, counted once for each environment.
  std::uint64_t steps = 50'000'000;
};

struct PolicyFinding {
  std::string policy;  // its id
  const Source* source = nullptr;
  Finding finding;
};

// Errors first those of the first policy, in the order of the policies. A policy without errors
// cannot fail for a request and entities that agree with the schema, but for integers that
// overflow. Warnings say what is legal and cannot be meant: a policy that never applies.
[[nodiscard]] std::vector<PolicyFinding> validate_policies(const PolicySet& policies,
                                                           const Schema& schema,
                                                           const ValidatorBounds& bounds = {});

// The findings of one policy or template.
[[nodiscard]] Findings validate_policy(const Policy& policy, const Schema& schema,
                                       const ValidatorBounds& bounds = {});

}  // namespace portcullis::cedar
