// A pattern, a NUL and a text. Whatever compiles is bounded and matches; the engines agree.

#include "schema/pattern.h"

#include "base/check.h"
#include "base/encoding.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace schema = portcullis::schema;

namespace {

// Only valid UTF-8 comes to a matcher: what is not is replaced here.
std::string as_utf8(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size();) {
    const char32_t one = schema::next_code_point(bytes, at);
    const bool scalar = one <= schema::kLastCodePoint && (one < 0xd800 || one > 0xdfff);
    portcullis::append_utf8(text, scalar ? one : char32_t{0xfffd});
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Engine = schema::Pattern::Engine;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t border = std::min(all.find('\0'), size);
  const std::string pattern = as_utf8(all.substr(0, border));
  const std::string text = as_utf8(all.substr(std::min(border + 1, size)));

  const auto strict = schema::parse_regex(pattern, schema::RegexGrammar::kUnicode);
  const auto lenient = schema::parse_regex(pattern, schema::RegexGrammar::kLenient);
  PC_CHECK(lenient.has_value() || !strict.has_value());
  if (!lenient) {
    PC_CHECK(lenient.error().detail.contains("at offset") || pattern.size() > 65536);
    return 0;
  }
  const auto chosen = schema::Pattern::compile(pattern);
  if (!chosen) return 0;
  const bool matches = chosen->matches(text);
  for (const Engine engine : {Engine::kRuns, Engine::kDfa, Engine::kRe2}) {
    const auto other = schema::Pattern::compile(pattern, schema::RegexGrammar::kLenient, engine);
    if (other) PC_CHECK(other->matches(text) == matches);
  }
  return 0;
}
