// A schema, a zero byte, policies: the validator ends, its findings stand within the text, and
// policies that are formatted are found the same.

#include "base/check.h"
#include "cedar/format.h"
#include "cedar/policy_parser.h"
#include "cedar/validator.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cedar = portcullis::cedar;

namespace {

std::vector<std::string> messages_of(std::string_view text, const cedar::Schema& schema) {
  cedar::PolicySet set;
  const cedar::Source& source = set.add_source(cedar::Source("fuzz", std::string(text)));
  std::vector<std::string> messages;
  for (const cedar::Finding& finding : cedar::parse_policies(source, set))
    messages.push_back(finding.message);
  if (!messages.empty()) return messages;
  for (const cedar::PolicyFinding& found :
       cedar::validate_policies(set, schema, {.steps = 100'000})) {
    PC_CHECK(found.finding.at.begin <= found.finding.at.end);
    PC_CHECK(found.finding.at.end <= text.size());
    messages.push_back(found.policy + found.finding.message);
  }
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = text.find('\0');
  if (zero == std::string_view::npos) return 0;
  const auto schema = cedar::Schema::parse(text.substr(0, zero), {.size = 1 << 16, .depth = 16});
  if (!schema) return 0;
  const std::string_view policies = text.substr(zero + 1);
  const std::vector<std::string> messages = messages_of(policies, *schema);
  const auto formatted = cedar::format_policies(cedar::Source("fuzz", std::string(policies)));
  if (formatted) PC_CHECK(messages_of(*formatted, *schema) == messages);
  return 0;
}
