#include "coding/coding.h"

#include "base/ascii.h"

#include <algorithm>
#include <array>

namespace portcullis::coding {
namespace {

constexpr std::array<std::string_view, kCodings> kNames = {"identity", "gzip", "br", "zstd"};

// Sorted, lower case. What begins with `text/` or ends in +json, +xml, +yaml or +text is not here.
constexpr std::string_view kCompressible[] = {
    "application/ecmascript",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/json-seq",
    "application/jsonl",
    "application/ndjson",
    "application/openmetrics-text",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-javascript",
    "application/x-ndjson",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/vnd.microsoft.icon",
    "image/x-icon",
};
static_assert(std::ranges::is_sorted(kCompressible));
constexpr std::string_view kSuffixes[] = {"+json", "+text", "+xml", "+yaml"};
constexpr std::size_t kLongest = 127;  // RFC 6838 4.2

}  // namespace

std::string_view name_of(Coding coding) noexcept {
  return kNames[static_cast<std::size_t>(coding)];
}

std::optional<Coding> find_coding(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (equals_ignoring_case(name, kNames[i])) return static_cast<Coding>(i);
  }
  if (equals_ignoring_case(name, "x-gzip")) return Coding::kGzip;
  return std::nullopt;
}

bool is_compressible(std::string_view content_type) noexcept {
  const std::string_view essence = trim(content_type.substr(0, content_type.find(';')));
  char lower[kLongest];
  if (essence.empty() || essence.size() > sizeof lower) return false;
  std::ranges::transform(essence, lower, to_lower);
  const std::string_view type(lower, essence.size());
  if (type.starts_with("text/")) return true;
  if (std::ranges::any_of(kSuffixes, [&](std::string_view end) { return type.ends_with(end); }))
    return true;
  return std::ranges::binary_search(kCompressible, type);
}

}  // namespace portcullis::coding
