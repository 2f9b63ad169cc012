#include "config/reference.h"

#include "config/config.h"
#include "config/contains.h"
#include "config/defaults.h"
#include "config/scalars.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace portcullis::config {
namespace {

using Visit = std::function<void(const Block&, const Key&, const std::string& path)>;

void each_key(const Block& block, const std::string& path, std::set<const Block*>& seen,
              const Visit& visit) {
  if (!seen.insert(&block).second) return;
  for (const Key& key : block.keys) {
    const std::string inner = path + "." + std::string(key.name);
    visit(block, key, inner);
    if (key.block != nullptr) each_key(*key.block, inner, seen, visit);
  }
}

void each_key(const Visit& visit) {
  std::set<const Block*> seen;
  each_key(root_block(), "", seen, visit);
}

// By path: the text of the default, or nothing.
std::string default_at(std::string_view wanted) {
  const Defaults defaults = find_defaults();
  std::string text = "no such key";
  each_key([&](const Block& block, const Key& key, const std::string& path) {
    if (path != wanted) return;
    const auto known = defaults.find({&block, key.name});
    text = known == defaults.end() ? "" : known->second.text;
  });
  return text;
}

TEST(Defaults, AreThoseOfTheStructs) {
  struct Case {
    std::string_view path;
    std::string want;
  };
  const Case cases[] = {
      {".workers", "auto"},
      {".drain_timeout", show_duration(static_cast<std::uint64_t>(Config{}.drain_timeout.count()))},
      {".listeners.limits.head_size", show_size(ListenerLimits{}.head_size)},
      {".listeners.limits.connections", "20000"},
      {".listeners.insecure", "false"},
      {".listeners.paths.duplicate_slashes", "refuse"},
      {".listeners.http2.streams", "128"},
      {".listeners.http2.resets", "200/30s"},
      {".listeners.tls.minimum", "1.2"},
      {".authenticators.jwt.scopes", Jwt{}.scopes},
      {".authenticators.jwt.leeway", "30s"},
      {".authenticators.jwt.roles", ""},
      {".authenticators.api_key.header", ApiKeys{}.header},
      {".limits.burst", ""},
      {".apis.timeout", show_duration(static_cast<std::uint64_t>(kDefaultTimeout.count()))},
      {".apis.body_size", show_size(kDefaultBodySize)},
      {".apis.retries", "1"},
      {".apis.operations.retries", ""},
      {".upstreams.balance", "round_robin"},
      {".log.access.to", "stdout"},
      {".listeners.address", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(default_at(c.path), c.want) << c.path;
}

TEST(Defaults, AreWithinTheBoundsOfTheirKeys) {
  const Defaults defaults = find_defaults();
  std::size_t found = 0;
  each_key([&](const Block& block, const Key& key, const std::string& path) {
    const auto known = defaults.find({&block, key.name});
    if (known == defaults.end() || !known->second.literal) return;
    ++found;
    EXPECT_FALSE(key.required) << path;
    const std::string& text = known->second.text;
    if (key.type == KeyType::kDuration) {
      const auto value = parse_duration(text);
      ASSERT_TRUE(value) << path << " " << text;
      EXPECT_GE(static_cast<std::uint64_t>(value->count()), key.min) << path;
      EXPECT_LE(static_cast<std::uint64_t>(value->count()), key.max) << path;
    } else if (key.type == KeyType::kSize || key.type == KeyType::kInteger) {
      const auto value = parse_size(text);
      ASSERT_TRUE(value) << path << " " << text;
      EXPECT_GE(*value, key.min) << path;
      EXPECT_LE(*value, key.max) << path;
    } else if (key.type == KeyType::kChoice) {
      EXPECT_TRUE(contains(key.choices, text)) << path << " " << text;
    }
  });
  EXPECT_GT(found, 20U);
}

TEST(Reference, HasARowForEachKeyThatIsBuiltAndForNoOther) {
  const std::string page = reference();
  std::size_t want = 0;
  each_key([&](const Block&, const Key& key, const std::string& path) {
    const std::string begin = "\n| `" + std::string(key.name) + "` | ";
    if (key.type != KeyType::kNotBuilt) {
      ++want;
      const std::size_t row = page.find(begin);
      ASSERT_NE(row, std::string::npos) << path;
      EXPECT_TRUE(page.contains(" | " + std::string(key.help) + " |\n")) << path;
      EXPECT_FALSE(page.substr(row + begin.size()).starts_with("|")) << path << " takes nothing";
    }
  });
  std::size_t rows = 0;
  for (std::size_t at = page.find("\n| `"); at != std::string::npos;
       at = page.find("\n| `", at + 1))
    ++rows;
  EXPECT_EQ(rows, want);
  EXPECT_FALSE(page.contains("`storage`")) << "not built yet";
}

TEST(Reference, SaysWhatAKeyTakesAndWhatItIsUnlessSaid) {
  const std::string page = reference();
  for (const std::string_view part : {
           "| `head_size` | size, 1KiB to 1MiB | `32KiB` | ",
           "| `minimum` | `1.2` or `1.3` | `1.2` | ",
           "| `version` | `1` | **required** | ",
           "| `workers` | `auto`, or number, 1 to 256 | `auto` | ",
           "| `connect_timeout` | duration, 1ms to 5m | `2s` | ",
           "\n## `authenticators.NAME.api_key.keys[]`\n",
           "| `limits` | [block](#listenersnamelimits) |  | ",
       })
    EXPECT_TRUE(page.contains(part)) << part;
}

}  // namespace
}  // namespace portcullis::config
