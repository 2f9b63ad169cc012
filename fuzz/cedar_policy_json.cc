// Any bytes as policies in JSON. What can be read is printed in the human syntax, and reads there.

#include "base/check.h"
#include "cedar/policy_json.h"
#include "cedar/policy_parser.h"
#include "cedar/policy_printer.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cedar = portcullis::cedar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  cedar::PolicySet set;
  if (!cedar::read_policies(text, set)) return 0;
  std::string json;
  cedar::append_policies_json(json, set);
  cedar::PolicySet again;
  PC_CHECK(cedar::read_policies(json, again).has_value());
  PC_CHECK(again.policies().size() == set.policies().size());
  PC_CHECK(again.links().size() == set.links().size());
  for (const cedar::Policy& policy : set.policies()) {
    std::string printed;
    cedar::append_policy(printed, policy);
    PC_CHECK(printed.ends_with(";\n"));
  }
  return 0;
}
