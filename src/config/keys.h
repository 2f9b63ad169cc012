// The one table of what the file may contain. The decoder knows a key, its bounds and its choices
// from here, and `portcullis config schema` is printed from here, so that the two cannot differ.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace portcullis::config {

enum class KeyType : std::uint8_t {
  kInteger,            // min, max
  kWorkers,            // `auto`, or an integer from min to max
  kDuration,           // min, max in milliseconds
  kRate,               // `200/s`
  kSize,               // min, max in bytes
  kBoolean,            // true or false
  kChoice,             // one of choices
  kString,             // not empty
  kFile,               // a path, relative to the folder of the file that names it
  kStrings,            // a list of strings; choices, where there are any
  kStringOrList,       // one string or a list of them
  kSecret,             // `${env:NAME}` or `${file:PATH}`
  kEndpoint,           // `127.0.0.1:8080`, `[::1]:8080`
  kCidrs,              // a list of `10.0.0.0/8`
  kDate,               // `2027-01-31`
  kAuthenticate,       // `none`, or a list of names
  kAccessLog,          // `off`, or block
  kChoices,            // `none`, or a list of choices
  kChoiceOrMapping,    // one of choices, or block
  kNoneOrMapping,      // `none`, or block
  kFlagOrMapping,      // true, false, or block
  kDurationOrMapping,  // min, max in milliseconds, or block
  kOneOrList,          // block, or a list of it
  kMapping,            // block
  kNamed,              // a mapping of names to block
  kNamedLists,         // a mapping of names to lists of strings
  kNamedStrings,       // a mapping of names to strings
  kList,               // a list of block
  kNotBuilt,           // known, refused until its feature exists
};

struct Block;

// In the order in which a key reads in the table.
struct Key {  // NOLINT(clang-analyzer-optin.performance.Padding)
  std::string_view name;
  KeyType type = KeyType::kNotBuilt;
  std::string_view help = {};
  bool required = false;
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  std::span<const std::string_view> choices = {};
  std::span<const std::string_view> not_built_choices = {};
  const Block* block = nullptr;
  // Of a key that is not built: the required key that may be missing where it stands.
  std::string_view replaces = {};
};

struct Block {
  std::span<const Key> keys;
  [[nodiscard]] const Key* find(std::string_view name) const;
};

// The top level of the file.
[[nodiscard]] const Block& root_block();

}  // namespace portcullis::config
