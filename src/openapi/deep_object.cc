#include "openapi/deep_object.h"

#include "openapi/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <string>

namespace portcullis::openapi {

namespace {

using Kind = Shape::Kind;

std::unexpected<Error> bad(std::string_view what) {
  return refuse(ErrorCode::kMalformedRequest, std::string(what));
}

// What is left of a pair's name, and its value.
struct Entry {
  std::string_view brackets;  // `[range][from]`, or nothing
  std::string_view value;     // decoded
  bool taken = false;
};

// `[a][b]`: no bracket within brackets, nothing between them.
Result<void> check_brackets(std::string_view text, std::size_t max_depth) {
  std::size_t depth = 0;
  while (!text.empty()) {
    const std::size_t close = text.find(']');
    if (!text.starts_with('[') || close == std::string_view::npos ||
        text.substr(1, close).contains('[')) {
      return bad("brackets in the name that do not pair");
    }
    if (++depth > max_depth) return bad(fmt::format("more than {} levels of brackets", max_depth));
    text.remove_prefix(close + 1);
  }
  return {};
}

std::string_view take_key(std::string_view& brackets) {
  const std::size_t close = brackets.find(']');
  const std::string_view key = brackets.substr(1, close - 1);
  brackets.remove_prefix(close + 1);
  return key;
}

class Builder {
 public:
  explicit Builder(Arena& arena) : arena_(arena) {}

  Result<Value> build(const Shape& shape, std::span<Entry> entries) {
    switch (shape.kind) {
      case Kind::kObject:
        return object(shape, entries);
      case Kind::kArray:
        return array(shape, entries);
      case Kind::kScalar:
        break;
    }
    if (entries.size() > 1) return bad("a property twice");
    if (!entries.front().brackets.empty())
      return bad("brackets behind a property that has no parts");
    return Value{Kind::kScalar, entries.front().value, {}};
  }

 private:
  Result<Value> array(const Shape& shape, std::span<Entry> entries) {
    if (shape.item().kind != Kind::kScalar)
      return bad("arrays of objects have no form in this style");
    Member* const members = arena_.array<Member>(entries.size());
    std::size_t count = 0;
    for (const Entry& entry : entries) {
      if (!entry.brackets.empty() && entry.brackets != "[]")
        return bad("an array's element with a name: repeat the array's own");
      new (&members[count++]) Member{{}, Value{Kind::kScalar, entry.value, {}}};
    }
    return Value{Kind::kArray, {}, std::span(members, count)};
  }

  Result<Value> object(const Shape& shape, std::span<Entry> entries) {
    Member* const members = arena_.array<Member>(entries.size());
    Entry* const group = arena_.array<Entry>(entries.size());
    std::size_t count = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].taken) continue;
      if (entries[i].brackets.empty()) return bad("an object as if it were a text");
      std::string_view rest = entries[i].brackets;
      const std::string_view key = take_key(rest);
      if (key.empty()) return bad("empty brackets where a property's name belongs");
      std::size_t size = 0;
      for (Entry& entry : entries.subspan(i)) {
        std::string_view left = entry.brackets;
        if (entry.taken || left.empty() || take_key(left) != key) continue;
        entry.taken = true;
        new (&group[size++]) Entry{left, entry.value, false};
      }
      PC_TRY(const Value value, build(shape.member(key), std::span(group, size)));
      new (&members[count++]) Member{key, value};
    }
    return Value{Kind::kObject, {}, std::span(members, count)};
  }

  Arena& arena_;
};

}  // namespace

Result<std::optional<Value>> read_deep_object(const ParameterDefinition& definition,
                                              std::span<Pair> pairs, const ParameterBounds& bounds,
                                              Arena& arena) {
  Entry* const entries = arena.array<Entry>(pairs.size());
  std::size_t count = 0;
  for (Pair& pair : pairs) {
    if (!pair.name.starts_with(definition.name)) continue;
    const std::string_view brackets = pair.name.substr(definition.name.size());
    if (!brackets.starts_with('[')) continue;
    pair.used = true;
    PC_CHECK_OK(check_brackets(brackets, bounds.depth));
    if (!pair.has_value) return bad("a property without a '=' and a value");
    if (pair.raw.size() > 3 * bounds.text) return bad("too long");
    PC_TRY(const std::string_view value, decode_text(pair.raw, Plus::kSpace, arena));
    if (value.size() > bounds.text) return bad("too long");
    new (&entries[count++]) Entry{brackets, value, false};
  }
  if (count == 0) return std::nullopt;
  if (count > bounds.items) return bad(fmt::format("more than {} items", bounds.items));
  PC_TRY(const Value value, Builder(arena).build(definition.shape, std::span(entries, count)));
  return value;
}

}  // namespace portcullis::openapi
