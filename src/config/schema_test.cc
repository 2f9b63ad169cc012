#include "config/schema.h"

#include "config/keys.h"
#include "config/load.h"
#include "config/yaml.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>
#include <sstream>

namespace portcullis::config {
namespace {

// JSON is YAML: our own reader takes the schema apart.
Value parse(const std::string& text) {
  Diagnostics diagnostics;
  auto value = parse_yaml(text, diagnostics.add_file("schema.json"), diagnostics);
  EXPECT_TRUE(value && diagnostics.ok()) << diagnostics.to_string();
  return value ? *std::move(value) : Value{};
}

const Value* find(const Value& mapping, std::string_view key) {
  for (const Member& member : mapping.members)
    if (member.key == key) return &member.value;
  return nullptr;
}

// Every property, as a dotted path with `*` for names and `[]` for items.
void collect_schema(const Value& schema, const std::string& path, std::set<std::string>& out) {
  if (const Value* properties = find(schema, "properties"))
    for (const Member& member : properties->members) {
      const std::string inner = path + "." + member.key;
      out.insert(inner);
      const Value* description = find(member.value, "description");
      EXPECT_TRUE(description != nullptr && !description->text.empty()) << inner;
      collect_schema(member.value, inner, out);
    }
  if (const Value* names = find(schema, "additionalProperties");
      names != nullptr && names->kind == ValueKind::kMapping)
    collect_schema(*names, path + ".*", out);
  if (const Value* items = find(schema, "items")) collect_schema(*items, path + "[]", out);
  if (const Value* any = find(schema, "anyOf"))
    for (const Value& one : any->items) collect_schema(one, path, out);
}

// Every key of a configuration in the same form; the schema says which keys are names.
void collect_config(const Value& value, const std::string& path, const std::set<std::string>& known,
                    std::set<std::string>& out) {
  for (const Member& member : value.members) {
    std::string inner = path + "." + member.key;
    if (known.contains(inner))
      out.insert(inner);
    else
      inner = path + ".*";
    collect_config(member.value, inner, known, out);
  }
  for (const Value& item : value.items) collect_config(item, path + "[]", known, out);
}

// The loader takes every key of complete.yaml (load_test.cc), and the schema has no other: so every
// key of the schema is taken by the loader. That the loader takes no other follows from the table
// that both are made from.
TEST(Schema, NamesExactlyTheKeysThatTheLoaderTakes) {
  std::set<std::string> in_schema;
  collect_schema(parse(json_schema()), "", in_schema);
  EXPECT_GT(in_schema.size(), 80U);

  std::set<std::string> in_config;
  std::ifstream stream(std::string(PORTCULLIS_SOURCE_DIR) + "/src/config/testdata/complete.yaml");
  std::ostringstream text;
  text << stream.rdbuf();
  collect_config(parse(text.str()), "", in_schema, in_config);
  EXPECT_EQ(in_config, in_schema);
}

std::string type_of(const Value& schema) {
  const Value* type = find(schema, "type");
  return type == nullptr ? "" : type->text;
}

TEST(Schema, IsClosedTypedAndOfTheNamedDialect) {
  const Value schema = parse(json_schema());
  EXPECT_EQ(find(schema, "$schema")->text, "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(find(schema, "additionalProperties")->text, "false");
  std::set<std::string> required;
  for (const Value& name : find(schema, "required")->items) required.insert(name.text);
  EXPECT_EQ(required, (std::set<std::string>{"version", "listeners", "apis"}));

  const Value& properties = *find(schema, "properties");
  EXPECT_EQ(find(*find(properties, "version"), "maximum")->text, "1");
  EXPECT_EQ(type_of(*find(properties, "listeners")), "object");
  const Value& listener = *find(*find(properties, "listeners"), "additionalProperties");
  EXPECT_EQ(find(listener, "additionalProperties")->text, "false");
  const Value& insecure = *find(*find(listener, "properties"), "insecure");
  EXPECT_EQ(type_of(insecure), "boolean");
  EXPECT_EQ(find(properties, "storage"), nullptr) << "a key that is not built must not be offered";
}

void each_key(const Block& block, std::set<const Block*>& seen,
              const std::function<void(const Key&)>& visit) {
  if (!seen.insert(&block).second) return;
  for (const Key& key : block.keys) {
    visit(key);
    if (key.block != nullptr) each_key(*key.block, seen, visit);
  }
}

TEST(Keys, AreWholeInTheTable) {
  std::set<const Block*> seen;
  each_key(root_block(), seen, [](const Key& key) {
    SCOPED_TRACE(key.name);
    if (key.type == KeyType::kNotBuilt) {
      EXPECT_TRUE(key.help.empty());
      EXPECT_FALSE(key.required);
      return;
    }
    EXPECT_FALSE(key.help.empty());
    const bool bounded = key.type == KeyType::kInteger || key.type == KeyType::kDuration ||
                         key.type == KeyType::kSize || key.type == KeyType::kWorkers ||
                         key.type == KeyType::kDurationOrMapping;
    EXPECT_EQ(bounded, key.max != 0);
    const bool nested = key.type == KeyType::kMapping || key.type == KeyType::kNamed ||
                        key.type == KeyType::kList || key.type == KeyType::kAccessLog ||
                        key.type == KeyType::kChoiceOrMapping ||
                        key.type == KeyType::kNoneOrMapping ||
                        key.type == KeyType::kFlagOrMapping ||
                        key.type == KeyType::kDurationOrMapping || key.type == KeyType::kOneOrList;
    EXPECT_EQ(nested, key.block != nullptr);
    if (key.type == KeyType::kChoice || key.type == KeyType::kChoices ||
        key.type == KeyType::kChoiceOrMapping)
      EXPECT_FALSE(key.choices.empty());
    // What schema.cc writes between quotes without escaping controls.
    for (const char c : key.help) EXPECT_GE(static_cast<unsigned char>(c), 0x20U);
  });
  EXPECT_GT(seen.size(), 15U);
}

}  // namespace
}  // namespace portcullis::config
