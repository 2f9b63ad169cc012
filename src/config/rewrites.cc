#include "config/rewrites.h"

#include "config/nearest.h"
#include "config/scalars.h"

#include <algorithm>

namespace portcullis::config {
namespace {

constexpr std::string_view kRestEnd = "...}";

// The next segment of a path that begins with a slash; `path` is what follows it.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

PathPart part_of(std::string_view segment) {
  if (!segment.starts_with('{')) return {PathPart::Kind::kLiteral, std::string(segment)};
  if (segment.ends_with(kRestEnd))
    return {PathPart::Kind::kRest,
            std::string(segment.substr(1, segment.size() - 1 - kRestEnd.size()))};
  return {PathPart::Kind::kCapture, std::string(segment.substr(1, segment.size() - 2))};
}

}  // namespace

ReadPathForm read_path_form(std::string_view text) {
  ReadPathForm form;
  form.problem = path_template_problem(text);
  if (!form.problem.empty()) return form;
  for (std::string_view rest = text; !rest.empty();)
    form.parts.push_back(part_of(take_segment(rest)));
  return form;
}

std::string captures_problem(const std::vector<PathPart>& from, const std::vector<PathPart>& to) {
  for (const PathPart& part : to) {
    if (part.kind == PathPart::Kind::kLiteral) continue;
    const bool known = std::ranges::any_of(
        from, [&](const PathPart& one) { return one.kind == part.kind && one.text == part.text; });
    if (known) continue;
    const std::string written = part.kind == PathPart::Kind::kRest ? "{" + part.text + "...}"  //
                                                                   : "{" + part.text + "}";
    return "`from` has no " + quote(written);
  }
  return {};
}

bool may_match(const std::vector<PathPart>& form, std::string_view route) {
  for (const PathPart& part : form) {
    if (route.empty()) return false;
    if (part.kind == PathPart::Kind::kRest) return true;
    const std::string_view segment = take_segment(route);
    if (segment.ends_with(kRestEnd)) return true;
    const bool open = segment.starts_with('{');
    if (part.kind == PathPart::Kind::kCapture && segment.empty()) return false;
    if (part.kind == PathPart::Kind::kLiteral && !open && segment != part.text) return false;
    // A parameter of a route is never empty.
    if (part.kind == PathPart::Kind::kLiteral && open && part.text.empty()) return false;
  }
  return route.empty();
}

}  // namespace portcullis::config
