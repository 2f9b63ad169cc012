#include "gateway/rewrite.h"

#include "base/check.h"

#include <cstring>
#include <optional>

namespace portcullis::gateway {
namespace {

using config::PathPart;
using Kind = PathPart::Kind;

bool hides_slash(std::string_view text) { return text.contains("%2F") || text.contains("%5C"); }

// What the captures of `form` hold, in its order, when `path` (below the base) has the form.
bool match(const std::vector<PathPart>& form, std::string_view path, std::string_view* captured) {
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (path.empty()) return false;
    path.remove_prefix(1);  // the slash before each segment
    if (form[i].kind == Kind::kRest) {
      captured[i] = path;
      return true;
    }
    captured[i] = path.substr(0, path.find('/'));
    path.remove_prefix(captured[i].size());
    if (form[i].kind == Kind::kLiteral ? captured[i] != form[i].text : captured[i].empty())
      return false;
  }
  return path.empty();
}

std::string_view text_of(const PathPart& part, const std::vector<PathPart>& from,
                         const std::string_view* captured) {
  if (part.kind == Kind::kLiteral) return part.text;
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from[i].kind == part.kind && from[i].text == part.text) return captured[i];
  PC_CHECK(false);  // the configuration was checked
}

Result<std::string_view> build(const config::Rewrite& rewrite, const std::string_view* captured,
                               std::size_t most, Arena& arena) {
  for (const PathPart& part : rewrite.to) most += part.text.size() + 1;
  char* const text = arena.array<char>(most);
  char* at = text;
  for (const PathPart& part : rewrite.to) {
    const std::string_view segment = text_of(part, rewrite.from, captured);
    if (part.kind != Kind::kLiteral && hides_slash(segment))
      return refuse(ErrorCode::kMalformedPath, "encoded slash in a segment that is rewritten");
    *at++ = '/';
    std::memcpy(at, segment.data(), segment.size());
    at += segment.size();
  }
  return std::string_view(text, static_cast<std::size_t>(at - text));
}

}  // namespace

Result<std::string_view> shape_path(const PathShape& shape, std::string_view path, Arena& arena) {
  const std::string_view below = path.substr(shape.base);
  for (const config::Rewrite* rewrite : shape.rewrites) {
    auto* const captured = arena.array<std::string_view>(rewrite->from.size());
    std::uninitialized_value_construct_n(captured, rewrite->from.size());
    if (match(rewrite->from, below, captured)) return build(*rewrite, captured, path.size(), arena);
  }
  return shape.strip ? below : path;
}

}  // namespace portcullis::gateway
