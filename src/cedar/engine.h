// Policies, compiled and indexed: the library's answer to "may this principal do this?".
#pragma once

#include "cedar/ast.h"
#include "cedar/entities.h"
#include "cedar/evaluator.h"
#include "cedar/policy_index.h"
#include "cedar/program.h"
#include "cedar/request.h"
#include "cedar/symbols.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace portcullis::cedar {

// A static policy, or a template with its slots filled.
struct CompiledPolicy {
  std::string_view id;
  const Policy* source = nullptr;   // of a link, its template
  const Node* condition = nullptr;  // nullptr: always holds
  Effect effect = Effect::kPermit;
};

struct PolicyError {
  std::uint32_t policy = 0;
  EvalError error;
};

// The answer and why. Kept from request to request, it allocates only when one has more policies
// to report than any before.
struct Decision {
  bool allow = false;
  std::vector<std::uint32_t> determining;  // positions of policies, ascending
  std::vector<PolicyError> errors;         // likewise; these policies were skipped

 private:
  friend class Engine;
  std::vector<std::uint32_t> candidates_;
  std::vector<std::uint32_t> permits_;
};

// Immutable; safe to share between threads.
class Engine {
 public:
  // Compiles every static policy and every link. Both arguments must outlive the engine; what the
  // policies name is added to the symbols.
  [[nodiscard]] static Engine compile(const PolicySet& policies, Symbols& symbols);

  // Cedar's rules: a policy that errs is skipped; a forbid that holds outweighs every permit; where
  // nothing holds, the answer is no. The arena holds what is computed; errors borrow from it.
  void decide(const Request& request, const Entities& entities, Arena& arena, Decision& into) const;

  [[nodiscard]] std::span<const CompiledPolicy> policies() const { return policies_; }

 private:
  Engine() : arena_(std::make_unique<Arena>()) {}
  void add(const Policy& policy, const TemplateLink* link, const Node* condition, Symbols& symbols);

  std::unique_ptr<Arena> arena_;
  std::vector<CompiledPolicy> policies_;
  std::vector<PolicyHead> heads_;
  PolicyIndex index_;
};

}  // namespace portcullis::cedar
