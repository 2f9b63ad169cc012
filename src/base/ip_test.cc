#include "base/ip.h"

#include <gtest/gtest.h>

namespace portcullis {
namespace {

TEST(IpAddress, ParsesAndPrints) {
  for (const char* text : {"127.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "2001:db8::5", "::"}) {
    ASSERT_TRUE(IpAddress::parse(text)) << text;
    EXPECT_EQ(IpAddress::parse(text)->to_string(), text);
  }
  EXPECT_EQ(IpAddress::parse("::ffff:10.0.0.1"), IpAddress::parse("10.0.0.1"));
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "[::1]", "::1%lo", "fe80", "1.2.3.4 "}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(Cidr, ContainsItsOwnAndNoOther) {
  const auto ten = Cidr::parse("10.0.0.0/8").value();
  EXPECT_TRUE(ten.contains(*IpAddress::parse("10.255.1.2")));
  EXPECT_FALSE(ten.contains(*IpAddress::parse("11.0.0.0")));
  EXPECT_FALSE(ten.contains(*IpAddress::parse("a00::")));
  const auto everything = Cidr::parse("0.0.0.0/0").value();
  EXPECT_TRUE(everything.contains(*IpAddress::parse("1.2.3.4")));
  EXPECT_FALSE(everything.contains(*IpAddress::parse("::1")));
  const auto six = Cidr::parse("2001:db8::/33").value();
  EXPECT_TRUE(six.contains(*IpAddress::parse("2001:db8:7fff::")));
  EXPECT_FALSE(six.contains(*IpAddress::parse("2001:db8:8000::")));
  for (const char* text :
       {"10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "x/8"}) {
    EXPECT_FALSE(Cidr::parse(text)) << text;
  }
}

TEST(Endpoint, NeedsAnAddressAndAPort) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:80")->to_string(), "127.0.0.1:80");
  EXPECT_EQ(parse_endpoint("[::1]:443")->to_string(), "[::1]:443");
  for (const char* text :
       {"127.0.0.1", "::1:80", "[::1]", "[127.0.0.1]:80", "localhost:80", "1.2.3.4:65536", ":80"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

TEST(IpAddress, KnowsLoopback) {
  EXPECT_TRUE(IpAddress::parse("127.9.9.9")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("128.0.0.1")->is_loopback());
  EXPECT_EQ(IpAddress::parse("2001:db8:1:2:3::")->prefix(64).to_string(), "2001:db8:1:2::");
}

}  // namespace
}  // namespace portcullis
