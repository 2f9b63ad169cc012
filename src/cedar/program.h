// Expressions compiled: names are numbers, constants are folded, patterns are cut up, and the
// commonest shapes (`principal in Group::"x"`) are one node.
#pragma once

#include "base/arena.h"
#include "cedar/ast.h"
#include "cedar/entities.h"
#include "cedar/symbols.h"
#include "cedar/value.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace portcullis::cedar {

// A pattern of `like`: the texts between its stars.
struct Pattern {
  std::span<const std::string_view> parts;  // one: no star
  [[nodiscard]] bool matches(std::string_view text) const;
};

// What an operation uses is said beside it; o is `operands`.
enum class Op : std::uint8_t {
  kConstant,  // constant
  kVariable,  // index: a Variable
  kAnd,       // o: two or more
  kOr,        // o: two or more
  kNot,       // o[0]
  kTruth,     // o[0], which must be a Bool: what is left of `true && x`
  kIf,        // o[0], o[1], o[2]
  kNegate,    // o[0]
  kEqual,     // o[0], o[1]
  kNotEqual,  // o[0], o[1]
  kLess,      // o[0], o[1], as all that follow until kIn
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAdd,
  kSubtract,
  kMultiply,
  kIn,          // o[0], o[1]
  kInEntity,    // o[0] in the entity `index`
  kInEntities,  // o[0] in any of `ids`
  kContains,    // o[0], o[1]
  kContainsAll,
  kContainsAny,
  kIsEmpty,    // o[0]
  kGetTag,     // o[0], o[1]
  kHasTag,     // o[0], o[1]
  kAttribute,  // o[0], index: a name
  kHas,        // o[0], names
  kLike,       // o[0], pattern
  kIs,         // o[0], index: a type
  kSet,        // o
  kRecord,     // o, names (ascending)
  kCall,       // o, function
};

struct Node {
  Op op = Op::kConstant;
  Function function = Function::kIp;
  std::uint16_t name_count = 0;
  std::uint32_t index = 0;
  std::uint32_t count = 0;  // of operands
  const Node* const* operands = nullptr;
  union {
    const NameId* names = nullptr;
    const Pattern* pattern;
    const IdSet* ids;
  };
  Value constant;
  const Expr* source = nullptr;

  [[nodiscard]] const Node& operand(std::size_t i) const { return *operands[i]; }
  [[nodiscard]] std::span<const Node* const> all() const { return {operands, count}; }
};

// Compiles into an arena, adding to the symbols what expressions name. Both must outlive the nodes,
// as must the expressions.
class Compiler {
 public:
  Compiler(Symbols& symbols, Arena& arena) : symbols_(symbols), arena_(arena) {}

  [[nodiscard]] const Node* compile(const Expr& expr);
  // All conditions of a policy as one; nullptr when they always hold.
  [[nodiscard]] const Node* compile_conditions(std::span<const Condition> conditions);

 private:
  const Node* compile_leaf(const Expr& expr);
  const Node* compile_logic(const Expr& expr);
  const Node* compile_binary(const Expr& expr);
  const Node* compile_in(const Expr& expr);
  const Node* compile_named(const Expr& expr);
  const Node* compile_record(const Expr& expr);
  const Node* compile_is(const Expr& expr);

  const Node* make(const Node& node);
  const Node* constant(const Value& value, const Expr* source);
  const Node* with_operands(Op op, const Expr& expr, std::uint32_t index = 0);
  const Node* join(Op op, const std::vector<const Node*>& parts, const Expr* source);
  const Node* fold(const Node* node);
  const Node* negate(const Node* node, const Expr* source);
  std::span<const Node* const> keep(const std::vector<const Node*>& nodes);
  const NameId* keep_names(std::span<const std::string_view> names);

  Symbols& symbols_;
  Arena& arena_;
};

}  // namespace portcullis::cedar
