// Names that a schema knows, found by hash: of properties, or the strings of an enum.
#pragma once

#include "schema/text.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::schema {

inline constexpr std::uint32_t kNone = 0xffffffff;

// The names are the schema's: an instance cannot make the search long.
class NameTable {
 public:
  // The number of a name, which is added when it is new. Numbers count from 0.
  std::uint32_t add(std::string_view name);

  // kNone when it is not there. `hash` is name_hash of the name.
  [[nodiscard]] std::uint32_t find(std::uint32_t hash, std::string_view name) const {
    for (std::uint32_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.number == kNone) return kNone;
      if (slot.hash == hash && names_[slot.number] == name) return slot.number;
    }
  }
  [[nodiscard]] std::uint32_t find(std::string_view name) const {
    return find(name_hash(name), name);
  }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(names_.size()); }
  [[nodiscard]] std::string_view name(std::uint32_t number) const { return names_[number]; }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number = kNone;
  };
  void insert(std::uint32_t number);

  // At least half of them are free, so that every search ends.
  std::vector<Slot> slots_{Slot{}};
  std::vector<std::string> names_;
  std::uint32_t mask_ = 0;
};

}  // namespace portcullis::schema
