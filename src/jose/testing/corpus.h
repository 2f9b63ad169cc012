// Other people's vectors, found through the environment. Tests skip, saying so, when it is not set.
#pragma once

#include "base/check.h"
#include "json/value.h"
#include "json/writer.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

// First in a test that needs them.
#define PC_REQUIRE_CORPORA() \
  if (!portcullis::jose::testing::has_corpora()) GTEST_SKIP() << "PORTCULLIS_CORPORA is not set"

namespace portcullis::jose::testing {

[[nodiscard]] inline bool has_corpora() { return std::getenv("PORTCULLIS_CORPORA") != nullptr; }

[[nodiscard]] inline std::filesystem::path corpus(std::string_view folder) {
  return std::filesystem::path(std::getenv("PORTCULLIS_CORPORA")) / folder;
}

[[nodiscard]] inline json::Document load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto document = json::Document::parse(text, {.size = 64 << 20, .depth = 32});
  PC_CHECK(document.has_value());
  return *std::move(document);
}

[[nodiscard]] inline std::string_view text(json::Value object, std::string_view name) {
  const auto member = object.find(name);
  return member ? member->as_string().value_or("") : "";
}

// The public part of a JWK: vectors often come with the private one, which we refuse.
[[nodiscard]] inline std::string public_part(json::Value jwk) {
  constexpr std::string_view kPrivate = " d p q dp dq qi oth ";
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  for (const json::Member member : jwk.members()) {
    if (kPrivate.contains(" " + std::string(member.name) + " ")) continue;
    writer.escaped_key(member.name).value(member.value);
  }
  writer.end_object();
  return out;
}

}  // namespace portcullis::jose::testing
