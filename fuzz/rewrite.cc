// Two lines as `from` and `to` of a rewrite, and any bytes as the path of a request: what the
// upstream would get is canonical again, and holds nothing that ends a path.

#include "gateway/rewrite.h"

#include "base/check.h"
#include "config/rewrites.h"
#include "http/path.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace config = portcullis::config;
namespace gateway = portcullis::gateway;
namespace http = portcullis::http;

namespace {

constexpr http::PathRules kLax{http::OnDuplicateSlash::kMerge, http::OnEncodedSlash::kKeep,
                               http::OnPathParameters::kKeep};

std::string_view take_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const config::ReadPathForm from = config::read_path_form(take_line(rest));
  const config::ReadPathForm to = config::read_path_form(take_line(rest));
  if (!from.problem.empty() || !to.problem.empty()) return 0;
  if (!config::captures_problem(from.parts, to.parts).empty()) return 0;
  portcullis::Arena arena;
  const auto path = http::canonical_path(rest, kLax, arena);
  if (!path) return 0;
  const config::Rewrite rewrite{.from = from.parts, .to = to.parts, .at = {}};
  const gateway::PathShape shape{.base = 0, .strip = false, .rewrites = {&rewrite}};
  const auto shaped = gateway::shape_path(shape, *path, arena);
  if (!shaped) return 0;
  PC_CHECK(shaped->starts_with('/') && !shaped->contains("//"));
  PC_CHECK(shaped->find_first_of(std::string_view(" ?#\\\r\n\0", 7)) == std::string_view::npos);
  const auto again = http::canonical_path(*shaped, kLax, arena);
  PC_CHECK(again.has_value() && *again == *shaped);
  return 0;
}
