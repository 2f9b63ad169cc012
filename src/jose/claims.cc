#include "jose/claims.h"

#include "json/value.h"
#include "json/writer.h"

namespace portcullis::jose {

ClaimPath::ClaimPath(std::string_view dotted) : name_(dotted) {
  while (true) {
    const std::size_t dot = dotted.find('.');
    segments_.emplace_back(dotted.substr(0, dot));
    if (dot == std::string_view::npos) return;
    dotted.remove_prefix(dot + 1);
  }
}

std::optional<json::Value> ClaimPath::find(json::Value claims) const {
  if (name_.empty()) return std::nullopt;
  std::optional<json::Value> value = claims.find(name_);
  if (!value) {
    value = claims;
    for (const std::string& segment : segments_) {
      value = value->find(segment);
      if (!value) return std::nullopt;
    }
  }
  if (value->is_null()) return std::nullopt;
  return value;
}

Result<std::vector<std::string>> string_list(json::Value value, Split split,
                                             std::string_view what) {
  std::vector<std::string> list;
  if (const auto text = value.as_string()) {
    std::string_view rest = *text;
    if (split == Split::kNever) {
      if (!rest.empty()) list.emplace_back(rest);
      return list;
    }
    while (!rest.empty()) {
      const std::size_t space = rest.find(' ');
      if (space != 0) list.emplace_back(rest.substr(0, space));
      rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
    }
    return list;
  }
  const auto broken = [what] {
    return refuse(
        ErrorCode::kCredentialsInvalid,
        "the token's " + std::string(what) + " are neither a string nor an array of strings");
  };
  if (!value.is_array()) return broken();
  for (const json::Value element : value.elements()) {
    const auto text = element.as_string();
    if (!text) return broken();
    list.emplace_back(*text);
  }
  return list;
}

std::string claim_text(json::Value value) {
  if (const auto text = value.as_string()) return std::string(*text);
  std::string text;
  json::append_value(text, value);
  return text;
}

}  // namespace portcullis::jose
