// Values, entities and requests in Cedar's JSON.
#pragma once

#include "base/arena.h"
#include "cedar/entities.h"
#include "cedar/schema.h"
#include "cedar/symbols.h"
#include "cedar/value.h"
#include "json/value.h"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::cedar {

// What is wrong with a JSON document, and where in it: `/3/attrs/owner`, a JSON Pointer.
struct JsonFault {
  std::string pointer;
  std::string message;
};
template <typename T = void>
using JsonResult = std::expected<T, JsonFault>;

[[nodiscard]] std::string to_string(const JsonFault& fault);

// Reads values into an arena, copying what they borrow. `{"__entity": …}` and `{"__extn": …}` are
// escapes for entities and for calls of extension functions; null, fractions and `__expr` are
// refused. Where a schema says which type is expected, the escapes may be left out, and anything
// else is a fault.
class ValueReader {
 public:
  ValueReader(Names& names, Arena& arena, const Schema* schema = nullptr)
      : names_(names), arena_(arena), schema_(schema) {}

  // nullptr: any type.
  [[nodiscard]] JsonResult<Value> read(json::Value json, TypeRef expected = nullptr);
  // The members of an object; `expected` is a record.
  [[nodiscard]] JsonResult<std::vector<Field>> read_fields(json::Value json,
                                                           TypeRef expected = nullptr);
  // `{"type": …, "id": …}`, with or without `__entity` around it. With a schema, actions must be
  // declared and ids of enumerated types must be among those.
  [[nodiscard]] JsonResult<EntityId> read_uid(json::Value json);
  // What read_uid() checks.
  [[nodiscard]] JsonResult<> check_uid(const EntityUid& uid) const;

  // Faults point here and further down.
  void enter(std::string_view step) { path_.emplace_back(step); }
  void leave() { path_.pop_back(); }
  [[nodiscard]] std::unexpected<JsonFault> fault(std::string message) const;

 private:
  [[nodiscard]] JsonResult<Value> read_plain(json::Value json);
  [[nodiscard]] JsonResult<Value> read_set(json::Value json, TypeRef element);
  [[nodiscard]] JsonResult<Value> read_object(json::Value json);
  [[nodiscard]] JsonResult<Value> read_extension(json::Value json, TypeRef expected);
  [[nodiscard]] JsonResult<Value> read_call(json::Value call, bool typed);
  [[nodiscard]] JsonResult<Value> apply(const FunctionInfo& info,
                                        const std::vector<Value>& arguments);
  [[nodiscard]] JsonResult<> check_type(const Value& value, TypeRef expected) const;
  [[nodiscard]] JsonResult<> check_attributes(json::Value json, TypeRef expected) const;

  Names& names_;
  Arena& arena_;
  const Schema* schema_;
  std::vector<std::string> path_;
};

}  // namespace portcullis::cedar
