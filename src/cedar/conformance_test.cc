// The official integration tests (corpora/cedar-integration-tests): those made by hand, and those
// that fuzzing the reference implementation has collected. Every decision, every determining policy
// and every policy that errs must be as there.

#include "cedar/engine.h"
#include "cedar/entities_json.h"
#include "cedar/policy_parser.h"
#include "cedar/request.h"
#include "cedar/schema.h"
#include "json/writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace portcullis::cedar {
namespace {

namespace fs = std::filesystem;

#define PC_REQUIRE_CORPORA()                          \
  if (std::getenv("PORTCULLIS_CORPORA") == nullptr) { \
    GTEST_SKIP() << "PORTCULLIS_CORPORA is not set";  \
  }                                                   \
  static_assert(true)

fs::path corpus() {
  return fs::path(std::getenv("PORTCULLIS_CORPORA")) / "cedar-integration-tests";
}

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

using Ids = std::set<std::string, std::less<>>;

Ids ids_of(json::Value array) {
  Ids ids;
  for (const json::Value id : array.elements()) ids.emplace(id.as_string().value_or("?"));
  return ids;
}

// One file of the corpus: policies, entities, and requests with what they must give.
class Case {
 public:
  Case(const fs::path& root, const fs::path& file) : root_(root), text_(slurp(file)) {}

  // How many requests there were; failures are reported to GoogleTest.
  std::size_t run() {
    const auto document = json::Document::parse(text_, {.size = 16UL << 20U, .depth = 64});
    if (!document) {
      ADD_FAILURE() << document.error().detail;
      return 0;
    }
    const json::Value test = document->root();
    PolicySet policies;
    const Source& source =
        policies.add_source(Source("policies", slurp(root_ / text_of(test, "policies"))));
    const std::vector<Finding> findings = parse_policies(source, policies);
    if (!findings.empty()) {
      ADD_FAILURE() << source.describe(findings.front());
      return 0;
    }
    const auto schema = Schema::parse(slurp(root_ / text_of(test, "schema")));
    if (!schema) {
      ADD_FAILURE() << schema.error().front().message;
      return 0;
    }
    Symbols symbols;
    const auto entities =
        read_entities(slurp(root_ / text_of(test, "entities")), symbols, &*schema);
    if (!entities) {
      ADD_FAILURE() << to_string(entities.error());
      return 0;
    }
    const Engine engine = Engine::compile(policies, symbols);
    std::size_t requests = 0;
    for (const json::Value request : test.find("requests")->elements()) {
      run_request(request, engine, *entities, symbols, *schema);
      ++requests;
    }
    return requests;
  }

 private:
  static std::string_view text_of(json::Value object, std::string_view name) {
    return *object.find(name)->as_string();
  }

  static void run_request(json::Value test, const Engine& engine, const Entities& entities,
                          const Symbols& symbols, const Schema& schema) {
    std::string text;
    json::append_value(text, test);
    Arena arena;
    RequestNames names(symbols, arena);
    const auto request = read_request(text, names, arena, &schema);
    ASSERT_TRUE(request) << to_string(request.error());
    Decision decision;
    engine.decide(*request, entities, arena, decision);
    Ids determining;
    for (const std::uint32_t policy : decision.determining)
      determining.emplace(engine.policies()[policy].id);
    Ids errors;
    std::string described;
    for (const PolicyError& error : decision.errors) {
      errors.emplace(engine.policies()[error.policy].id);
      described += describe(error.error, names) + "; ";
    }
    EXPECT_EQ(std::string_view(decision.allow ? "allow" : "deny"), text_of(test, "decision"))
        << text;
    EXPECT_EQ(determining, ids_of(*test.find("reason"))) << text;
    EXPECT_EQ(errors, ids_of(*test.find("errors"))) << text << described;
  }

  fs::path root_;
  std::string text_;
};

std::vector<fs::path> tests_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".json") && !name.ends_with(".entities.json")) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::size_t run_all(const fs::path& root, const std::vector<fs::path>& files) {
  std::size_t requests = 0;
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.filename().string());
    requests += Case(root, file).run();
    if (testing::Test::HasFailure()) break;
  }
  return requests;
}

TEST(Conformance, HandMadeCases) {
  PC_REQUIRE_CORPORA();
  EXPECT_EQ(run_all(corpus(), tests_below(corpus() / "tests")), 74U);
}

TEST(Conformance, CollectedCases) {
  PC_REQUIRE_CORPORA();
  const fs::path unpacked =
      fs::path(testing::TempDir()) / ("cedar-corpus-" + std::to_string(getpid()));
  fs::create_directories(unpacked);
  const std::string command = "tar xzf '" + (corpus() / "corpus-tests.tar.gz").string() + "' -C '" +
                              unpacked.string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(run_all(unpacked, tests_below(unpacked / "corpus-tests")), 46856U);
  fs::remove_all(unpacked);
}

}  // namespace
}  // namespace portcullis::cedar
