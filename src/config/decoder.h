// Reads mappings of the file into plain structs, with the table of keys.h in hand. Everything that
// is wrong is reported, and reading goes on; what could not be read keeps its default.
#pragma once

#include "config/config.h"
#include "config/keys.h"
#include "config/sources.h"
#include "config/yaml.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portcullis::config {

enum class ReferenceKind : std::uint8_t { kListener, kUpstream, kAuthenticator, kLimit, kRole };

// A name of something that must be defined elsewhere in the file.
struct Reference {
  ReferenceKind kind;
  Text text;
  std::string key;
};

// What a key is when the file does not say, as the file would say it. Not `literal`: in words.
struct Default {
  std::string text;
  bool literal = true;
};
using Defaults = std::map<std::pair<const Block*, std::string_view>, Default>;

// What one loading shares.
struct Context {
  Diagnostics& diagnostics;
  Sources& sources;
  std::vector<std::string> files;  // all that the configuration was read from, and names
  std::vector<Reference> references;
  // APIs whose operations are not all known (a document that is not built yet, a route that could
  // not be read): what names an unknown operation of theirs is not reported.
  std::set<std::string> partial_apis;
  // The file has policies, which may know roles that `roles` does not name.
  bool policies = false;
  // When set, each key that is absent is noted here with what it then is (see defaults.h).
  Defaults* defaults = nullptr;

  // `path` as the file that `at` is in means it, and noted among `files`.
  [[nodiscard]] std::string resolve(const std::string& path, Position at) const;
  std::string note_file(const std::string& path, Position at);
  // "line 4", or "other.yaml:4:3" when `there` is in another file than `here`.
  [[nodiscard]] std::string place(Position here, Position there) const;
};

// One mapping. Construction reports unknown keys, keys that are not built yet and required keys
// that are missing. Every key that the table calls built must then be read: the destructor checks,
// so that no key can be accepted in silence.
class Scope {
 public:
  // `at` is where the mapping is named; `key` its dotted path, empty for the top level.
  Scope(Context& context, const Block& block, const Value& value, Position at, std::string key);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  [[nodiscard]] Position at() const { return at_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] std::string key(std::string_view name) const;
  [[nodiscard]] Context& context() const { return context_; }
  // Whether it is a mapping at all; if not, that has been reported.
  [[nodiscard]] bool readable() const { return value_ != nullptr; }
  // Whether the key stands there, readable or not, built or not.
  [[nodiscard]] bool has(std::string_view name) const;
  // Where the value of `name` stands, or the mapping when it is absent.
  [[nodiscard]] Position place_of(std::string_view name) const;
  // Whether what stands there is a mapping.
  [[nodiscard]] bool is_mapping(std::string_view name) const;
  // Reports at the value of `name`, or at the mapping when it is absent.
  void error(std::string_view name, std::string message);

  // Of a key whose default is not what is given to the reads below: what it is, or a description.
  void unless_said(std::string_view name, std::uint64_t value);
  void unless_said(std::string_view name, milliseconds value);
  void unless_said(std::string_view name, std::string_view literal);
  void unless_said_in_words(std::string_view name, std::string words);

  // Each reads one key into `out`, left alone when the key is absent; false when it is absent or
  // wrong, and what is wrong has been reported.
  template <typename Period>
  bool duration(std::string_view name, std::chrono::duration<std::int64_t, Period>& out);
  template <typename Unsigned>
  bool integer(std::string_view name, Unsigned& out);
  template <typename Unsigned>
  bool size(std::string_view name, Unsigned& out);
  template <typename Period>
  bool duration(std::string_view name,
                std::optional<std::chrono::duration<std::int64_t, Period>>& out);
  template <typename Unsigned>
  bool integer(std::string_view name, std::optional<Unsigned>& out);
  template <typename Unsigned>
  bool size(std::string_view name, std::optional<Unsigned>& out);
  template <typename Enum>
  bool choice(std::string_view name, Enum& out);
  bool workers(std::string_view name, std::uint32_t& out);
  bool rate(std::string_view name, Rate& out);
  bool boolean(std::string_view name, bool& out);
  bool string(std::string_view name, Text& out);
  bool string(std::string_view name, std::string& out);
  bool file(std::string_view name, std::string& out);           // resolved and noted
  bool strings(std::string_view name, std::vector<Text>& out);  // one or several
  bool strings(std::string_view name, std::vector<std::string>& out);
  bool secret(std::string_view name, Secret& out);
  bool endpoint(std::string_view name, IpEndpoint& out);
  bool cidrs(std::string_view name, std::vector<Cidr>& out);
  bool day_end(std::string_view name, std::chrono::sys_seconds& out);
  bool mapping(std::string_view name, const std::function<void(Scope&)>& read);
  // A mapping of names: `read` gets each name and the scope of its block.
  bool named(std::string_view name, const std::function<void(const std::string&, Scope&)>& read);
  bool named_strings(std::string_view name,
                     const std::function<void(const Text& name, const Text& value)>& read);
  bool named_lists(std::string_view name,
                   const std::function<void(const Text& name, std::vector<Text> items)>& read);
  bool list(std::string_view name, const std::function<void(Scope&)>& read);
  // `none` gives an empty list; otherwise names of authenticators.
  bool authenticate(std::string_view name, std::vector<Text>& out);
  // `none` gives an empty list; otherwise choices in the order of the list.
  template <typename Enum>
  bool choices(std::string_view name, std::vector<Enum>& out);
  // One of the choices gives that; otherwise `read` gets the block.
  template <typename Enum>
  bool choice_or_block(std::string_view name, Enum& out, const std::function<void(Scope&)>& read);
  // `off` gives false in `enabled`; otherwise a mapping.
  bool switchable(std::string_view name, bool& enabled, const std::function<void(Scope&)>& read);
  // `none`, or a mapping.
  bool none_or_mapping(std::string_view name, const std::function<void(Scope&)>& read);
  bool flag_or_mapping(std::string_view name, bool& flag, const std::function<void(Scope&)>& read);
  template <typename Period>
  bool duration_or_mapping(std::string_view name, std::chrono::duration<std::int64_t, Period>& out,
                           const std::function<void(Scope&)>& read);
  // A mapping, or a list of them.
  bool one_or_list(std::string_view name, const std::function<void(Scope&)>& read);

 private:
  struct Entry {
    const Key* key = nullptr;
    const Value* value = nullptr;
    Position at = {};  // of the key
    explicit operator bool() const { return value != nullptr; }
  };
  void check_members(const Value& value);
  void check_required(const Value& value);
  // The member to read; marks it as read. Nothing when it is absent or was already reported.
  Entry take(std::string_view name);
  // The text of a scalar; reports anything else as not being `expected`.
  const std::string* scalar(const Entry& entry, const std::string& expected);
  void report(const Value& value, std::string key, std::string message);
  void expected(const Value& value, const std::string& key, const std::string& what);
  bool word_or_mapping(std::string_view name, std::string_view word, bool& is_word,
                       const std::function<void(Scope&)>& read);
  bool number(std::string_view name, bool is_size, std::uint64_t most, std::uint64_t& out);
  bool milliseconds_of(std::string_view name, milliseconds& out);
  bool choice_index(std::string_view name, std::size_t& out);
  bool choice_indices(std::string_view name, std::vector<std::size_t>& out);
  [[nodiscard]] bool is_block(std::string_view name) const;
  bool items(const Key& key, const Value& value, const std::string& path, std::vector<Text>& out);
  bool item(const Key& key, const Value& value, const std::string& path, std::vector<Text>& out);
  bool check_choice(const Key& key, const Value& value, const std::string& path);
  bool check_entry_name(const Member& member, const std::string& path);

  Context& context_;
  const Block& block_;
  Position at_;
  std::string key_;
  const Value* value_;  // the mapping, or nullptr when it is something else
  std::set<std::string_view> unread_;
};

template <typename Period>
bool Scope::duration(std::string_view name, std::chrono::duration<std::int64_t, Period>& out) {
  milliseconds value{0};
  if (!milliseconds_of(name, value)) {
    unless_said(name, std::chrono::duration_cast<milliseconds>(out));
    return false;
  }
  // Fractions of a coarser unit round up: 1500ms of leeway is 2s, never none.
  out = std::chrono::ceil<std::chrono::duration<std::int64_t, Period>>(value);
  return true;
}

template <typename Period>
bool Scope::duration_or_mapping(std::string_view name,
                                std::chrono::duration<std::int64_t, Period>& out,
                                const std::function<void(Scope&)>& read) {
  return is_mapping(name) ? mapping(name, read) : duration(name, out);
}

template <typename Unsigned>
bool Scope::integer(std::string_view name, Unsigned& out) {
  std::uint64_t value = 0;
  if (!number(name, false, std::numeric_limits<Unsigned>::max(), value)) {
    unless_said(name, std::uint64_t{out});
    return false;
  }
  out = static_cast<Unsigned>(value);
  return true;
}

template <typename Unsigned>
bool Scope::size(std::string_view name, Unsigned& out) {
  std::uint64_t value = 0;
  if (!number(name, true, std::numeric_limits<Unsigned>::max(), value)) {
    unless_said(name, std::uint64_t{out});
    return false;
  }
  out = static_cast<Unsigned>(value);
  return true;
}

template <typename Period>
bool Scope::duration(std::string_view name,
                     std::optional<std::chrono::duration<std::int64_t, Period>>& out) {
  milliseconds value{0};
  if (!milliseconds_of(name, value)) return false;
  out = std::chrono::ceil<std::chrono::duration<std::int64_t, Period>>(value);
  return true;
}

template <typename Unsigned>
bool Scope::integer(std::string_view name, std::optional<Unsigned>& out) {
  std::uint64_t value = 0;
  if (!number(name, false, std::numeric_limits<Unsigned>::max(), value)) return false;
  out = static_cast<Unsigned>(value);
  return true;
}

template <typename Unsigned>
bool Scope::size(std::string_view name, std::optional<Unsigned>& out) {
  std::uint64_t value = 0;
  if (!number(name, true, std::numeric_limits<Unsigned>::max(), value)) return false;
  out = static_cast<Unsigned>(value);
  return true;
}

template <typename Enum>
bool Scope::choice(std::string_view name, Enum& out) {
  std::size_t index = 0;
  if (!choice_index(name, index)) {
    unless_said(name, static_cast<std::uint64_t>(out));
    return false;
  }
  out = static_cast<Enum>(index);
  return true;
}

template <typename Enum>
bool Scope::choices(std::string_view name, std::vector<Enum>& out) {
  std::vector<std::size_t> indices;
  if (!choice_indices(name, indices)) return false;
  for (const std::size_t index : indices) out.push_back(static_cast<Enum>(index));
  return true;
}

template <typename Enum>
bool Scope::choice_or_block(std::string_view name, Enum& out,
                            const std::function<void(Scope&)>& read) {
  return is_block(name) ? mapping(name, read) : choice(name, out);
}

}  // namespace portcullis::config
