#include "schema/format.h"

#include "json/value.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace portcullis::schema {
namespace {

namespace fs = std::filesystem;

TEST(Format, NamesAreFoundAndTold) {
  for (const std::string_view name : {"date-time", "idn-hostname", "regex", "int32", "password"}) {
    const auto format = find_format(name);
    ASSERT_TRUE(format) << name;
    EXPECT_EQ(name_of(*format), name);
  }
  for (const std::string_view name : {"", "Date", "datetime", "color", "unknown"})
    EXPECT_FALSE(find_format(name)) << name;
  EXPECT_TRUE(is_number_format(Format::kInt32) && is_number_format(Format::kDouble));
  EXPECT_FALSE(is_number_format(Format::kRegex) || is_number_format(Format::kByte));
}

// Beyond what the JSON Schema test suite asks.
TEST(Format, DrawsTheLine) {
  struct Case {
    std::string_view why;
    Format format;
    std::string_view text;
    bool want;
  };
  using enum Format;
  const Case cases[] = {
      {"base64", kByte, "aGVsbG8=", true},
      {"two characters of padding", kByte, "aA==", true},
      {"nothing is base64", kByte, "", true},
      {"any string is binary", kBinary, "\x01 \xc3\xa9", true},
      {"a number's format says nothing of a string", kInt32, "x", true},
      {"an A-label in capitals is the same label", kHostname, "XN--ZCA29LWXOBI7A", true},
      {"253 octets", kHostname,
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
       true},
      {"an operator kept for later", kUriTemplate, "{=x}", true},
      {"a scheme alone", kUri, "a:", true},
      {"an empty port", kUri, "http://a:/", true},
      {"an index moved", kRelativeJsonPointer, "0-1/a", true},
      {"a lookahead is of the grammar", kRegex, "a(?=b)", true},

      {"base64 that lacks its padding", kByte, "aGVsbG8", false},
      {"padding within", kByte, "a=bc", false},
      {"three characters of padding", kByte, "a===", false},
      {"the alphabet for URLs", kByte, "_-__", false},
      {"a NUL behind an address", kIpv4, std::string_view("1.2.3.4\0", 8), false},
      {"an address in octal", kIpv4, "010.0.0.1", false},
      {"an address in hexadecimal", kIpv4, "0x7f000001", false},
      {"an address of three parts", kIpv4, "127.0.1", false},
      {"an IPv4 address is no IPv6 one", kIpv6, "1.2.3.4", false},
      {"254 octets", kHostname,
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
       false},
      {"a NUL in a host name", kHostname, std::string_view("a\0b", 3), false},
      {"a label kept for forms like A-labels", kIdnHostname, "ab--cd", false},
      {"an unfinished quoted local part", kEmail, "\"a@example.com", false},
      {"a quoted local part that ends in a backslash", kEmail, "\"a\\", false},
      {"a local part of 65 octets", kEmail,
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com", false},
      {"a tagged literal that no registry knows", kEmail, "a@[x:y]", false},
      {"a line break in a quoted local part", kEmail, "\"a\r\nb\"@example.com", false},
      {"nothing is no email", kEmail, "", false},
      {"beyond ASCII in a URI", kUri, "http://é/", false},
      {"a noncharacter in an IRI", kIri, "http://a/\xef\xbf\xbe", false},
      {"an empty IP literal", kUri, "http://[]/", false},
      {"an IP literal without its end", kUri, "http://[::1", false},
      {"something behind an IP literal", kUri, "http://[::1]a", false},
      {"an IPvFuture without a version", kUri, "http://[v.a]", false},
      {"a fragment in a fragment", kUri, "a:#b#c", false},
      {"a line break", kUriReference, "a\n", false},
      {"a bracket that closes twice", kUriTemplate, "{a}}", false},
      {"an expression in an expression", kUriTemplate, "{{a}}", false},
      {"an index moved by nothing", kRelativeJsonPointer, "0+/a", false},
      {"an index moved by zero", kRelativeJsonPointer, "0+0", false},
      {"a space for the T", kDateTime, "2026-11-24 17:00:00Z", false},
      {"no offset", kDateTime, "2026-11-24T17:00:00", false},
      {"a fraction without digits", kTime, "17:00:00.Z", false},
      {"a second 60 within a day", kTime, "12:00:60Z", false},
      {"the year alone", kDate, "2026", false},
      {"a duration's T and nothing", kDuration, "P1DT", false},
      {"units in capitals only", kDuration, "p1d", false},
      {"braces around it", kUuid, "{2eb8aa08-aa98-11ea-b4aa-73b441d1638}", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(matches_format(c.format, c.text), c.want) << c.text;
  }
}

TEST(Format, JsonSchemaTestSuite) {
  const char* corpora = std::getenv("PORTCULLIS_CORPORA");
  if (corpora == nullptr) GTEST_SKIP() << "PORTCULLIS_CORPORA is not set";
  std::size_t checked = 0;
  const fs::path tests = fs::path(corpora) / "json-schema-test-suite/tests";
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(tests)) {
    if (entry.path().parent_path().filename() != "format") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto document = json::Document::parse(text);
    ASSERT_TRUE(document) << entry.path() << ": " << document.error().detail;
    for (const json::Value group : document->root().elements()) {
      const auto named = group.find("schema")->find("format");
      const auto format = named ? find_format(*named->as_string()) : std::nullopt;
      if (!format) continue;
      for (const json::Value test : group.find("tests")->elements()) {
        const auto data = test.find("data")->as_string();
        if (!data) continue;
        EXPECT_EQ(matches_format(*format, *data), *test.find("valid")->as_bool())
            << entry.path() << ": " << *group.find("description")->as_string() << ": "
            << *test.find("description")->as_string() << ": " << *data;
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 900U);
}

}  // namespace
}  // namespace portcullis::schema
