// Values, entities and requests in Cedar's JSON.
#pragma once

#include "base/arena.h"
#include "cedar/entities.h"
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
// refused.
class ValueReader {
 public:
  ValueReader(Names& names, Arena& arena) : names_(names), arena_(arena) {}

  [[nodiscard]] JsonResult<Value> read(json::Value json);
  // The members of an object.
  [[nodiscard]] JsonResult<std::vector<Field>> read_fields(json::Value json);
  // `{"type": …, "id": …}`, with or without `__entity` around it.
  [[nodiscard]] JsonResult<EntityId> read_uid(json::Value json);

  // Faults point here and further down.
  void enter(std::string_view step) { path_.emplace_back(step); }
  void leave() { path_.pop_back(); }
  [[nodiscard]] std::unexpected<JsonFault> fault(std::string message) const;

 private:
  [[nodiscard]] JsonResult<Value> read_array(json::Value json);
  [[nodiscard]] JsonResult<Value> read_object(json::Value json);
  [[nodiscard]] JsonResult<Value> read_call(json::Value call);
  [[nodiscard]] JsonResult<EntityId> entity_of(std::string_view type, std::string_view id);

  Names& names_;
  Arena& arena_;
  std::vector<std::string> path_;
};

}  // namespace portcullis::cedar
