// Lines: templates, then a NUL and a path. What compiles matches without reading out of bounds, and
// a match put together again is the path.

#include "openapi/path_matcher.h"

#include "base/check.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using portcullis::openapi::PathMatch;
  using portcullis::openapi::PathMatcher;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t border = std::min(all.find('\0'), size);
  const std::string_view path = all.substr(std::min(border + 1, size));
  std::vector<std::string_view> templates;
  for (std::string_view rest = all.substr(0, border); !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    templates.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const auto matcher = PathMatcher::compile(templates);
  if (!matcher) return 0;
  PathMatch match;
  if (!matcher->match(path, match)) return 0;
  PC_CHECK(match.index < templates.size() && match.count == matcher->names(match.index).size());
  const char* at = path.data();
  for (std::uint32_t i = 0; i < match.count; ++i) {
    const std::string_view value = match.values[i];
    PC_CHECK(!value.empty() && !value.contains('/'));
    PC_CHECK(value.data() > at || (i == 0 && value.data() >= at));
    at = value.data() + value.size();
    PC_CHECK(at <= path.data() + path.size());
  }
  return 0;
}
