// YAML as a tree of values that remember where they stand. A strict subset of YAML 1.2: no anchors,
// aliases, tags, merge keys, several documents, or keys that are not text; bounded in size, depth
// and number of nodes.
#pragma once

#include "config/diagnostics.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::config {

inline constexpr std::size_t kMaxFileSize = 4UL << 20U;  // bytes
inline constexpr std::size_t kMaxDepth = 32;
inline constexpr std::size_t kMaxNodes = 100'000;  // keys and values

enum class ValueKind : std::uint8_t {
  kNull,  // nothing, `~` or `null`
  kScalar,
  kSequence,
  kMapping,
  kRefused,  // already reported: readers pass over it in silence
};

struct Member;

struct Value {
  ValueKind kind = ValueKind::kNull;
  bool quoted = false;  // of a scalar: written in quotes or as a block
  Position at;
  std::string text;             // kScalar
  std::vector<Value> items;     // kSequence
  std::vector<Member> members;  // kMapping, in the order of the file, keys unique
};

struct Member {
  std::string key;
  Position at;  // of the key
  Value value;
};

// Parses one file that has been registered as `file`. What the subset refuses is reported and
// passed over, so that the rest of the file is still read; nothing is returned for a syntax error
// (one diagnostic), an exceeded bound, or bytes that are not UTF-8 text.
[[nodiscard]] std::optional<Value> parse_yaml(std::string_view text, std::uint32_t file,
                                              Diagnostics& diagnostics);

}  // namespace portcullis::config
