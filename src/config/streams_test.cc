// `streams` and `upgrade`: what may last, and what a connection may switch to.
#include "config/load.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::config {
namespace {

using namespace std::chrono_literals;

std::string file(std::string_view top, std::string_view api, std::string_view route,
                 std::string_view operation = "x: {}") {
  return fmt::format(
      "version: 1\n{}\nlisteners: {{ a: {{ address: \"127.0.0.1:8080\" }} }}\n"
      "apis:\n"
      "  shop:\n"
      "    listeners: [a]\n"
      "    upstream: u\n"
      "    authenticate: none\n"
      "    {}\n"
      "    routes:\n"
      "      - {{ path: /x, methods: [GET, POST], operation: x{} }}\n"
      "      - {{ path: /x, methods: [PUT], operation: y }}\n"
      "    operations: {{ {} }}\n"
      "upstreams: {{ u: {{ targets: [\"127.0.0.1:9000\"] }} }}\n",
      top, api, route, operation);
}

std::vector<std::string> values(const std::optional<std::vector<Text>>& texts) {
  std::vector<std::string> all;
  for (const Text& text : *texts) all.push_back(text.value);
  return all;
}

TEST(Streams, HaveDefaultsAndBounds) {
  Diagnostics diagnostics;
  const auto plain = load_text(file("", "", ""), "a.yaml", diagnostics);
  ASSERT_TRUE(plain) << diagnostics.to_string();
  EXPECT_EQ(plain->streams.maximum_age, 24h);
  EXPECT_EQ(plain->streams.idle_timeout, 1h);
  EXPECT_FALSE(plain->apis[0].settings.upgrade);
  const auto said = load_text(file("streams: { maximum_age: 12h, idle_timeout: 90s }", "", ""),
                              "a.yaml", diagnostics);
  ASSERT_TRUE(said) << diagnostics.to_string();
  EXPECT_EQ(said->streams.maximum_age, 12h);
  EXPECT_EQ(said->streams.idle_timeout, 90s);
}

TEST(Upgrade, IsReadOfApisRoutesAndOperations) {
  Diagnostics diagnostics;
  const auto config = load_text(
      file("", "upgrade: WebSocket", ", upgrade: [websocket, IRC/6.9]", "y: { upgrade: [] }"),
      "a.yaml", diagnostics);
  ASSERT_TRUE(config) << diagnostics.to_string();
  const Api& api = config->apis[0];
  EXPECT_EQ(values(api.settings.upgrade), std::vector<std::string>{"websocket"});
  EXPECT_EQ(values(api.routes[0].settings.upgrade),
            (std::vector<std::string>{"websocket", "irc/6.9"}));
  ASSERT_TRUE(api.routes[1].settings.upgrade) << "an empty list is an answer: none";
  EXPECT_TRUE(api.routes[1].settings.upgrade->empty());
}

struct Case {
  std::string_view why;
  std::string text;
  std::string_view key;
  std::string_view message;  // a part of it
};

TEST(Upgrade, AndStreamsReportWhatIsWrong) {
  const auto api = [](std::string_view protocols) {
    return file("", fmt::format("upgrade: {}", protocols), "");
  };
  const Case cases[] = {
      {"HTTP/2 in clear text", api("[h2c]"), "apis.shop.upgrade[0]", "carries HTTP requests"},
      {"in any case", api("[websocket, H2C]"), "apis.shop.upgrade[1]", "carries HTTP requests"},
      {"HTTP/2", api("[h2]"), "apis.shop.upgrade[0]", "carries HTTP requests"},
      {"HTTP with a version", api("[HTTP/2.0]"), "apis.shop.upgrade[0]", "carries HTTP requests"},
      {"TLS", api("[TLS/1.0]"), "apis.shop.upgrade[0]", "carries HTTP requests"},
      {"two words", api("[\"web socket\"]"), "apis.shop.upgrade[0]", "the name of a protocol"},
      {"a list in a string", api("\"websocket, raw\""), "apis.shop.upgrade[0]",
       "the name of a protocol"},
      {"no version behind the slash", api("[raw/]"), "apis.shop.upgrade[0]",
       "the name of a protocol"},
      {"two versions", api("[raw/1/2]"), "apis.shop.upgrade[0]", "the name of a protocol"},
      {"the same twice", api("[websocket, WebSocket]"), "apis.shop.upgrade[1]", "is there twice"},
      {"yes", file("", "upgrade: { a: b }", ""), "apis.shop.upgrade", "expected"},
      {"in the route and in `operations`",
       file("", "", ", upgrade: websocket", "x: { upgrade: websocket }"),
       "apis.shop.operations.x.upgrade", "the route of this operation says this too"},
      {"WebSocket where GET is not taken", file("", "", "", "y: { upgrade: websocket }"),
       "apis.shop.routes[1].upgrade", "by GET"},
      {"no age at all", file("streams: { maximum_age: 0s }", "", ""), "streams.maximum_age",
       "from 1s to 30d"},
      {"too much silence", file("streams: { idle_timeout: 8d }", "", ""), "streams.idle_timeout",
       "from 1s to 7d"},
      {"a key that nobody knows", file("streams: { max_age: 1h }", "", ""), "streams",
       "unknown key"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    Diagnostics diagnostics;
    EXPECT_FALSE(load_text(c.text, "a.yaml", diagnostics));
    ASSERT_EQ(diagnostics.all().size(), 1U) << diagnostics.to_string() << c.text;
    const Diagnostic& one = diagnostics.all()[0];
    EXPECT_EQ(one.key, c.key);
    EXPECT_NE(one.message.find(c.message), std::string::npos) << one.message;
    EXPECT_NE(one.at.line, 0U);
  }
}

}  // namespace
}  // namespace portcullis::config
