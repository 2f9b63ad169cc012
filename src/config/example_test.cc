// The example of the whole product: what is built of it must be read, and every key that is not
// built yet must be reported where it stands, and nothing else.
#include "config/load.h"
#include "config/test_sources.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace portcullis::config {
namespace {

std::string example_path() {
  if (const char* path = std::getenv("PORTCULLIS_EXAMPLE")) return path;
  if (const char* corpora = std::getenv("PORTCULLIS_CORPORA"))
    return std::string(corpora) + "/../example/portcullis.yaml";
  return {};
}

std::string read_file(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(Example, ReportsExactlyWhatIsNotBuilt) {
  const std::string path = example_path();
  if (path.empty() || !std::filesystem::exists(path))
    GTEST_SKIP() << "the example is not here (PORTCULLIS_EXAMPLE, or beside PORTCULLIS_CORPORA)";
  TestSources sources;
  sources.variables = {{"PORTCULLIS_ADMIN_TOKEN", "a token of the test"}};
  Diagnostics diagnostics;
  EXPECT_FALSE(load_text(read_file(path), path, diagnostics, sources));

  using Place = std::pair<std::uint32_t, std::string>;
  const std::set<Place> wanted = {
      {35, "storage"},
      {59, "authenticators.ours.identity"},
      {61, "authenticators.browser.openid_connect"},
      {68, "identity"},
      {81, "policies"},
      {82, "entities"},
      {83, "policy_time_zone"},
      {84, "locations"},
      {90, "limits.monthly.quota"},
      {92, "firewall"},
      {99, "apis.shop.openapi"},
      {108, "apis.shop.firewall"},
      {109, "apis.shop.responses"},
      {118, "apis.shop.operations.cancelOrder.own"},
      {119, "apis.shop.operations.getOrder.own"},
      {120, "apis.shop.operations.listOrders.own"},
      {120, "apis.shop.operations.listOrders.cache"},
      {148, "log.audit"},
      {149, "traces"},
  };
  std::set<Place> got;
  std::set<Place> others;
  for (const Diagnostic& one : diagnostics.all()) {
    EXPECT_EQ(one.severity, Severity::kError);
    EXPECT_GT(one.at.column, 0U);
    const bool not_built = one.message.contains("is not built yet");
    const bool fresh = (not_built ? got : others).emplace(one.at.line, one.key).second;
    EXPECT_TRUE(fresh) << one.key << " is reported twice";
  }
  EXPECT_EQ(got, wanted) << diagnostics.to_string();
  // The hash in the example is shortened for the reader, so it is no hash.
  const std::set<Place> placeholder = {{58, "authenticators.machine.api_key.keys[0].hash"}};
  EXPECT_EQ(others, placeholder) << diagnostics.to_string();
}

}  // namespace
}  // namespace portcullis::config
