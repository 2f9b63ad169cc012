// Values of the language at run time: sixteen bytes, borrowing what is larger from an arena.
#pragma once

#include "base/arena.h"
#include "cedar/symbols.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::cedar {

enum class ValueKind : std::uint8_t {
  kBool,
  kLong,
  kString,
  kEntity,
  kSet,
  kRecord,
  kIpaddr,
  kDecimal,
  kDatetime,
  kDuration,
};
[[nodiscard]] std::string_view name_of(ValueKind kind);

struct Set;
struct Record;

// An address or a range of them. IPv4 stands in the last four bytes.
struct IpNet {
  std::array<std::uint8_t, 16> bytes{};
  bool v6 = false;
  std::uint8_t prefix = 32;
  friend bool operator==(const IpNet&, const IpNet&) = default;
};

struct Value {
  ValueKind kind = ValueKind::kBool;
  std::uint32_t size = 0;  // of a string, in bytes
  union {
    bool boolean = false;
    std::int64_t integer;  // kLong; ten-thousandths of kDecimal; milliseconds of the other two
    const char* chars;
    EntityId entity;
    const Set* set;
    const Record* record;
    const IpNet* ip;
  };

  [[nodiscard]] bool is(ValueKind other) const { return kind == other; }
  [[nodiscard]] std::string_view text() const { return {chars, size}; }

  static Value of_bool(bool value) {
    Value made;
    made.boolean = value;
    return made;
  }
  static Value of_integer(ValueKind kind, std::int64_t value) {
    Value made;
    made.kind = kind;
    made.integer = value;
    return made;
  }
  static Value of_long(std::int64_t value) { return of_integer(ValueKind::kLong, value); }
  // Borrows the text.
  static Value of_string(std::string_view text) {
    Value made;
    made.kind = ValueKind::kString;
    made.size = static_cast<std::uint32_t>(text.size());
    made.chars = text.data();
    return made;
  }
  static Value of_entity(EntityId entity) {
    Value made;
    made.kind = ValueKind::kEntity;
    made.entity = entity;
    return made;
  }
  static Value of_set(const Set* set) {
    Value made;
    made.kind = ValueKind::kSet;
    made.set = set;
    return made;
  }
  static Value of_record(const Record* record) {
    Value made;
    made.kind = ValueKind::kRecord;
    made.record = record;
    return made;
  }
  static Value of_ip(const IpNet* ip) {
    Value made;
    made.kind = ValueKind::kIpaddr;
    made.ip = ip;
    return made;
  }
};
static_assert(sizeof(Value) == 16);

// The same value; values of different kinds are never equal.
[[nodiscard]] bool equal(const Value& a, const Value& b);

// Names ascend, none twice.
struct Record {
  std::uint32_t count = 0;
  const NameId* names = nullptr;
  const Value* values = nullptr;

  [[nodiscard]] const Value* find(NameId name) const {
    // A scan over a few integers beats anything cleverer; records are seldom larger.
    constexpr std::uint32_t kScanned = 16;
    if (count <= kScanned) [[likely]] {
      for (std::uint32_t i = 0; i < count; ++i) {
        if (names[i] == name) return values + i;
      }
      return nullptr;
    }
    return find_among_many(name);
  }

 private:
  [[nodiscard]] const Value* find_among_many(NameId name) const;
};

// No element twice. Larger sets have a table of positions by hash, keyed, since elements come from
// requests too.
struct Set {
  std::uint32_t count = 0;
  std::uint32_t mask = 0;  // of the table; 0 when there is none
  const Value* elements = nullptr;
  const std::uint32_t* table = nullptr;  // position + 1, or 0; open addressing

  [[nodiscard]] bool contains(const Value& value) const;
  [[nodiscard]] std::span<const Value> all() const { return {elements, count}; }
};

struct Field {
  NameId name = 0;
  Value value;
};

// Makes records and sets in an arena. The vectors are given up to be sorted.
[[nodiscard]] const Record* make_record(Arena& arena, std::vector<Field>& fields);
[[nodiscard]] const Set* make_set(Arena& arena, std::span<const Value> elements);
// A deep copy, so that nothing in it borrows from elsewhere.
[[nodiscard]] Value copy_value(Arena& arena, const Value& value);

// As the human syntax would write it: `User::"a"`, `ip("10.0.0.0/8")`, `{a: 1}`. Cut short when
// long.
[[nodiscard]] std::string to_string(const Value& value, const Names& names);

}  // namespace portcullis::cedar
