#include "openapi/pairs.h"

#include "base/ascii.h"
#include "openapi/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

namespace portcullis::openapi {

namespace {

Result<std::span<Pair>> read_pairs(std::string_view text, char divider, Plus plus,
                                   std::string_view where, const ParameterBounds& bounds,
                                   Arena& arena) {
  const auto most = static_cast<std::size_t>(std::ranges::count(text, divider)) + 1;
  if (most > bounds.pairs) {
    return refuse(ErrorCode::kMalformedRequest,
                  fmt::format("{}: more than {} pairs", where, bounds.pairs));
  }
  Pair* const pairs = arena.array<Pair>(most);
  std::size_t count = 0;
  while (true) {
    const std::size_t end = text.find(divider);
    const std::string_view piece = divider == ';' ? trim(text.substr(0, end)) : text.substr(0, end);
    if (!piece.empty()) {
      const std::size_t equals = piece.find('=');
      const auto name = decode_text(piece.substr(0, equals), plus, arena);
      if (!name) {
        return refuse(
            ErrorCode::kMalformedRequest,
            fmt::format("{}: the name of pair {}: {}", where, count + 1, name.error().detail));
      }
      const bool has_value = equals != std::string_view::npos;
      new (&pairs[count++])
          Pair{*name, has_value ? piece.substr(equals + 1) : std::string_view(), has_value, false};
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return std::span(pairs, count);
}

}  // namespace

Result<std::span<Pair>> read_query(std::string_view query, const ParameterBounds& bounds,
                                   Arena& arena) {
  return read_pairs(query, '&', Plus::kSpace, "query", bounds, arena);
}

Result<std::span<Pair>> read_cookies(std::string_view field, const ParameterBounds& bounds,
                                     Arena& arena) {
  return read_pairs(field, ';', Plus::kItself, "cookie", bounds, arena);
}

}  // namespace portcullis::openapi
