#include "schema/unicode_properties.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace portcullis::schema {

namespace {

struct NamedSet {
  std::string_view name;
  std::uint16_t offset;  // in kRanges
};

#include "schema/unicode_tables.inc"

std::uint32_t read_number(std::size_t& at) {
  std::uint32_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const std::uint8_t byte = kRanges[at++];
    value |= (byte & 0x7fU) << shift;
    if (byte < 0x80) return value;
  }
}

std::optional<CodePointSet> find_set(std::span<const NamedSet> sets, std::string_view name) {
  const auto found = std::ranges::lower_bound(sets, name, {}, &NamedSet::name);
  if (found == sets.end() || found->name != name) return std::nullopt;
  std::size_t at = found->offset;
  CodePointSet set;
  char32_t next = 0;
  for (std::uint32_t left = read_number(at); left > 0; --left) {
    const char32_t first = next + read_number(at);
    const char32_t last = first + read_number(at);
    set.add(first, last);
    next = last + 1;
  }
  set.normalise();
  return set;
}

}  // namespace

std::optional<CodePointSet> find_unicode_property(std::string_view name, std::string_view value) {
  if (value.empty()) {
    if (auto set = find_set(kCategories, name)) return set;
    return find_set(kBinaries, name);
  }
  if (name == "General_Category" || name == "gc") return find_set(kCategories, value);
  if (name == "Script" || name == "sc") return find_set(kScripts, value);
  if (name == "Script_Extensions" || name == "scx") return find_set(kScriptExtensions, value);
  return std::nullopt;
}

}  // namespace portcullis::schema
