#include "cedar/extension_types.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace portcullis::cedar {
namespace {

struct Case {
  std::string_view text;
  std::optional<std::int64_t> want;
};

TEST(Decimals, AreReadStrictly) {
  const Case cases[] = {
      {"0.0", 0},
      {"1.5", 15000},
      {"-1.5", -15000},
      {"-0.0001", -1},
      {"00.1", 1000},
      {"12.3456", 123456},
      {"922337203685477.5807", INT64_MAX},
      {"-922337203685477.5808", INT64_MIN},
      {"922337203685477.5808", {}},
      {"-922337203685477.5809", {}},
      {"1.12345", {}},
      {"1", {}},
      {"1.", {}},
      {".1", {}},
      {"", {}},
      {"-", {}},
      {"-.1", {}},
      {"+1.0", {}},
      {"1.-1", {}},
      {"1.0 ", {}},
      {"1,0", {}},
      {"--1.0", {}},
      {"9223372036854775808.0", {}},
      {"99999999999999999999.0", {}},
  };
  for (const Case& c : cases) EXPECT_EQ(parse_decimal(c.text), c.want) << c.text;
}

TEST(Datetimes, AreReadStrictly) {
  constexpr std::int64_t kDay = 86'400'000;
  const Case cases[] = {
      {"1970-01-01", 0},
      {"1969-12-31", -kDay},
      {"2000-02-29", 11016 * kDay},
      {"0000-01-01", -719528 * kDay},
      {"9999-12-31T23:59:59.999Z", 253402300799999},
      {"1970-01-01T00:00:01Z", 1000},
      {"1970-01-01T00:00:00.123Z", 123},
      {"1970-01-01T01:00:00+0100", 0},
      {"1970-01-01T00:00:00-2359", 86'340'000},
      {"1970-01-01T00:00:00.001+0001", -59'999},
      {"1970-01-01T00:00:00", {}},
      {"1970-01-01T00:00Z", {}},
      {"1970-01-01T24:00:00Z", {}},
      {"1970-01-01T00:60:00Z", {}},
      {"1970-01-01T00:00:60Z", {}},
      {"1970-01-01T00:00:00.12Z", {}},
      {"1970-01-01T00:00:00.1234Z", {}},
      {"1970-01-01T00:00:00+2400", {}},
      {"1970-01-01T00:00:00+0060", {}},
      {"1970-01-01T00:00:00+01:00", {}},
      {"1970-01-01T00:00:00ZZ", {}},
      {"1970-01-01Z", {}},
      {"1970-1-1", {}},
      {"2001-02-29", {}},
      {"1900-02-29", {}},
      {"1970-13-01", {}},
      {"1970-00-01", {}},
      {"1970-01-00", {}},
      {"1970-04-31", {}},
      {"70-01-01", {}},
      {"19700-01-01", {}},
      {"", {}},
  };
  for (const Case& c : cases) EXPECT_EQ(parse_datetime(c.text), c.want) << c.text;
}

TEST(Durations, AreReadStrictly) {
  const Case cases[] = {
      {"0ms", 0},
      {"1d2h3m4s5ms", 93'784'005},
      {"-1d2h3m4s5ms", -93'784'005},
      {"90m", 5'400'000},
      {"1s1ms", 1001},
      {"1m1ms", 60'001},
      {"007d", 604'800'000},
      {"9223372036854775807ms", INT64_MAX},
      {"-9223372036854775808ms", INT64_MIN},
      {"9223372036854775808ms", {}},
      {"-9223372036854775809ms", {}},
      {"106751991168d", {}},
      {"99999999999999999999d", {}},
      {"1d1d", {}},
      {"1h1d", {}},
      {"1ms1s", {}},
      {"1", {}},
      {"d", {}},
      {"", {}},
      {"-", {}},
      {"1 d", {}},
      {"1D", {}},
      {"+1d", {}},
      {"1.5h", {}},
      {"1d-1h", {}},
  };
  for (const Case& c : cases) EXPECT_EQ(parse_duration(c.text), c.want) << c.text;
}

TEST(Addresses, AreReadStrictly) {
  const std::string_view good[] = {
      "1.2.3.4", "1.2.3.4/0",     "1.2.3.4/32",      "::",
      "::1/128", "2001:db8::/32", "1:2:3:4:5:6:7:8", "ABCD:EF01:2345:6789:ABCD:EF01:2345:6789/128"};
  for (const std::string_view text : good) {
    const auto ip = parse_ip(text);
    ASSERT_TRUE(ip) << text;
    EXPECT_EQ(parse_ip(to_string(*ip)), ip) << text << " became " << to_string(*ip);
  }
  const std::string_view bad[] = {"",
                                  "1.2.3",
                                  "1.2.3.4.5",
                                  "1.2.3.256",
                                  "01.2.3.4",
                                  "1.2.3.4/33",
                                  "1.2.3.4/",
                                  "1.2.3.4/01",
                                  "1.2.3.4/-1",
                                  "1.2.3.4/8/8",
                                  "::ffff:1.2.3.4",
                                  "1::2::3",
                                  "::/129",
                                  "::/0128",
                                  ":::",
                                  "g::",
                                  "1.2.3.4 ",
                                  "[::1]",
                                  "::1%eth0",
                                  "12345::",
                                  "1:2:3:4:5:6:7:8:9",
                                  "/8"};
  for (const std::string_view text : bad) EXPECT_FALSE(parse_ip(text)) << text;
}

TEST(Addresses, KnowTheirRanges) {
  struct Range {
    std::string_view inner;
    std::string_view outer;
    bool want;
  };
  const Range cases[] = {
      {"10.1.2.3", "10.0.0.0/8", true},
      {"11.1.2.3", "10.0.0.0/8", false},
      {"10.0.0.0/8", "10.0.0.0/9", false},
      {"10.0.0.0/9", "10.0.0.0/8", true},
      {"10.9.9.9/8", "10.1.1.1/8", true},
      {"1.2.3.4", "0.0.0.0/0", true},
      {"1.2.3.4", "::/0", false},
      {"::1", "::/0", true},
      {"2001:db8:1::", "2001:db8::/32", true},
      {"2001:db9::", "2001:db8::/32", false},
      {"1.2.3.4", "1.2.3.4", true},
      {"1.2.3.5", "1.2.3.4/31", true},
      {"1.2.3.6", "1.2.3.4/31", false},
  };
  for (const Range& c : cases)
    EXPECT_EQ(is_in_range(*parse_ip(c.inner), *parse_ip(c.outer)), c.want)
        << c.inner << " in " << c.outer;
  EXPECT_TRUE(is_loopback(*parse_ip("127.9.9.9")));
  EXPECT_TRUE(is_loopback(*parse_ip("127.0.0.0/8")));
  EXPECT_FALSE(is_loopback(*parse_ip("127.0.0.0/7")));
  EXPECT_TRUE(is_loopback(*parse_ip("::1")));
  EXPECT_FALSE(is_loopback(*parse_ip("::1/127")));
  EXPECT_FALSE(is_loopback(*parse_ip("::ffff:7f00:1")));
  EXPECT_TRUE(is_multicast(*parse_ip("239.1.1.1")));
  EXPECT_FALSE(is_multicast(*parse_ip("224.0.0.0/3")));
  EXPECT_TRUE(is_multicast(*parse_ip("ff02::1")));
  EXPECT_FALSE(is_multicast(*parse_ip("fe80::1")));
}

TEST(ExtensionValues, AreWrittenAsTheyAreRead) {
  const auto written = [](ValueKind kind, std::int64_t value) {
    std::string out;
    append_extension(out, Value::of_integer(kind, value));
    return out;
  };
  EXPECT_EQ(written(ValueKind::kDecimal, -5), "decimal(\"-0.0005\")");
  EXPECT_EQ(written(ValueKind::kDecimal, INT64_MIN), "decimal(\"-922337203685477.5808\")");
  EXPECT_EQ(written(ValueKind::kDuration, -7), "duration(\"-7ms\")");
  EXPECT_EQ(written(ValueKind::kDatetime, 0), "datetime(\"1970-01-01T00:00:00.000Z\")");
  EXPECT_EQ(written(ValueKind::kDatetime, 951'826'554'123),
            "datetime(\"2000-02-29T12:15:54.123Z\")");
  EXPECT_EQ(written(ValueKind::kDatetime, -62'167'219'200'000),
            "datetime(\"0000-01-01T00:00:00.000Z\")");
  EXPECT_EQ(written(ValueKind::kDatetime, 253'402'300'799'999),
            "datetime(\"9999-12-31T23:59:59.999Z\")");
  EXPECT_EQ(written(ValueKind::kDatetime, INT64_MAX),
            "datetime(\"1970-01-01\").offset(duration(\"9223372036854775807ms\"))");
}

}  // namespace
}  // namespace portcullis::cedar
