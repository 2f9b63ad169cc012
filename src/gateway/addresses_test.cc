#include "gateway/addresses.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace portcullis::gateway {
namespace {

std::vector<Cidr> networks(std::initializer_list<const char*> texts) {
  std::vector<Cidr> all;
  for (const char* text : texts) all.push_back(*Cidr::parse(text));
  return all;
}

struct Case {
  std::string_view why;
  std::string_view address;
  bool inside;
};

TEST(AddressSet, HoldsWhatItsNetworksHold) {
  const AddressSet set(
      networks({"10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "198.51.100.0/25", "198.51.100.128/25",
                "255.255.255.255", "2001:db8::/32", "2001:db8:1::/48", "::1"}));
  const Case cases[] = {
      {"the first of a network", "10.0.0.0", true},
      {"the last of a network", "10.255.255.255", true},
      {"behind a network within another", "10.2.0.0", true},
      {"before a network", "9.255.255.255", false},
      {"behind a network", "11.0.0.0", false},
      {"an address alone", "192.0.2.7", true},
      {"before an address alone", "192.0.2.6", false},
      {"behind an address alone", "192.0.2.8", false},
      {"the seam of two networks", "198.51.100.127", true},
      {"the other side of the seam", "198.51.100.128", true},
      {"the last of all", "255.255.255.255", true},
      {"the last but one", "255.255.255.254", false},
      {"the first of all", "0.0.0.0", false},
      {"an IPv4-mapped address within", "::ffff:10.1.2.3", true},
      {"an IPv4-mapped address without", "::ffff:11.1.2.3", false},
      {"an IPv4-compatible address is another", "::10.1.2.3", false},
      {"an IPv6 network", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true},
      {"behind an IPv6 network", "2001:db9::", false},
      {"loopback", "::1", true},
      {"beside loopback", "::2", false},
  };
  for (const Case& c : cases)
    EXPECT_EQ(set.contains(*IpAddress::parse(c.address)), c.inside) << c.why;
}

TEST(AddressSet, OfAllOfOneFamilyHoldsNoneOfTheOther) {
  const AddressSet four(networks({"0.0.0.0/0"}));
  EXPECT_TRUE(four.contains(*IpAddress::parse("255.255.255.255")));
  EXPECT_FALSE(four.contains(*IpAddress::parse("2001:db8::1")));
  const AddressSet six(networks({"::/0"}));
  EXPECT_TRUE(six.contains(*IpAddress::parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(six.contains(*IpAddress::parse("10.0.0.1")));
  EXPECT_FALSE(AddressSet().contains(*IpAddress::parse("10.0.0.1")));
}

TEST(AddressSet, SaysWhatEachNetworkSays) {
  std::mt19937 random(7);
  std::vector<Cidr> all;
  for (int i = 0; i < 300; ++i) {
    const unsigned bits = 8 + random() % 25;
    all.push_back({IpAddress::v4(static_cast<std::uint32_t>(random())).prefix(bits), bits});
  }
  const AddressSet set(all);
  int inside = 0;
  for (int i = 0; i < 20'000; ++i) {
    const IpAddress address = IpAddress::v4(static_cast<std::uint32_t>(random()));
    const bool wanted =
        std::ranges::any_of(all, [&](const Cidr& one) { return one.contains(address); });
    EXPECT_EQ(set.contains(address), wanted) << address.to_string();
    inside += wanted ? 1 : 0;
  }
  EXPECT_GT(inside, 100);
}

TEST(AddressRule, LetsDenyWinAndAllowRefuseTheRest) {
  const auto outcome = [](const AddressRule& rule, std::string_view address) {
    const auto checked = rule.check(*IpAddress::parse(address));
    return checked ? std::string("allowed") : checked.error().rule;
  };
  const AddressRule both(
      {.allow = networks({"10.0.0.0/8"}), .deny = networks({"10.9.0.0/16"}), .at = {}}, "a");
  EXPECT_EQ(outcome(both, "10.1.2.3"), "allowed");
  EXPECT_EQ(outcome(both, "10.9.2.3"), "a.deny");
  EXPECT_EQ(outcome(both, "11.1.2.3"), "a.allow");
  const AddressRule deny({.allow = std::nullopt, .deny = networks({"10.9.0.0/16"}), .at = {}}, "a");
  EXPECT_EQ(outcome(deny, "11.1.2.3"), "allowed");
  const AddressRule nobody({.allow = networks({}), .deny = {}, .at = {}}, "a");
  EXPECT_EQ(outcome(nobody, "11.1.2.3"), "a.allow") << "an empty list allows nobody";
  EXPECT_EQ(deny.check(*IpAddress::parse("10.9.0.1")).error().code, ErrorCode::kAddressNotAllowed);
}

}  // namespace
}  // namespace portcullis::gateway
