// Any bytes as policies of the human syntax. What can be read is printed so that it reads the same
// again, and survives the way through JSON.

#include "base/check.h"
#include "cedar/policy_json.h"
#include "cedar/policy_parser.h"
#include "cedar/policy_printer.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cedar = portcullis::cedar;

namespace {

std::string print(const cedar::PolicySet& set) {
  std::string out;
  for (const cedar::Policy& policy : set.policies()) cedar::append_policy(out, policy);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  cedar::PolicySet set;
  const cedar::Source& source = set.add_source(cedar::Source("fuzz", std::string(text)));
  const auto findings = cedar::parse_policies(source, set);
  for (const cedar::Finding& finding : findings) {
    PC_CHECK(finding.at.begin <= finding.at.end && finding.at.end <= size);
    PC_CHECK(!source.describe(finding).empty());
  }
  if (!findings.empty()) return 0;

  const std::string once = print(set);
  cedar::PolicySet again;
  const cedar::Source& printed = again.add_source(cedar::Source("printed", once));
  PC_CHECK(cedar::parse_policies(printed, again).empty());
  PC_CHECK(print(again) == once);

  std::string json;
  cedar::append_policies_json(json, set);
  cedar::PolicySet from_json;
  PC_CHECK(cedar::read_policies(json, from_json).has_value());
  PC_CHECK(from_json.policies().size() == set.policies().size());
  for (const cedar::Policy& policy : set.policies()) {
    const cedar::Policy* other = from_json.find(policy.id);
    PC_CHECK(other != nullptr);
    std::string a;
    std::string b;
    cedar::append_policy(a, policy);
    cedar::append_policy(b, *other);
    PC_CHECK(a == b);
  }
  return 0;
}
