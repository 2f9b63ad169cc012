#include "json/writer.h"

#include "base/json_text.h"
#include "json/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace portcullis::json {
namespace {

TEST(AppendJsonString, GivesWhatOurReaderTakesForEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string text;
    append_json_string(text, std::string(1, static_cast<char>(byte)));
    ASSERT_TRUE(Document::parse(text)) << byte;
  }
}

TEST(AppendNumber, IsExact) {
  const auto text = [](auto number) {
    std::string out;
    append_number(out, number);
    return out;
  };
  EXPECT_EQ(text(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(text(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(text(0.1), "0.1");
  EXPECT_EQ(text(5.0), "5.0");
  EXPECT_EQ(text(-0.0), "-0.0");
  EXPECT_EQ(text(18446744073709551616.0), "18446744073709551616.0") << "2^64: no integer of ours";
  EXPECT_EQ(text(-1.5e300), "-1.5e+300");
  EXPECT_EQ(text(std::nan("")), "null");
  EXPECT_EQ(text(std::numeric_limits<double>::infinity()), "null");
}

TEST(Writer, PutsCommasWhereTheyBelong) {
  std::string out = "log: ";
  Writer writer(out);
  writer.begin_object()
      .field("a", 1)
      .field("b", "x\"")
      .field("yes", true)
      .key("empty")
      .begin_object()
      .end_object()
      .key("list")
      .begin_array()
      .string("s")
      .number(std::uint64_t{7})
      .number(0.5)
      .boolean(false)
      .null()
      .begin_array()
      .end_array()
      .begin_object()
      .escaped_key("q\"")
      .raw("[1]")
      .end_object()
      .end_array()
      .field("last", std::int64_t{-1})
      .end_object();
  EXPECT_EQ(out, R"(log: {"a":1,"b":"x\"","yes":true,"empty":{},)"
                 R"("list":["s",7,0.5,false,null,[],{"q\"":[1]}],"last":-1})");
}

TEST(AppendValue, WritesWhatWasRead) {
  const std::string text =
      R"({"n":null,"b":[true,false],"i":-1,"u":18446744073709551615,"d":0.25,"s":"\"\n","o":{"e":{},"a":[]}})";
  const auto document = Document::parse(text);
  ASSERT_TRUE(document);
  std::string out;
  append_value(out, document->root());
  EXPECT_EQ(out, text);
}

}  // namespace
}  // namespace portcullis::json
