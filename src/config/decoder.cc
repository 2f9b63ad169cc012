#include "config/decoder.h"

#include "base/check.h"
#include "config/contains.h"
#include "config/nearest.h"
#include "config/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace portcullis::config {
namespace {

std::vector<std::string_view> names_of(const Block& block, bool built_only) {
  std::vector<std::string_view> names;
  for (const Key& key : block.keys)
    if (!built_only || key.type != KeyType::kNotBuilt) names.push_back(key.name);
  return names;
}

std::string describe(const Value& value) {
  switch (value.kind) {
    case ValueKind::kNull:
      return "nothing";
    case ValueKind::kSequence:
      return "a list";
    case ValueKind::kMapping:
      return "a mapping";
    case ValueKind::kScalar:
      return value.text.empty() ? "an empty string" : quote(value.text);
    case ValueKind::kRefused:
      break;
  }
  return "something else";
}

}  // namespace

std::string Context::resolve(const std::string& path, Position at) const {
  const std::filesystem::path given(path);
  if (given.is_absolute()) return path;
  const std::filesystem::path named_in(diagnostics.files()[at.file]);
  return (named_in.parent_path() / given).lexically_normal().string();
}

std::string Context::note_file(const std::string& path, Position at) {
  std::string resolved = resolve(path, at);
  if (!contains(files, resolved)) files.push_back(resolved);
  return resolved;
}

std::string Context::place(Position here, Position there) const {
  if (here.file == there.file) return fmt::format("line {}", there.line);
  return fmt::format("{}:{}:{}", diagnostics.files()[there.file], there.line, there.column);
}

Scope::Scope(Context& context, const Block& block, const Value& value, Position at, std::string key)
    : context_(context),
      block_(block),
      at_(at),
      key_(std::move(key)),
      value_(value.kind == ValueKind::kMapping ? &value : nullptr) {
  if (!key_.empty()) context_.diagnostics.note_place(key_, at_);
  if (value_ != nullptr) {
    check_members(value);
    check_required(value);
  } else if (value.kind != ValueKind::kRefused) {
    expected(value, key_, "a mapping with " + one_of(names_of(block_, true)));
  }
}

Scope::~Scope() { PC_CHECK(unread_.empty()); }

void Scope::check_members(const Value& value) {
  for (const Member& member : value.members) {
    const Key* known = block_.find(member.key);
    if (known == nullptr) {
      const std::string meant = did_you_mean(member.key, names_of(block_, false));
      context_.diagnostics.error(
          member.at, key_,
          "unknown key " + quote(member.key) +
              (meant.empty() ? "; expected " + one_of(names_of(block_, true)) : meant));
    } else if (known->type == KeyType::kNotBuilt) {
      context_.diagnostics.error(member.at, key(member.key),
                                 quote(member.key) + " is not built yet: remove it");
    } else {
      unread_.insert(known->name);
    }
  }
}

void Scope::check_required(const Value& value) {
  const auto stands = [&](const Key& wanted) {
    return std::ranges::any_of(value.members, [&](const Member& member) {
      if (member.key == wanted.name) return true;
      const Key* known = block_.find(member.key);
      return known != nullptr && known->replaces == wanted.name;
    });
  };
  for (const Key& wanted : block_.keys)
    if (wanted.required && !stands(wanted))
      context_.diagnostics.error(at_, key_,
                                 fmt::format("`{}` is missing: {}", wanted.name,  //
                                             wanted.help));
}

std::string Scope::key(std::string_view name) const {
  return key_.empty() ? std::string(name) : key_ + "." + std::string(name);
}

bool Scope::has(std::string_view name) const {
  return value_ != nullptr &&
         std::ranges::any_of(value_->members, [&](const Member& m) { return m.key == name; });
}

Position Scope::place_of(std::string_view name) const {
  if (value_ != nullptr)
    for (const Member& member : value_->members)
      if (member.key == name) return member.value.at;
  return at_;
}

bool Scope::is_mapping(std::string_view name) const {
  return value_ != nullptr && std::ranges::any_of(value_->members, [&](const Member& m) {
           return m.key == name && m.value.kind == ValueKind::kMapping;
         });
}

void Scope::error(std::string_view name, std::string message) {
  context_.diagnostics.error(place_of(name), key(name), std::move(message));
}

Scope::Entry Scope::take(std::string_view name) {
  const Key* known = block_.find(name);
  PC_CHECK(known != nullptr && known->type != KeyType::kNotBuilt);
  unread_.erase(known->name);
  if (value_ == nullptr) return {};
  for (const Member& member : value_->members)
    if (member.key == name && member.value.kind != ValueKind::kRefused) {
      const bool is_scalar = member.value.kind == ValueKind::kScalar;
      context_.diagnostics.note_place(key(name), is_scalar ? member.value.at : member.at);
      return {known, &member.value, member.at};
    }
  return {};
}

void Scope::report(const Value& value, std::string key, std::string message) {
  context_.diagnostics.error(value.at, std::move(key), std::move(message));
}

void Scope::expected(const Value& value, const std::string& key, const std::string& what) {
  report(value, key, "expected " + what + "; found " + describe(value));
}

const std::string* Scope::scalar(const Entry& entry, const std::string& what) {
  if (!entry) return nullptr;
  if (entry.value->kind == ValueKind::kScalar && !entry.value->text.empty())
    return &entry.value->text;
  expected(*entry.value, key(entry.key->name), what);
  return nullptr;
}

bool Scope::check_choice(const Key& known, const Value& value, const std::string& path) {
  if (known.choices.empty() || contains(known.choices, value.text)) return true;
  if (contains(known.not_built_choices, value.text)) {
    const std::vector<std::string_view> built(known.choices.begin(), known.choices.end());
    report(value, path, quote(value.text) + " is not built yet; there is " + one_of(built));
    return false;
  }
  const std::vector<std::string_view> choices(known.choices.begin(), known.choices.end());
  report(value, path,
         "expected " + one_of(choices) + (known.block != nullptr ? ", or a mapping" : "") +
             "; found " + describe(value) +
             (choices.size() > 3 ? did_you_mean(value.text, choices) : ""));
  return false;
}

bool Scope::item(const Key& known, const Value& value, const std::string& path,
                 std::vector<Text>& out) {
  if (value.kind == ValueKind::kRefused) return false;
  context_.diagnostics.note_place(path, value.at);
  if (value.kind != ValueKind::kScalar || value.text.empty()) {
    expected(value, path, "a string");
    return false;
  }
  if (!check_choice(known, value, path)) return false;
  const auto same = std::ranges::find(out, value.text, &Text::value);
  if (same != out.end()) {
    report(value, path, quote(value.text) + " is there twice: remove one");
    return false;
  }
  out.push_back({value.text, value.at});
  return true;
}

bool Scope::items(const Key& known, const Value& value, const std::string& path,
                  std::vector<Text>& out) {
  if (known.type == KeyType::kStringOrList && value.kind == ValueKind::kScalar)
    return item(known, value, path, out);
  if (value.kind != ValueKind::kSequence) {
    expected(value, path,
             known.type == KeyType::kStringOrList ? "a string or a list of strings"
                                                  : "a list of strings");
    return false;
  }
  if (value.items.size() < known.min) {
    report(value, path, "the list is empty: it needs at least one");
    return false;
  }
  bool good = true;
  for (std::size_t i = 0; i < value.items.size(); ++i)
    good = item(known, value.items[i], fmt::format("{}[{}]", path, i), out) && good;
  return good;
}

bool Scope::check_entry_name(const Member& member, const std::string& path) {
  if (is_name(member.key)) return true;
  context_.diagnostics.error(
      member.at, path,
      "a name is letters, digits, `_` and `-`, at most 64; found " + quote(member.key));
  return false;
}

}  // namespace portcullis::config
