#include "cedar/types.h"

#include <algorithm>

namespace portcullis::cedar {

namespace {

constexpr std::size_t kLongestShown = 300;

void append_pointer(std::string& key, TypeRef type) {
  key.append(std::to_string(reinterpret_cast<std::uintptr_t>(type))).push_back(';');
}

// Stops early when `out` is long: a type is a graph whose tree may be exponentially large.
void append_type(std::string& out, TypeRef type) {
  if (out.size() > kLongestShown) return;
  switch (type->kind) {
    case Type::Kind::kTrue:
    case Type::Kind::kFalse:
    case Type::Kind::kBool:
      out += "Bool";
      return;
    case Type::Kind::kLong:
      out += "Long";
      return;
    case Type::Kind::kString:
      out += "String";
      return;
    case Type::Kind::kSet:
      out += "Set<";
      append_type(out, type->element);
      out += '>';
      return;
    case Type::Kind::kEntity:
    case Type::Kind::kExtension:
      out += type->name;
      return;
    case Type::Kind::kRecord:
      break;
  }
  out += '{';
  std::string_view comma;
  for (const AttributeType& attribute : type->attributes) {
    if (out.size() > kLongestShown) return;
    out.append(comma).append(attribute.name).append(attribute.required ? ": " : "?: ");
    append_type(out, attribute.type);
    comma = ", ";
  }
  out += '}';
}

std::expected<TypeRef, NoBound> bound_of_records(TypePool& pool, TypeRef first, TypeRef second) {
  if (first->attributes.size() != second->attributes.size())
    return std::unexpected(NoBound::kAttributes);
  for (std::size_t i = 0; i < first->attributes.size(); ++i) {
    if (first->attributes[i].name != second->attributes[i].name)
      return std::unexpected(NoBound::kAttributes);
  }
  std::vector<AttributeType> attributes = first->attributes;
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    const AttributeType& other = second->attributes[i];
    const auto joined = least_upper_bound(pool, attributes[i].type, other.type);
    if (!joined) return joined;
    if (attributes[i].required != other.required) return std::unexpected(NoBound::kOptionalness);
    attributes[i].type = *joined;
  }
  return pool.record(std::move(attributes));
}

}  // namespace

const AttributeType* Type::attribute(std::string_view wanted) const {
  const auto at = std::ranges::lower_bound(attributes, wanted, {}, &AttributeType::name);
  return at != attributes.end() && at->name == wanted ? &*at : nullptr;
}

TypeRef TypePool::find(const std::string& key) const {
  for (const TypePool* pool = this; pool != nullptr; pool = pool->below_) {
    if (const auto at = pool->by_key_.find(key); at != pool->by_key_.end()) return at->second;
  }
  return nullptr;
}

TypeRef TypePool::keep(std::string key, Type type) {
  if (TypeRef known = find(key); known != nullptr) return known;
  TypeRef made = &types_.emplace_back(std::move(type));
  by_key_.emplace(std::move(key), made);
  return made;
}

TypeRef TypePool::simple(Type::Kind kind) {
  Type type;
  type.kind = kind;
  return keep("k" + std::to_string(static_cast<int>(kind)), std::move(type));
}

TypeRef TypePool::set_of(TypeRef element) {
  Type type;
  type.kind = Type::Kind::kSet;
  type.element = element;
  std::string key = "s";
  append_pointer(key, element);
  return keep(std::move(key), std::move(type));
}

TypeRef TypePool::entity(std::string_view name) {
  Type type;
  type.kind = Type::Kind::kEntity;
  type.name = name;
  return keep("e" + type.name, std::move(type));
}

TypeRef TypePool::extension(std::string_view name) {
  Type type;
  type.kind = Type::Kind::kExtension;
  type.name = name;
  return keep("x" + type.name, std::move(type));
}

TypeRef TypePool::record(std::vector<AttributeType> attributes) {
  std::ranges::sort(attributes, {}, &AttributeType::name);
  std::string key = "r";
  for (const AttributeType& attribute : attributes) {
    // The length before the name keeps two different lists from the same key.
    key.append(std::to_string(attribute.name.size())).append(attribute.required ? "!" : "?");
    key += attribute.name;
    append_pointer(key, attribute.type);
  }
  Type type;
  type.kind = Type::Kind::kRecord;
  type.attributes = std::move(attributes);
  return keep(std::move(key), std::move(type));
}

std::expected<TypeRef, NoBound> least_upper_bound(TypePool& pool, TypeRef first, TypeRef second) {
  if (first == second) return first;
  if (first->is_bool() && second->is_bool()) return pool.simple(Type::Kind::kBool);
  const bool with_entity = first->is(Type::Kind::kEntity) || second->is(Type::Kind::kEntity);
  const bool with_record = first->is(Type::Kind::kRecord) || second->is(Type::Kind::kRecord);
  if (first->kind != second->kind)
    return std::unexpected(with_entity && with_record ? NoBound::kEntityAndRecord
                                                      : NoBound::kDifferent);
  if (first->is(Type::Kind::kSet)) {
    const auto element = least_upper_bound(pool, first->element, second->element);
    if (!element) return element;
    return pool.set_of(*element);
  }
  if (with_record) return bound_of_records(pool, first, second);
  return std::unexpected(with_entity ? NoBound::kEntityTypes : NoBound::kDifferent);
}

std::string to_string(TypeRef type) {
  std::string out;
  append_type(out, type);
  if (out.size() > kLongestShown) {
    out.resize(kLongestShown);
    // A character that was cut in the middle goes whole.
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0U) == 0x80U)
      out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0x80) out.pop_back();
    out += "…";
  }
  return out;
}

}  // namespace portcullis::cedar
