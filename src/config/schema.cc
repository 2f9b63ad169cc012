#include "config/schema.h"

#include "base/json_text.h"
#include "config/defaults.h"
#include "config/keys.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

namespace portcullis::config {
namespace {

// JSON text, made of members in order.
using Object = std::vector<std::pair<std::string, std::string>>;

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string write(const Object& members) {
  std::string out = "{";
  for (const auto& [name, json] : members)
    out += (out.size() > 1 ? "," : "") + quoted(name) + ":" + json;
  return out + "}";
}

std::string write(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& json : items) out += (out.size() > 1 ? "," : "") + json;
  return out + "]";
}

// The same JSON, two spaces a level.
std::string indent(std::string_view json) {
  std::string out;
  std::size_t depth = 0;
  bool in_string = false;
  const auto line = [&] { out += "\n" + std::string(2 * depth, ' '); };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      out += c;
      if (c == '\\')
        out += json[++i];
      else if (c == '"')
        in_string = false;
    } else if (c == '{' || c == '[') {
      out += c;
      ++depth;
      if (json[i + 1] != '}' && json[i + 1] != ']') line();
    } else if (c == '}' || c == ']') {
      --depth;
      if (json[i - 1] != '{' && json[i - 1] != '[') line();
      out += c;
    } else if (c == ',') {
      out += c;
      line();
    } else {
      out += c;
      if (c == ':') out += ' ';
      if (c == '"') in_string = true;
    }
  }
  return out + "\n";
}

constexpr std::string_view kDurationPattern = "^[0-9]+(ms|s|m|h|d)$";
constexpr std::string_view kNamePattern = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$";

Object block_schema(const Block& block, const Defaults& defaults);

Object pattern(std::string_view regex) {
  return {{"type", quoted("string")}, {"pattern", quoted(regex)}};
}

Object string_item(const Key& key) {
  if (key.choices.empty()) return {{"type", quoted("string")}, {"minLength", "1"}};
  std::vector<std::string> choices;
  for (const std::string_view choice : key.choices) choices.push_back(quoted(choice));
  return {{"enum", write(choices)}};
}

Object string_list(const Key& key) {
  Object schema = {
      {"type", quoted("array")}, {"items", write(string_item(key))}, {"uniqueItems", "true"}};
  if (key.min > 0) schema.emplace_back("minItems", fmt::format("{}", key.min));
  return schema;
}

Object either(const Object& a, const Object& b) {
  return {{"anyOf", write(std::vector<std::string>{write(a), write(b)})}};
}

Object integer(const Key& key) {
  return {{"type", quoted("integer")},
          {"minimum", fmt::format("{}", key.min)},
          {"maximum", fmt::format("{}", key.max)}};
}

Object named(const Key& key, const Object& value) {
  Object schema = {{"type", quoted("object")},
                   {"propertyNames", write(pattern(kNamePattern))},
                   {"additionalProperties", write(value)}};
  if (key.min > 0) schema.emplace_back("minProperties", fmt::format("{}", key.min));
  return schema;
}

Object type_schema(const Key& key, const Defaults& defaults) {
  switch (key.type) {
    case KeyType::kInteger:
      return integer(key);
    case KeyType::kWorkers:
      return either({{"const", quoted("auto")}}, integer(key));
    case KeyType::kDuration:
      return pattern(kDurationPattern);
    case KeyType::kRate:
      return pattern("^[0-9]+/([0-9]+)?(ms|s|m|h|d)$");
    case KeyType::kSize:
      return either({{"type", quoted("integer")}, {"minimum", "0"}},
                    pattern("^[0-9]+(KiB|MiB|GiB)?$"));
    case KeyType::kBoolean:
      return {{"type", quoted("boolean")}};
    case KeyType::kChoice:
    case KeyType::kString:
    case KeyType::kFile:
      return string_item(key);
    case KeyType::kStrings:
    case KeyType::kCidrs:
      return string_list(key);
    case KeyType::kStringOrList:
      return either(string_item(key), string_list(key));
    case KeyType::kSecret:
      return pattern("^\\$\\{(env|file):.+\\}$");
    case KeyType::kEndpoint:
      return pattern("^(\\[[0-9A-Fa-f:.]+\\]|[0-9.]+):[0-9]+$");
    case KeyType::kDate:
      return pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$");
    case KeyType::kAuthenticate: {
      Object list = string_list(key);
      list.emplace_back("minItems", "1");
      return either({{"const", quoted("none")}}, list);
    }
    case KeyType::kAccessLog:
      // YAML 1.1 readers take `off` for false.
      return either({{"enum", write(std::vector<std::string>{quoted("off"), "false"})}},
                    block_schema(*key.block, defaults));
    case KeyType::kChoices:
      return either({{"const", quoted("none")}}, string_list(key));
    case KeyType::kChoiceOrMapping:
      return either(string_item(key), block_schema(*key.block, defaults));
    case KeyType::kMapping:
      return block_schema(*key.block, defaults);
    case KeyType::kNoneOrMapping:
      return either({{"const", quoted("none")}}, block_schema(*key.block, defaults));
    case KeyType::kFlagOrMapping:
      return either({{"type", quoted("boolean")}}, block_schema(*key.block, defaults));
    case KeyType::kDurationOrMapping:
      return either(pattern(kDurationPattern), block_schema(*key.block, defaults));
    case KeyType::kOneOrList:
      return either(
          block_schema(*key.block, defaults),
          {{"type", quoted("array")}, {"items", write(block_schema(*key.block, defaults))}});
    case KeyType::kNamed:
      return named(key, block_schema(*key.block, defaults));
    case KeyType::kNamedLists:
      return named(key, string_list(key));
    case KeyType::kNamedStrings:
      return {{"type", quoted("object")}, {"additionalProperties", write(pattern("."))}};
    case KeyType::kList: {
      Object schema = {{"type", quoted("array")},
                       {"items", write(block_schema(*key.block, defaults))}};
      if (key.min > 0) schema.emplace_back("minItems", fmt::format("{}", key.min));
      return schema;
    }
    case KeyType::kNotBuilt:
      break;
  }
  return {};
}

// As JSON: what is a number or a word of the file's is one here too.
std::string default_of(const Key& key, const Default& known) {
  if (key.type == KeyType::kStrings) return {};
  const bool plain = key.type == KeyType::kInteger || key.type == KeyType::kBoolean ||
                     key.type == KeyType::kFlagOrMapping;
  return plain ? known.text : quoted(known.text);
}

Object block_schema(const Block& block, const Defaults& defaults) {
  Object properties;
  std::vector<std::string> required;
  for (const Key& key : block.keys) {
    if (key.type == KeyType::kNotBuilt) continue;
    Object schema = {{"description", quoted(key.help)}};
    for (auto& member : type_schema(key, defaults)) schema.push_back(std::move(member));
    if (const auto known = defaults.find({&block, key.name});
        known != defaults.end() && known->second.literal)
      if (std::string json = default_of(key, known->second); !json.empty())
        schema.emplace_back("default", std::move(json));
    properties.emplace_back(std::string(key.name), write(schema));
    if (key.required) required.push_back(quoted(key.name));
  }
  Object schema = {{"type", quoted("object")},
                   {"additionalProperties", "false"},
                   {"properties", write(properties)}};
  if (!required.empty()) schema.emplace_back("required", write(required));
  return schema;
}

}  // namespace

std::string json_schema() {
  Object schema = {{"$schema", quoted("https://json-schema.org/draft/2020-12/schema")},
                   {"title", quoted("Portcullis configuration")}};
  for (auto& member : block_schema(root_block(), find_defaults()))
    schema.push_back(std::move(member));
  return indent(write(schema));
}

}  // namespace portcullis::config
