#include "authn/bearer.h"

#include "base/ascii.h"

namespace portcullis::authn {

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer";
  if (!equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  if (authorization.empty()) return authorization;
  if (authorization.front() != ' ') return std::nullopt;
  const std::size_t begin = authorization.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view() : authorization.substr(begin);
}

bool is_token68(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~' || c == '+' || c == '/';
  };
  std::size_t at = 0;
  while (at < text.size() && allowed(text[at])) ++at;
  return at > 0 && text.find_first_not_of('=', at) == std::string_view::npos;
}

}  // namespace portcullis::authn
