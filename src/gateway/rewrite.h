// The path that the upstream gets: without its prefix, or in another form.
#pragma once

#include "base/arena.h"
#include "base/result.h"
#include "config/shaping.h"

#include <span>
#include <string_view>
#include <vector>

namespace portcullis::gateway {

struct PathShape {
  std::size_t base = 0;  // bytes of `base_path`
  bool strip = false;
  std::vector<const config::Rewrite*> rewrites;  // those that some path of the route may fit

  [[nodiscard]] bool changes() const { return strip || !rewrites.empty(); }
};

// `path` is canonical (http/path.h) and begins with the base; so is what is returned: literals of
// the configuration and whole segments of `path`, which no capture can leave. Errors:
// kMalformedPath, when a captured segment holds an encoded slash: what is one segment here could be
// two behind.
[[nodiscard]] Result<std::string_view> shape_path(const PathShape& shape, std::string_view path,
                                                  Arena& arena);

}  // namespace portcullis::gateway
