// The types that the validator reasons with. Each distinct type exists once in a pool, so that two
// types are the same exactly when their pointers are, and a common type that is used a thousand
// times costs its size once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace portcullis::cedar {

struct Type;
using TypeRef = const Type*;

struct AttributeType {
  std::string name;
  TypeRef type = nullptr;
  bool required = true;
};

struct Type {
  enum class Kind : std::uint8_t {
    kTrue,   // the Bool that is known to be true
    kFalse,  // the Bool that is known to be false
    kBool,
    kLong,
    kString,
    kSet,
    kRecord,
    kEntity,
    kExtension,
  };
  Kind kind = Kind::kBool;
  std::string name;                       // of an entity or extension type
  TypeRef element = nullptr;              // of a set
  std::vector<AttributeType> attributes;  // of a record, sorted by name

  [[nodiscard]] const AttributeType* attribute(std::string_view wanted) const;
  [[nodiscard]] bool is(Kind other) const { return kind == other; }
  [[nodiscard]] bool is_bool() const { return kind <= Kind::kBool; }
};

// Owns types. A pool may stand on another one, whose types it reuses and which must outlive it:
// the validator's stands on the schema's.
class TypePool {
 public:
  explicit TypePool(const TypePool* below = nullptr) : below_(below) {}
  TypePool(const TypePool&) = delete;
  TypePool& operator=(const TypePool&) = delete;

  // Of kTrue, kFalse, kBool, kLong or kString.
  [[nodiscard]] TypeRef simple(Type::Kind kind);
  [[nodiscard]] TypeRef boolean(bool value) {
    return simple(value ? Type::Kind::kTrue : Type::Kind::kFalse);
  }
  [[nodiscard]] TypeRef set_of(TypeRef element);
  [[nodiscard]] TypeRef entity(std::string_view name);
  [[nodiscard]] TypeRef extension(std::string_view name);
  // `attributes` in any order; a name may occur once.
  [[nodiscard]] TypeRef record(std::vector<AttributeType> attributes);

 private:
  [[nodiscard]] TypeRef find(const std::string& key) const;
  TypeRef keep(std::string key, Type type);

  const TypePool* below_;
  std::deque<Type> types_;
  std::unordered_map<std::string, TypeRef> by_key_;
};

// Why two types have no common one.
enum class NoBound : std::uint8_t {
  kDifferent,
  kEntityTypes,   // entities of different types
  kAttributes,    // records with different attributes
  kOptionalness,  // an attribute that is optional in one record only
  kEntityAndRecord,
};

// The least type that holds the values of both; by the strict rules, which join nothing but the
// kinds of Bool.
[[nodiscard]] std::expected<TypeRef, NoBound> least_upper_bound(TypePool& pool, TypeRef first,
                                                                TypeRef second);

// `Set<{a: Long, b?: NS::User}>`, cut short when it is very long.
[[nodiscard]] std::string to_string(TypeRef type);

}  // namespace portcullis::cedar
