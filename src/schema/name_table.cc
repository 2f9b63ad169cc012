#include "schema/name_table.h"

namespace portcullis::schema {

void NameTable::insert(std::uint32_t number) {
  const std::uint32_t hash = name_hash(names_[number]);
  std::uint32_t at = hash & mask_;
  while (slots_[at].number != kNone) at = (at + 1) & mask_;
  slots_[at] = {hash, number};
}

std::uint32_t NameTable::add(std::string_view name) {
  if (const std::uint32_t known = find(name); known != kNone) return known;
  names_.emplace_back(name);
  if (names_.size() * 2 > slots_.size()) {
    mask_ = mask_ * 4 + 3;
    slots_.assign(mask_ + 1, Slot{});
    for (std::uint32_t number = 0; number < names_.size(); ++number) insert(number);
  } else {
    insert(size() - 1);
  }
  return size() - 1;
}

}  // namespace portcullis::schema
