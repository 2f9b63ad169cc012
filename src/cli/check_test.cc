#include "cli/check.h"

#include "base/encoding.h"
#include "cli/hash_key.h"
#include "config/load.h"
#include "crypto/digest.h"
#include "json/value.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::cli {
namespace {

class CheckTest : public testing::Test {
 protected:
  CheckTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "portcullis-check-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~CheckTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = folder_ / name;
    std::ofstream(path) << text;
    return path;
  }
  std::filesystem::path folder_;
};

// An API with one closed and one open operation; `extra` is at the top level.
std::string configuration(const std::string& extra = {}) {
  return R"(version: 1
listeners:
  inside: { address: "127.0.0.1:8080" }
authenticators:
  machine:
    api_key:
      keys: [{ id: one, hash: "sha256:)" +
         std::string(64, 'a') + R"(", roles: [clerk] }]
roles:
  clerk: [list]
apis:
  shop:
    listeners: [inside]
    upstream: shop
    authenticate: [machine]
    routes:
      - { path: /orders, methods: [GET], operation: list }
      - { path: /health, methods: [GET], operation: health, authenticate: none }
upstreams:
  shop: { targets: ["127.0.0.1:9000"] }
)" + extra;
}

TEST_F(CheckTest, SummarisesWhatMayBeRun) {
  Console console;
  EXPECT_EQ(check(write("good.yaml", configuration()), CheckFormat::kText, console), kFine);
  EXPECT_EQ(console.out,
            "ok: 1 API, 2 operations\n"
            "open to everyone: shop.health\n"
            "without limits: all of shop\n")
      << console.err;
  EXPECT_EQ(console.err.find("error"), std::string::npos);
}

TEST_F(CheckTest, CountsWarningsAndNamesWhatNoLimitHolds) {
  std::string text = configuration(
      "limits:\n  few: { key: client.address, rate: 5/s }\n  idle: { key: client.address, rate: "
      "5/s }\n");
  const std::string list = "operation: list }";
  text.replace(text.find(list), list.size(), "operation: list, limits: [few] }");
  Console console;
  EXPECT_EQ(check(write("limited.yaml", text), CheckFormat::kText, console), kFine);
  EXPECT_EQ(console.out,
            "ok: 1 API, 2 operations, 1 warning\n"
            "open to everyone: shop.health\n"
            "without limits: shop.health\n")
      << console.err;
}

TEST_F(CheckTest, ReportsEveryErrorWithItsPlace) {
  const std::string path = write("bad.yaml", configuration("nonsense: 1\ndrain_timeout: soon\n"));
  Console console;
  EXPECT_EQ(check(path, CheckFormat::kText, console), kUsage);
  EXPECT_EQ(console.out, "not ok: 2 errors\n");
  EXPECT_NE(console.err.find(path + ":20:1: error: "), std::string::npos) << console.err;
  EXPECT_NE(console.err.find(path + ":21:16: error: "), std::string::npos) << console.err;
}

TEST_F(CheckTest, FindsWhatOnlyCompilingFinds) {
  const std::string jwt = R"(  staff:
    jwt: { issuer: "https://issuer.example", audience: shop, keys: { file: absent.json }, algorithms: [ES256] }
)";
  std::string text = configuration();
  text.insert(text.find("roles:\n  clerk"), jwt);
  Console console;
  EXPECT_EQ(check(write("keys.yaml", text), CheckFormat::kText, console), kUsage);
  EXPECT_NE(console.err.find("absent.json"), std::string::npos) << console.err;

  text = configuration();
  const std::string clear = R"({ address: "127.0.0.1:8080" })";
  text.replace(
      text.find(clear), clear.size(),
      R"({ address: "127.0.0.1:8080", tls: { certificates: [{ cert: no.pem, key: no.key }] } })");
  console = {};
  EXPECT_EQ(check(write("tls.yaml", text), CheckFormat::kText, console), kUsage);
  EXPECT_NE(console.err.find("no.pem"), std::string::npos) << console.err;
}

TEST_F(CheckTest, IsWrongWhenThereIsNoFile) {
  Console console;
  EXPECT_EQ(check(folder_ / "absent.yaml", CheckFormat::kText, console), kUsage);
  EXPECT_NE(console.err.find("absent.yaml"), std::string::npos) << console.err;
}

TEST_F(CheckTest, SaysTheSameToPrograms) {
  Console console;
  EXPECT_EQ(check(write("good.yaml", configuration()), CheckFormat::kJson, console), kFine);
  EXPECT_EQ(console.err, "");
  auto good = json::Document::parse(console.out);
  ASSERT_TRUE(good) << console.out;
  EXPECT_NE(
      console.out.find(R"("ok":true,"apis":1,"operations":2,"warnings":0,"open":["shop.health"],)"
                       R"("unlimited":["shop.health","shop.list"])"),
      std::string::npos)
      << console.out;

  console = {};
  const std::string path = write("bad.yaml", configuration("nonsense: \"\x01\"\n"));
  EXPECT_EQ(check(path, CheckFormat::kJson, console), kUsage);
  EXPECT_EQ(console.err, "");
  ASSERT_TRUE(json::Document::parse(console.out)) << console.out;
  EXPECT_TRUE(console.out.starts_with(R"({"ok":false,"diagnostics":[{"severity":"error","file":")" +
                                      path + R"(","line":)"))
      << console.out;
}

TEST_F(CheckTest, PrintsNoSecret) {
  ASSERT_EQ(setenv("PORTCULLIS_CHECK_TEST_TOKEN", "hunter2-hunter2-hunter2", 1), 0);
  const std::string admin =
      "admin: { address: \"127.0.0.1:9901\", token: \"${env:PORTCULLIS_CHECK_TEST_TOKEN}\" }\n";
  for (const std::string& extra : {admin, admin + "nonsense: 1\n"}) {
    for (const CheckFormat format : {CheckFormat::kText, CheckFormat::kJson}) {
      Console console;
      (void)check(write("secret.yaml", configuration(extra)), format, console);
      EXPECT_EQ((console.out + console.err).find("hunter2"), std::string::npos);
    }
  }
  unsetenv("PORTCULLIS_CHECK_TEST_TOKEN");
}

Console run_hash_key(const std::vector<std::string_view>& words, int expected) {
  const Command command = hash_key_command();
  Console console;
  const Result<Arguments> arguments = parse_arguments(words, command.options);
  EXPECT_TRUE(arguments);
  if (arguments) EXPECT_EQ(command.run(*arguments, console), expected);
  return console;
}

TEST_F(CheckTest, HashKeyPrintsALineThatTheConfigurationTakes) {
  for (const std::vector<std::string_view>& words :
       std::vector<std::vector<std::string_view>>{{}, {"--id", "nightly_2-b"}, {"--id", "1"}}) {
    const Console console = run_hash_key(words, kFine);
    const std::string key = console.out.substr(0, console.out.find('\n'));
    const std::string hash = encode_hex(crypto::view(crypto::sha256(key)));
    const std::size_t at = console.out.find("{ id: ");
    ASSERT_NE(at, std::string::npos) << console.out;
    std::string line = console.out.substr(at, console.out.find('\n', at) - at);
    EXPECT_NE(line.find("sha256:" + hash), std::string::npos) << line;

    std::string text = configuration();
    const std::size_t old = text.find("{ id: one");
    text.replace(old, text.find('}', old) + 1 - old, line);
    config::Diagnostics diagnostics;
    EXPECT_TRUE(config::load_text(text, "pasted.yaml", diagnostics)) << diagnostics.to_string();
  }
}

TEST_F(CheckTest, HashKeyForPrograms) {
  const Console console = run_hash_key({"--json", "--id", "nightly"}, kFine);
  EXPECT_TRUE(console.out.starts_with(R"({"id":"nightly","key":"pc_nightly_)")) << console.out;
  EXPECT_TRUE(json::Document::parse(console.out));
}

TEST_F(CheckTest, HashKeyRefusesAnIdThatTheConfigurationWould) {
  for (const std::string_view id : {"a b", "-a", "a/b", "ä", "a}", "pc_a\n"}) {
    const Console console = run_hash_key({"--id", id}, kUsage);
    EXPECT_EQ(console.out, "") << id;
    EXPECT_NE(console.err.find("an id is letters"), std::string::npos);
  }
}

}  // namespace
}  // namespace portcullis::cli
