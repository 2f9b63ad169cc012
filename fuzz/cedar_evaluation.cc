// A condition against a request: evaluation ends, and its errors can be told. The first line is the
// condition, the rest a request.

#include "base/check.h"
#include "cedar/engine.h"
#include "cedar/entities_json.h"
#include "cedar/policy_parser.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cedar = portcullis::cedar;

namespace {

constexpr std::string_view kEntities = R"([
  {"uid": {"type": "User", "id": "a"}, "attrs": {"n": 1, "s": "x", "u": {"__entity":
   {"type": "User", "id": "b"}}, "r": {"n": 2}}, "parents": [{"type": "Group", "id": "g"}],
   "tags": {"t": [1, 2]}},
  {"uid": {"type": "Group", "id": "g"}, "attrs": {}, "parents": [{"type": "Group", "id": "h"}]}])";
constexpr std::string_view kRequest =
    R"({"principal": {"type": "User", "id": "a"}, "action": {"type": "Action", "id": "v"},
        "resource": {"type": "User", "id": "c"}, "context": {"n": 5}})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view condition = text.substr(0, text.find('\n'));
  const std::string_view request_text =
      condition.size() < size ? text.substr(condition.size() + 1) : kRequest;
  cedar::PolicySet set;
  const auto parsed = cedar::parse_expression(condition, set.builder());
  if (!parsed) return 0;
  cedar::Policy policy;
  const cedar::Condition when{cedar::ConditionKind::kWhen, *parsed, {}};
  policy.conditions = {&when, 1};
  policy.id = "p";
  PC_CHECK(set.add(policy));

  cedar::Symbols symbols;
  const auto entities = cedar::read_entities(kEntities, symbols);
  PC_CHECK(entities.has_value());
  const cedar::Engine engine = cedar::Engine::compile(set, symbols);
  portcullis::Arena arena;
  cedar::RequestNames names(symbols, arena);
  const auto request = cedar::read_request(request_text, names, arena);
  if (!request) return 0;
  cedar::Decision decision;
  engine.decide(*request, *entities, arena, decision);
  PC_CHECK(decision.determining.size() + decision.errors.size() <= 1);
  PC_CHECK(decision.allow == !decision.determining.empty());
  for (const cedar::PolicyError& error : decision.errors)
    PC_CHECK(!cedar::describe(error.error, names).empty());
  return 0;
}
