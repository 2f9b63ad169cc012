#include "cedar/value.h"

#include "base/hash.h"
#include "cedar/escape.h"
#include "cedar/extension_types.h"
#include "cedar/lexer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace portcullis::cedar {
namespace {

const HashKey& set_key() {
  static const HashKey key = HashKey::random();
  return key;
}

std::uint64_t mix(std::uint64_t value) {
  value ^= set_key().a;
  value *= 0x9e37'79b9'7f4a'7c15ULL;
  value ^= value >> 32U;
  value *= 0xd6e8'feb8'6659'fd93ULL;
  return value ^ value >> 32U;
}

std::uint64_t hash_of(const Value& value) {
  const auto kind = static_cast<std::uint64_t>(value.kind);
  switch (value.kind) {
    case ValueKind::kBool:
      return mix(kind << 8U | (value.boolean ? 1 : 0));
    case ValueKind::kString:
      return keyed_hash(set_key(), value.text());
    case ValueKind::kEntity:
      return mix(kind << 56U ^ value.entity);
    case ValueKind::kSet: {
      std::uint64_t sum = kind;  // whatever the order of the elements
      for (const Value& element : value.set->all()) sum += hash_of(element);
      return mix(sum);
    }
    case ValueKind::kRecord: {
      std::uint64_t sum = kind;
      for (std::uint32_t i = 0; i < value.record->count; ++i)
        sum = mix(sum + value.record->names[i]) + hash_of(value.record->values[i]);
      return sum;
    }
    case ValueKind::kIpaddr:
      return keyed_hash(set_key(), {reinterpret_cast<const char*>(value.ip->bytes.data()),
                                    value.ip->bytes.size()}) +
             value.ip->prefix;
    default:
      return mix(kind << 56U ^ static_cast<std::uint64_t>(value.integer));
  }
}

bool equal_records(const Record& a, const Record& b) {
  if (a.count != b.count) return false;
  if (!std::equal(a.names, a.names + a.count, b.names)) return false;
  return std::equal(a.values, a.values + a.count, b.values, equal);
}

bool equal_sets(const Set& a, const Set& b) {
  if (a.count != b.count) return false;
  return std::ranges::all_of(a.all(), [&](const Value& element) { return b.contains(element); });
}

// From here on a set has a table.
constexpr std::size_t kScannedElements = 8;

}  // namespace

std::string_view name_of(ValueKind kind) {
  switch (kind) {
    case ValueKind::kBool:
      return "Bool";
    case ValueKind::kLong:
      return "Long";
    case ValueKind::kString:
      return "String";
    case ValueKind::kEntity:
      return "entity";
    case ValueKind::kSet:
      return "Set";
    case ValueKind::kRecord:
      return "record";
    case ValueKind::kIpaddr:
      return "ipaddr";
    case ValueKind::kDecimal:
      return "decimal";
    case ValueKind::kDatetime:
      return "datetime";
    case ValueKind::kDuration:
      return "duration";
  }
  return {};
}

bool equal(const Value& a, const Value& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case ValueKind::kBool:
      return a.boolean == b.boolean;
    case ValueKind::kString:
      return a.size == b.size && (a.chars == b.chars || std::memcmp(a.chars, b.chars, a.size) == 0);
    case ValueKind::kEntity:
      return a.entity == b.entity;
    case ValueKind::kSet:
      return a.set == b.set || equal_sets(*a.set, *b.set);
    case ValueKind::kRecord:
      return a.record == b.record || equal_records(*a.record, *b.record);
    case ValueKind::kIpaddr:
      return *a.ip == *b.ip;
    default:
      return a.integer == b.integer;
  }
}

const Value* Record::find_among_many(NameId name) const {
  const NameId* found = std::lower_bound(names, names + count, name);
  return found != names + count && *found == name ? values + (found - names) : nullptr;
}

bool Set::contains(const Value& value) const {
  if (table == nullptr)
    return std::ranges::any_of(all(), [&](const Value& one) { return equal(one, value); });
  for (auto at = static_cast<std::uint32_t>(hash_of(value)) & mask; table[at] != 0;
       at = (at + 1) & mask) {
    if (equal(elements[table[at] - 1], value)) return true;
  }
  return false;
}

const Record* make_record(Arena& arena, std::vector<Field>& fields) {
  std::ranges::sort(fields, {}, &Field::name);
  NameId* names = arena.array<NameId>(fields.size());
  Value* values = arena.array<Value>(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    names[i] = fields[i].name;
    std::construct_at(values + i, fields[i].value);
  }
  return std::construct_at(arena.array<Record>(1),
                           Record{static_cast<std::uint32_t>(fields.size()), names, values});
}

const Set* make_set(Arena& arena, std::span<const Value> elements) {
  Set* set = std::construct_at(arena.array<Set>(1));
  Value* kept = arena.array<Value>(elements.size());
  set->elements = kept;
  std::uint32_t* table = nullptr;
  if (elements.size() > kScannedElements) {
    std::size_t slots = 16;
    while (slots < elements.size() * 2) slots *= 2;
    table = arena.array<std::uint32_t>(slots);
    std::fill_n(table, slots, 0U);
    set->table = table;
    set->mask = static_cast<std::uint32_t>(slots - 1);
  }
  for (const Value& element : elements) {
    if (set->contains(element)) continue;
    std::construct_at(kept + set->count, element);
    ++set->count;
    if (table == nullptr) continue;
    auto at = static_cast<std::uint32_t>(hash_of(element)) & set->mask;
    while (table[at] != 0) at = (at + 1) & set->mask;
    table[at] = set->count;
  }
  return set;
}

Value copy_value(Arena& arena, const Value& value) {
  switch (value.kind) {
    case ValueKind::kString:
      return Value::of_string(arena.copy(value.text()));
    case ValueKind::kIpaddr:
      return Value::of_ip(std::construct_at(arena.array<IpNet>(1), *value.ip));
    case ValueKind::kSet: {
      std::vector<Value> elements;
      for (const Value& element : value.set->all()) elements.push_back(copy_value(arena, element));
      return Value::of_set(make_set(arena, elements));
    }
    case ValueKind::kRecord: {
      std::vector<Field> fields;
      for (std::uint32_t i = 0; i < value.record->count; ++i)
        fields.push_back({value.record->names[i], copy_value(arena, value.record->values[i])});
      return Value::of_record(make_record(arena, fields));
    }
    default:
      return value;
  }
}

namespace {

constexpr std::size_t kMaxShown = 400;

void append_value(std::string& out, const Value& value, const Names& names) {
  if (out.size() > kMaxShown) return;
  switch (value.kind) {
    case ValueKind::kBool:
      out += value.boolean ? "true" : "false";
      return;
    case ValueKind::kLong:
      out += std::to_string(value.integer);
      return;
    case ValueKind::kString:
      append_escaped(out, value.text());
      return;
    case ValueKind::kEntity:
      out += to_string(names.uid_of(value.entity));
      return;
    case ValueKind::kSet: {
      out += '[';
      std::string_view comma;
      for (const Value& element : value.set->all()) {
        out += std::exchange(comma, ", ");
        append_value(out, element, names);
      }
      out += ']';
      return;
    }
    case ValueKind::kRecord:
      out += '{';
      for (std::uint32_t i = 0; i < value.record->count; ++i) {
        if (i > 0) out += ", ";
        const std::string_view name = names.text_of_name(value.record->names[i]);
        if (is_identifier(name)) {
          out += name;
        } else {
          append_escaped(out, name);
        }
        out += ": ";
        append_value(out, value.record->values[i], names);
      }
      out += '}';
      return;
    default:
      append_extension(out, value);
  }
}

}  // namespace

std::string to_string(const Value& value, const Names& names) {
  std::string out;
  append_value(out, value, names);
  if (out.size() <= kMaxShown) return out;
  out.resize(kMaxShown);
  while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0U) == 0x80) out.pop_back();
  if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xc0) out.pop_back();
  return out + "…";
}

}  // namespace portcullis::cedar
