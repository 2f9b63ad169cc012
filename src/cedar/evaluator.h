// Evaluates compiled expressions. Nothing is allocated unless an expression makes a set or a record
// out of what is not constant, and then in the arena of the request.
#pragma once

#include "base/arena.h"
#include "cedar/entities.h"
#include "cedar/program.h"
#include "cedar/request.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace portcullis::cedar {

enum class EvalFault : std::uint8_t {
  kNone,
  kType,         // `expected`, found `value`
  kOverflow,     // of integers
  kNoEntity,     // `value` is not in the store
  kNoAttribute,  // `value` has no attribute `name`
  kNoTag,        // `value` has no tag `name`
  kCall,         // of an extension function: `detail`
};

// Why an expression has no value. Cheap to make; describe() puts it into words.
struct EvalError {
  EvalFault fault = EvalFault::kNone;
  const Expr* at = nullptr;
  std::string_view expected;
  Value value;
  std::string_view name;
};

enum class Truth : std::uint8_t { kFalse, kTrue, kError };

class Evaluator {
 public:
  Evaluator(const Entities& entities, const Request& request, Arena& arena)
      : entities_(entities), request_(request), arena_(arena) {}

  // kError also when the value is no Bool; error() says why.
  [[nodiscard]] Truth truth(const Node& node);
  // False when there is an error.
  [[nodiscard]] bool value(const Node& node, Value& out);
  [[nodiscard]] const EvalError& error() const { return error_; }

  // What came with the request is seen before what is in the store.
  [[nodiscard]] const EntityData* find(EntityId id) const;
  [[nodiscard]] const EntityData* find_stored(EntityId id) const { return entities_.find(id); }
  [[nodiscard]] bool is_in(EntityId entity, EntityId ancestor) const;

 private:
  Truth wrong(EvalFault fault, const Node& node, const Value& value = {},
              std::string_view expected = {}, std::string_view name = {});
  [[nodiscard]] bool operand_of(ValueKind kind, const Node& node, Value& out);
  [[nodiscard]] bool pair_of(ValueKind first, ValueKind second, const Node& node, Value& a,
                             Value& b);

  Truth logic(const Node& node);
  Truth compare(const Node& node);
  Truth membership(const Node& node);
  Truth in_value(const Node& node, EntityId entity, const Value& right);
  Truth sets(const Node& node);
  Truth has(const Node& node);
  bool arithmetic(const Node& node, Value& out);
  bool variable(const Node& node, Value& out);
  bool attribute(const Node& node, Value& out);
  bool tag(const Node& node, Value& out);
  Truth has_tag(const Node& node);
  bool make_set_of(const Node& node, Value& out);
  bool make_record_of(const Node& node, Value& out);
  bool call(const Node& node, Value& out);
  bool operands(const Node& node, Value*& out);
  [[nodiscard]] const Value* find_tag(const EntityData& data, std::string_view tag) const;

  const Entities& entities_;
  const Request& request_;
  Arena& arena_;
  EvalError error_;
};

// "the entity `User::"a"` has no attribute `b`"
[[nodiscard]] std::string describe(const EvalError& error, const Names& names);

}  // namespace portcullis::cedar
