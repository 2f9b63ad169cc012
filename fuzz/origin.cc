// A line as an origin in the configuration, and any bytes as what a request calls its own: what is
// allowed has the scheme, the end and the shape of what was written.

#include "base/check.h"
#include "config/origins.h"
#include "gateway/cors.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace config = portcullis::config;
namespace gateway = portcullis::gateway;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::string_view asked = text.substr(std::min(size, line.size() + 1));
  const config::ReadOrigin listed = config::read_origin(line);
  PC_CHECK(listed.text.empty() != listed.problem.empty());
  if (listed.text.empty() || listed.text == "*") return 0;
  // What was written anew reads the same.
  PC_CHECK(config::read_origin(listed.text).text == listed.text);
  config::Cors cors;
  cors.origins = {listed.text};
  const gateway::CorsRule rule(cors, "");
  const std::size_t star = listed.text.find('*');
  if (star == std::string::npos) {
    PC_CHECK(rule.allows(listed.text));
    PC_CHECK(rule.allows(asked) == (asked == listed.text));
    return 0;
  }
  if (!rule.allows(asked)) return 0;
  const std::string_view before = std::string_view(listed.text).substr(0, star);
  const std::string_view after = std::string_view(listed.text).substr(star + 1);
  PC_CHECK(asked.starts_with(before) && asked.ends_with(after));
  PC_CHECK(asked.size() > before.size() + after.size());
  const std::string_view labels =
      asked.substr(before.size(), asked.size() - before.size() - after.size());
  PC_CHECK(std::ranges::all_of(labels, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  }));
  return 0;
}
