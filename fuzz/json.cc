// What is read and written again reads the same, and any bytes are written as valid JSON.

#include "base/check.h"
#include "base/json_text.h"
#include "json/value.h"
#include "json/writer.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace json = portcullis::json;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string as_string;
  portcullis::append_json_string(as_string, text);
  PC_CHECK(json::Document::parse(as_string, {.size = SIZE_MAX}).has_value());

  const auto document = json::Document::parse(text, {.size = 1 << 20, .depth = 16});
  if (!document) return 0;
  std::string once;
  json::append_value(once, document->root());
  const auto again = json::Document::parse(once, {.size = SIZE_MAX, .depth = 16});
  PC_CHECK(again.has_value());
  std::string twice;
  json::append_value(twice, again->root());
  PC_CHECK(once == twice);
  return 0;
}
