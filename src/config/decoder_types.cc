// The typed reads of Scope.
#include "base/check.h"
#include "config/decoder.h"
#include "config/nearest.h"
#include "config/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace portcullis::config {
namespace {

constexpr std::size_t kMaxSecretSize = 64UL * 1024;

}  // namespace

void Scope::unless_said(std::string_view name, std::uint64_t value) {
  if (context_.defaults == nullptr) return;
  const Key& key = *block_.find(name);
  // What could not be written stands for nothing at all: no limit, no such timer.
  const bool bounded = key.max != 0;
  if (bounded && value < key.min && key.type != KeyType::kWorkers) return;
  switch (key.type) {
    case KeyType::kDuration:
      return unless_said(name, show_duration(value));
    case KeyType::kSize:
      return unless_said(name, show_size(value));
    case KeyType::kBoolean:
      return unless_said(name, value != 0 ? "true" : "false");
    case KeyType::kWorkers:
      return unless_said(name, "auto");
    case KeyType::kChoice:
      return unless_said(name, key.choices[value]);
    default:
      return unless_said(name, fmt::format("{}", value));
  }
}

void Scope::unless_said(std::string_view name, milliseconds value) {
  unless_said(name, static_cast<std::uint64_t>(value.count()));
}

void Scope::unless_said(std::string_view name, std::string_view literal) {
  const Key& key = *block_.find(name);
  if (context_.defaults == nullptr || literal.empty() || key.required) return;
  context_.defaults->insert_or_assign({&block_, key.name}, Default{std::string(literal), true});
}

void Scope::unless_said_in_words(std::string_view name, std::string words) {
  if (context_.defaults == nullptr) return;
  context_.defaults->insert_or_assign({&block_, block_.find(name)->name},
                                      Default{std::move(words), false});
}

bool Scope::number(std::string_view name, bool is_size, std::uint64_t most, std::uint64_t& out) {
  const Entry entry = take(name);
  if (!entry) return false;
  const std::uint64_t max = std::min(entry.key->max, most);
  const std::uint64_t min = entry.key->min;
  std::string what;
  if (is_size)
    what = fmt::format("a size in bytes such as `64KiB` or `1MiB`, from {} to {}", show_size(min),
                       show_size(max));
  else if (min == max)
    what = fmt::format("{}", min);
  else
    what = fmt::format("a whole number from {} to {}", min, max);
  const std::string* text = scalar(entry, what);
  if (text == nullptr) return false;
  const auto value = is_size ? parse_size(*text) : parse_number(*text);
  if (!value || *value < min || *value > max) {
    expected(*entry.value, key(name), what);
    return false;
  }
  out = *value;
  return true;
}

bool Scope::milliseconds_of(std::string_view name, milliseconds& out) {
  const Entry entry = take(name);
  if (!entry) return false;
  const std::string what =
      fmt::format("a duration such as `250ms`, `5s`, `10m`, `24h` or `365d`, from {} to {}",
                  show_duration(entry.key->min), show_duration(entry.key->max));
  const std::string* text = scalar(entry, what);
  if (text == nullptr) return false;
  const auto value = parse_duration(*text);
  const auto count = value ? static_cast<std::uint64_t>(value->count()) : 0;
  if (!value || count < entry.key->min || count > entry.key->max) {
    expected(*entry.value, key(name), what);
    return false;
  }
  out = *value;
  return true;
}

bool Scope::workers(std::string_view name, std::uint32_t& out) {
  const Entry entry = take(name);
  const std::string what = "`auto` or a whole number from 1 to 256";
  const std::string* text = scalar(entry, what);
  if (text == nullptr) {
    unless_said(name, out);
    return false;
  }
  if (*text == "auto") {
    out = 0;
    return true;
  }
  const auto value = parse_number(*text);
  if (!value || *value < entry.key->min || *value > entry.key->max) {
    expected(*entry.value, key(name), what);
    return false;
  }
  out = static_cast<std::uint32_t>(*value);
  return true;
}

bool Scope::rate(std::string_view name, Rate& out) {
  const Entry entry = take(name);
  const std::string what = "a rate such as `200/s`, `600/m` or `5/15m`";
  const std::string* text = scalar(entry, what);
  if (text == nullptr) return false;
  const auto value = parse_rate(*text);
  if (!value) {
    expected(*entry.value, key(name), what);
    return false;
  }
  out = *value;
  return true;
}

bool Scope::boolean(std::string_view name, bool& out) {
  const Entry entry = take(name);
  const std::string* text = scalar(entry, "`true` or `false`");
  if (text == nullptr) {
    unless_said(name, std::uint64_t{out});
    return false;
  }
  if (entry.value->quoted || (*text != "true" && *text != "false")) {
    expected(*entry.value, key(name), "`true` or `false`, without quotes");
    return false;
  }
  out = *text == "true";
  return true;
}

bool Scope::choice_index(std::string_view name, std::size_t& out) {
  const Entry entry = take(name);
  if (!entry) return false;
  const std::vector<std::string_view> choices(entry.key->choices.begin(), entry.key->choices.end());
  const std::string what = one_of(choices) + (entry.key->block != nullptr ? ", or a mapping" : "");
  if (scalar(entry, what) == nullptr || !check_choice(*entry.key, *entry.value, key(name)))
    return false;
  out = static_cast<std::size_t>(std::ranges::find(choices, entry.value->text) - choices.begin());
  return true;
}

bool Scope::choice_indices(std::string_view name, std::vector<std::size_t>& out) {
  const Entry entry = take(name);
  if (!entry) return false;
  if (entry.value->kind == ValueKind::kScalar && entry.value->text == "none") return true;
  const std::vector<std::string_view> choices(entry.key->choices.begin(), entry.key->choices.end());
  if (entry.value->kind != ValueKind::kSequence || entry.value->items.empty()) {
    expected(
        *entry.value, key(name),
        "`none`, or a list such as `[" + std::string(choices.front()) + "]` of " + one_of(choices));
    return false;
  }
  std::vector<Text> texts;
  if (!items(*entry.key, *entry.value, key(name), texts)) return false;
  for (const Text& text : texts)
    out.push_back(
        static_cast<std::size_t>(std::ranges::find(choices, text.value) - choices.begin()));
  return true;
}

bool Scope::is_block(std::string_view name) const {
  return value_ != nullptr && std::ranges::any_of(value_->members, [&](const Member& member) {
           return member.key == name && member.value.kind == ValueKind::kMapping;
         });
}

bool Scope::string(std::string_view name, Text& out) {
  const Entry entry = take(name);
  const std::string* text = scalar(entry, "a string");
  if (text == nullptr) {
    unless_said(name, out.value);
    return false;
  }
  out = {*text, entry.value->at};
  return true;
}

bool Scope::string(std::string_view name, std::string& out) {
  Text text{out, {}};
  if (!string(name, text)) return false;
  out = std::move(text.value);
  return true;
}

bool Scope::file(std::string_view name, std::string& out) {
  Text text;
  if (!string(name, text)) return false;
  out = context_.note_file(text.value, text.at);
  return true;
}

bool Scope::strings(std::string_view name, std::vector<Text>& out) {
  const Entry entry = take(name);
  return entry && items(*entry.key, *entry.value, key(name), out);
}

bool Scope::strings(std::string_view name, std::vector<std::string>& out) {
  std::vector<Text> texts;
  const bool good = strings(name, texts);
  for (Text& text : texts) out.push_back(std::move(text.value));
  return good;
}

bool Scope::secret(std::string_view name, Secret& out) {
  const Entry entry = take(name);
  if (!entry) return false;
  // No message shows the text: it may be the secret itself, put here by mistake.
  const std::string what = "`${env:NAME}` or `${file:PATH}`";
  const std::string& text = entry.value->text;
  const auto complain = [&](std::string message) {
    report(*entry.value, key(name), std::move(message));
    return false;
  };
  if (entry.value->kind != ValueKind::kScalar || !text.starts_with("${") || !text.ends_with('}'))
    return complain("a secret may not stand in the file: use a reference, " + what);
  const std::string inner = text.substr(2, text.size() - 3);
  const std::size_t colon = inner.find(':');
  const std::string kind = inner.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : inner.substr(colon + 1);
  if (kind == "vault") return complain("`${vault:…}` is not built yet");
  if ((kind != "env" && kind != "file") || rest.empty())
    return complain("expected a reference to a secret: " + what);

  std::string value;
  if (kind == "env") {
    auto variable = context_.sources.environment(rest);
    if (!variable) return complain("the environment variable " + quote(rest) + " is not set");
    value = *std::move(variable);
  } else {
    const std::string path = context_.note_file(rest, entry.value->at);
    auto content = context_.sources.read(path, kMaxSecretSize);
    if (!content) return complain(quote(path) + " cannot be read: " + content.error().detail);
    value = *std::move(content);
    if (value.ends_with('\n')) value.pop_back();
    if (value.ends_with('\r')) value.pop_back();
  }
  if (value.empty()) return complain("the secret behind the reference is empty");
  out = Secret(std::move(value));
  return true;
}

bool Scope::endpoint(std::string_view name, IpEndpoint& out) {
  const Entry entry = take(name);
  const std::string what = "an address and a port such as `127.0.0.1:8080` or `[::]:8443`";
  const std::string* text = scalar(entry, what);
  if (text == nullptr) return false;
  const auto value = parse_endpoint(*text);
  if (!value) {
    expected(*entry.value, key(name), what);
    return false;
  }
  out = *value;
  return true;
}

bool Scope::cidrs(std::string_view name, std::vector<Cidr>& out) {
  const Entry entry = take(name);
  if (!entry) return false;
  if (entry.value->kind != ValueKind::kSequence) {
    expected(*entry.value, key(name), "a list of networks such as `[10.0.0.0/8, \"fd00::/8\"]`");
    return false;
  }
  if (entry.value->items.size() < entry.key->min) {
    report(*entry.value, key(name), "the list is empty: it needs at least one");
    return false;
  }
  bool good = true;
  std::vector<Text> texts;
  for (std::size_t i = 0; i < entry.value->items.size(); ++i) {
    const Value& value = entry.value->items[i];
    const std::string path = fmt::format("{}[{}]", key(name), i);
    if (!item(*entry.key, value, path, texts)) {
      good = false;
      continue;
    }
    const auto network = Cidr::parse(value.text);
    if (network) {
      out.push_back(*network);
    } else {
      expected(value, path, "a network such as `10.0.0.0/8`, without bits beyond its length");
      good = false;
    }
  }
  return good;
}

bool Scope::day_end(std::string_view name, std::chrono::sys_seconds& out) {
  const Entry entry = take(name);
  const std::string what = "a date such as `2027-01-31`";
  const std::string* text = scalar(entry, what);
  if (text == nullptr) return false;
  const auto value = parse_day_end(*text);
  if (!value) {
    expected(*entry.value, key(name), what);
    return false;
  }
  out = *value;
  return true;
}

bool Scope::mapping(std::string_view name, const std::function<void(Scope&)>& read) {
  const Entry entry = take(name);
  if (!entry) return false;
  Scope inner(context_, *entry.key->block, *entry.value, entry.at, key(name));
  read(inner);
  return true;
}

bool Scope::named(std::string_view name,
                  const std::function<void(const std::string&, Scope&)>& read) {
  const Entry entry = take(name);
  if (!entry) return false;
  if (entry.value->kind != ValueKind::kMapping) {
    expected(*entry.value, key(name), "a mapping of names");
    return false;
  }
  if (entry.value->members.size() < entry.key->min)
    report(*entry.value, key(name), "is empty: it needs at least one name");
  for (const Member& member : entry.value->members) {
    const std::string path = key(name) + "." + member.key;
    check_entry_name(member, path);
    Scope inner(context_, *entry.key->block, member.value, member.at, path);
    read(member.key, inner);
  }
  return true;
}

bool Scope::named_strings(std::string_view name,
                          const std::function<void(const Text&, const Text&)>& read) {
  const Entry entry = take(name);
  if (!entry) return false;
  if (entry.value->kind != ValueKind::kMapping) {
    expected(*entry.value, key(name), "a mapping of names to strings");
    return false;
  }
  for (const Member& member : entry.value->members) {
    if (member.value.kind == ValueKind::kRefused) continue;
    if (member.value.kind != ValueKind::kScalar || member.value.text.empty()) {
      expected(member.value, key(name) + "." + member.key, "a string");
      continue;
    }
    context_.diagnostics.note_place(key(name) + "." + member.key, member.at);
    read({member.key, member.at}, {member.value.text, member.value.at});
  }
  return true;
}

bool Scope::named_lists(std::string_view name,
                        const std::function<void(const Text&, std::vector<Text>)>& read) {
  const Entry entry = take(name);
  if (!entry) return false;
  if (entry.value->kind != ValueKind::kMapping) {
    expected(*entry.value, key(name), "a mapping of names to lists");
    return false;
  }
  for (const Member& member : entry.value->members) {
    const std::string path = key(name) + "." + member.key;
    check_entry_name(member, path);
    context_.diagnostics.note_place(path, member.at);
    std::vector<Text> list;
    if (member.value.kind != ValueKind::kRefused) items(*entry.key, member.value, path, list);
    read({member.key, member.at}, std::move(list));
  }
  return true;
}

bool Scope::list(std::string_view name, const std::function<void(Scope&)>& read) {
  const Entry entry = take(name);
  if (!entry) return false;
  if (entry.value->kind != ValueKind::kSequence) {
    expected(*entry.value, key(name), "a list");
    return false;
  }
  if (entry.value->items.size() < entry.key->min)
    report(*entry.value, key(name), "the list is empty: it needs at least one");
  for (std::size_t i = 0; i < entry.value->items.size(); ++i) {
    const Value& value = entry.value->items[i];
    Scope inner(context_, *entry.key->block, value, value.at, fmt::format("{}[{}]", key(name), i));
    read(inner);
  }
  return true;
}

bool Scope::authenticate(std::string_view name, std::vector<Text>& out) {
  const Entry entry = take(name);
  if (!entry) return false;
  if (entry.value->kind == ValueKind::kScalar && entry.value->text == "none") return true;
  const std::string what = "`none`, or a list of authenticators such as `[staff]`";
  if (entry.value->kind != ValueKind::kSequence || entry.value->items.empty()) {
    expected(*entry.value, key(name),
             entry.value->kind == ValueKind::kSequence ? what + " with at least one" : what);
    return false;
  }
  std::vector<Text> names;
  if (!items(*entry.key, *entry.value, key(name), names)) return false;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i].value == "none") {
      context_.diagnostics.error(names[i].at, fmt::format("{}[{}]", key(name), i),
                                 "`none` stands alone: `authenticate: none`");
      return false;
    }
  out = std::move(names);
  return true;
}

bool Scope::word_or_mapping(std::string_view name, std::string_view word, bool& is_word,
                            const std::function<void(Scope&)>& read) {
  const Entry entry = take(name);
  if (!entry) return false;
  if (entry.value->kind == ValueKind::kScalar) {
    is_word = entry.value->text == word;
    if (!is_word) expected(*entry.value, key(name), quote(word) + " or a mapping");
    return is_word;
  }
  Scope inner(context_, *entry.key->block, *entry.value, entry.at, key(name));
  read(inner);
  return true;
}

bool Scope::switchable(std::string_view name, bool& enabled,
                       const std::function<void(Scope&)>& read) {
  bool off = false;
  const bool good = word_or_mapping(name, "off", off, read);
  if (off) enabled = false;
  return good;
}

bool Scope::none_or_mapping(std::string_view name, const std::function<void(Scope&)>& read) {
  bool none = false;
  return word_or_mapping(name, "none", none, read);
}

bool Scope::flag_or_mapping(std::string_view name, bool& flag,
                            const std::function<void(Scope&)>& read) {
  unless_said(name, flag ? "true" : "false");
  if (is_mapping(name)) return mapping(name, read);
  const Entry entry = take(name);
  if (!entry) return false;
  const bool known = entry.value->kind == ValueKind::kScalar && !entry.value->quoted &&
                     (entry.value->text == "true" || entry.value->text == "false");
  if (!known) {
    expected(*entry.value, key(name), "`true`, `false` or a mapping");
    return false;
  }
  flag = entry.value->text == "true";
  return true;
}

bool Scope::one_or_list(std::string_view name, const std::function<void(Scope&)>& read) {
  return is_mapping(name) ? mapping(name, read) : list(name, read);
}

}  // namespace portcullis::config
