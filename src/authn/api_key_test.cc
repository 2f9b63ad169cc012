#include "authn/api_key.h"

#include "base/encoding.h"

#include <gtest/gtest.h>

namespace portcullis::authn {
namespace {

config::ApiKey key_of(std::string id, std::string_view text) {
  config::ApiKey key;
  key.id = std::move(id);
  key.sha256 = crypto::digest(crypto::Hash::kSha256, text);
  return key;
}

TEST(ApiKeyTable, FindsByTheWholeKey) {
  std::vector<config::ApiKey> keys = {key_of("a", "pc_a_one"), key_of("b", "pc_b_two")};
  keys[1].roles = {"clerk"};
  keys[1].expires = std::chrono::sys_seconds(std::chrono::seconds(1000));
  const ApiKeyTable table(keys);
  ASSERT_EQ(table.find("pc_a_one"), 0U);
  ASSERT_EQ(table.find("pc_b_two"), 1U);
  EXPECT_EQ(table.entries()[1].id, "b");
  EXPECT_EQ(table.entries()[1].roles, std::vector<std::string>{"clerk"});
  EXPECT_EQ(table.entries()[0].expires, WallTime::max());
  EXPECT_EQ(table.entries()[1].expires, WallTime(std::chrono::seconds(1000)));
  for (const std::string_view wrong :
       {"", "pc_a_on", "pc_a_one ", " pc_a_one", "PC_A_ONE", "pc_a_two", "a"}) {
    EXPECT_FALSE(table.find(wrong)) << wrong;
  }
  EXPECT_FALSE(table.find(keys[0].sha256)) << "the digest is not the key";
  EXPECT_FALSE(table.find(encode_hex(keys[0].sha256)));
  EXPECT_FALSE(table.find(std::string(100'000, 'x')));
  EXPECT_FALSE(ApiKeyTable().find("pc_a_one"));
}

TEST(GenerateApiKey, MakesKeysThatOpenAndCanBeRecognised) {
  const GeneratedKey key = generate_api_key("nightly_job-2");
  const std::string text(key.text.expose());
  EXPECT_TRUE(text.starts_with("pc_nightly_job-2_")) << text;
  EXPECT_TRUE(looks_like_api_key(text));
  EXPECT_EQ(key.sha256, encode_hex(crypto::digest(crypto::Hash::kSha256, text)));
  EXPECT_EQ(ApiKeyTable({key_of("nightly", text)}).find(text), 0U);
  EXPECT_NE(generate_api_key("a").text.expose(), generate_api_key("a").text.expose());
  EXPECT_TRUE(looks_like_api_key(generate_api_key().text.expose()));
}

TEST(LooksLikeApiKey, TellsKeysFromChance) {
  const std::string text(generate_api_key("id").text.expose());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(looks_like_api_key(changed)) << i;
    EXPECT_FALSE(looks_like_api_key(text.substr(0, i))) << i;
  }
  EXPECT_FALSE(looks_like_api_key(text + "0"));
  EXPECT_FALSE(looks_like_api_key("pc__" + text.substr(6)));
}

}  // namespace
}  // namespace portcullis::authn
