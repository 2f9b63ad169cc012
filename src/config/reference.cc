#include "config/reference.h"

#include "base/ascii.h"
#include "config/defaults.h"
#include "config/keys.h"
#include "config/scalars.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

namespace portcullis::config {
namespace {

std::string code(std::string_view text) { return fmt::format("`{}`", text); }

// `a`, `b` or `c`
std::string choices_of(const Key& key) {
  std::string out;
  for (std::size_t i = 0; i < key.choices.size(); ++i) {
    if (i > 0) out += i + 1 == key.choices.size() ? " or " : ", ";
    out += code(key.choices[i]);
  }
  return out;
}

std::string range(const Key& key, std::string (*show)(std::uint64_t)) {
  return fmt::format("{} to {}", show(key.min), show(key.max));
}

std::string show_number(std::uint64_t number) { return fmt::format("{}", number); }

std::string items_of(const Key& key) {
  if (key.choices.empty()) return "texts";
  // The longer lists are of other people's registries, and would fill the page.
  if (key.choices.size() > 12) return fmt::format("{}, …", code(key.choices.front()));
  return choices_of(key);
}

// What may be written.
std::string takes(const Key& key) {
  switch (key.type) {
    case KeyType::kInteger:
      return key.min == key.max ? code(show_number(key.min)) : "number, " + range(key, show_number);
    case KeyType::kWorkers:
      return "`auto`, or number, " + range(key, show_number);
    case KeyType::kDuration:
      return "duration, " + range(key, show_duration);
    case KeyType::kRate:
      return "rate";
    case KeyType::kSize:
      return "size, " + range(key, show_size);
    case KeyType::kBoolean:
      return "`true` or `false`";
    case KeyType::kChoice:
      return choices_of(key);
    case KeyType::kString:
      return "text";
    case KeyType::kFile:
      return "path";
    case KeyType::kStrings:
      return "list of " + items_of(key);
    case KeyType::kStringOrList:
      return key.choices.empty() ? "text, or list of texts" : "one or a list of " + items_of(key);
    case KeyType::kSecret:
      return "secret";
    case KeyType::kEndpoint:
      return "address and port";
    case KeyType::kCidrs:
      return "list of networks";
    case KeyType::kDate:
      return "date";
    case KeyType::kAuthenticate:
      return "`none`, or list of names";
    case KeyType::kAccessLog:
      return "`off`, or block";
    case KeyType::kChoices:
      return "`none`, or list of " + choices_of(key);
    case KeyType::kChoiceOrMapping:
      return choices_of(key) + ", or block";
    case KeyType::kMapping:
      return "block";
    case KeyType::kNoneOrMapping:
      return "`none`, or block";
    case KeyType::kFlagOrMapping:
      return "`true`, `false`, or block";
    case KeyType::kDurationOrMapping:
      return "duration, or block";
    case KeyType::kOneOrList:
      return "block, or list of blocks";
    case KeyType::kNamed:
      return "blocks by name";
    case KeyType::kNamedLists:
      return "lists by name";
    case KeyType::kNamedStrings:
      return "texts by name";
    case KeyType::kList:
      return "list of blocks";
    case KeyType::kNotBuilt:
      break;
  }
  return {};
}

// As the usual renderers make an anchor of a heading.
std::string anchor(std::string_view heading) {
  std::string out;
  for (const char c : in_lower_case(heading)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-') out += c;
  }
  return out;
}

class Page {
 public:
  std::string write() {
    locate(root_block(), "");
    add(root_block());
    return std::move(out_);
  }

 private:
  static std::string path_of(const Key& key, const std::string& block) {
    std::string path =
        block.empty() ? std::string(key.name) : fmt::format("{}.{}", block, key.name);
    if (key.type == KeyType::kNamed) path += ".NAME";
    if (key.type == KeyType::kList) path += "[]";
    return path;
  }

  // A block that stands in several places is described at the first.
  void locate(const Block& block, const std::string& path) {
    if (!sections_.emplace(&block, path).second) return;
    for (const Key& key : block.keys)
      if (key.block != nullptr) locate(*key.block, path_of(key, path));
  }

  void add(const Block& block) {
    const std::string& path = sections_.at(&block);
    out_ += path.empty() ? "\n## Top level\n" : fmt::format("\n## {}\n", code(path));
    out_ += "\n| key | takes | unless said | what |\n|---|---|---|---|\n";
    for (const Key& key : block.keys)
      if (key.type != KeyType::kNotBuilt) add_row(block, key);
    for (const Key& key : block.keys)
      if (key.block != nullptr && sections_.at(key.block) == path_of(key, path)) add(*key.block);
  }

  void add_row(const Block& block, const Key& key) {
    std::string what = takes(key);
    if (key.block != nullptr)
      what = fmt::format("[{}](#{})", what, anchor(sections_.at(key.block)));
    std::string unless_said = key.required ? "**required**" : "";
    if (const auto known = defaults_.find({&block, key.name}); known != defaults_.end())
      unless_said = known->second.literal ? code(known->second.text) : known->second.text;
    fmt::format_to(std::back_inserter(out_), "| {} | {} | {} | {} |\n", code(key.name), what,
                   unless_said, key.help);
  }

  Defaults defaults_ = find_defaults();
  std::map<const Block*, std::string> sections_;
  std::string out_;
};

constexpr std::string_view kIntroduction =
    "# Configuration: every key\n\n"
    "`portcullis config reference` prints this page from the table that the loader reads by, so it "
    "names "
    "exactly the keys\n"
    "of this version, with their bounds and what they are when the file does not say. "
    "[configuration.md](configuration.md)\n"
    "explains the file as a whole, and how durations, sizes, rates, networks, names and secrets "
    "are "
    "written.\n\n"
    "`NAME` is a name that you choose, `[]` an item of a list. Where nothing is said under "
    "\"unless said\", a key that is "
    "absent\nstands for nothing: no such check, field or bound.\n";

}  // namespace

std::string reference() { return std::string(kIntroduction) + Page().write(); }

}  // namespace portcullis::config
