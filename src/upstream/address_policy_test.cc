#include "upstream/address_policy.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace portcullis::upstream {
namespace {

std::vector<Cidr> ranges(const std::vector<std::string_view>& texts) {
  std::vector<Cidr> parsed;
  for (const std::string_view text : texts) parsed.push_back(*Cidr::parse(text));
  return parsed;
}

struct Case {
  std::string_view why;
  std::string_view name;
  std::vector<std::string_view> allowed;
  std::string_view address;
  std::string_view objection;  // a part of it; empty: none
};

TEST(AddressPolicy, SaysWhereANameMayLead) {
  const Case cases[] = {
      {"an address of the inside", "a.internal", {}, "10.1.2.3", ""},
      {"another one", "a.internal", {}, "192.168.0.1", ""},
      {"one of IPv6", "a.internal", {}, "fd00::12", ""},
      {"one of the outside", "a.example", {}, "192.0.2.1", ""},
      {"shared address space", "a.internal", {}, "100.64.0.1", ""},
      {"localhost", "localhost", {}, "127.0.0.1", ""},
      {"localhost in IPv6", "localhost", {}, "::1", ""},
      {"localhost in capitals with a dot", "LOCALHOST.", {}, "127.0.0.1", ""},
      {"below localhost", "a.localhost", {}, "127.0.0.1", ""},
      {"loopback that is asked for", "a.internal", {"127.0.0.0/8"}, "127.0.0.1", ""},
      {"one address of loopback that is asked for", "a", {"127.0.0.2"}, "127.0.0.2", ""},
      {"link-local that is asked for", "a", {"169.254.171.0/24"}, "169.254.171.9", ""},
      {"within the list", "a", {"10.0.0.0/16", "fd00::/8"}, "fd00::1", ""},
      {"a translated address", "a", {}, "64:ff9b::10.0.0.1", ""},
      {"a translated address within the list", "a", {"10.0.0.0/8"}, "64:ff9b::10.0.0.1", ""},
      {"translated within a network", "a", {}, "64:ff9b:1::10.0.0.1", ""},
      {"the same in a subnet", "a", {}, "64:ff9b:1:fffe::10.0.0.1", ""},
      {"the same within the list", "a", {"10.0.0.0/8"}, "64:ff9b:1::10.0.0.1", ""},
      {"the same with a prefix of 48", "a", {}, "64:ff9b:1:a00:0:100::", ""},
      {"the same, listed as IPv6", "a", {"64:ff9b:1::/48"}, "64:ff9b:1:a00:0:100::", ""},
      {"6to4", "a", {}, "2002:c000:201::1", ""},
      {"Teredo", "a", {}, "2001:0:c000:201::3fff:fdfe", ""},
      {"beside Teredo", "a", {}, "2001:1::80ff:fffe", ""},

      {"loopback", "a.internal", {}, "127.0.0.1", "loopback"},
      {"loopback, mapped", "a.internal", {}, "::ffff:127.0.0.1", "loopback"},
      {"loopback, translated", "a.internal", {}, "64:ff9b::127.0.0.1", "loopback"},
      {"loopback, translated within a network", "a", {}, "64:ff9b:1::127.0.0.1", "loopback"},
      {"the same in a subnet", "a", {}, "64:ff9b:1:fffe::127.0.0.1", "loopback"},
      {"the same with a prefix of 48", "a", {}, "64:ff9b:1:7f00:0:100::", "loopback"},
      {"the same with something behind it", "a", {}, "64:ff9b:1:7f00:0:100::9", "loopback"},
      {"the same with a prefix of 56", "a", {}, "64:ff9b:1:7f:0:1::", "loopback"},
      {"the same with a prefix of 64", "a", {}, "64:ff9b:1:0:7f:0:100:0", "loopback"},
      {"loopback, 6to4", "a", {}, "2002:7f00:1::1", "loopback"},
      {"loopback, Teredo", "a", {}, "2001:0:c000:201::80ff:fffe", "loopback"},
      {"loopback in IPv6", "a.internal", {}, "::1", "loopback"},
      {"a name that ends like localhost", "notlocalhost", {}, "127.0.0.1", "loopback"},
      {"a name that begins like localhost", "localhost.evil", {}, "127.0.0.1", "loopback"},
      {"no name", "", {}, "127.0.0.1", "loopback"},
      {"localhost elsewhere on its machine", "localhost", {}, "169.254.169.254", "link-local"},
      {"localhost with a list", "localhost", {"10.0.0.0/8"}, "127.0.0.1", "loopback"},
      {"everything does not mean loopback", "a", {"0.0.0.0/0", "::/0"}, "127.0.0.1", "loopback"},
      {"everything does not mean metadata", "a", {"0.0.0.0/0"}, "169.254.169.254", "link-local"},
      {"metadata", "a", {}, "169.254.169.254", "link-local"},
      {"metadata, translated", "a", {}, "64:ff9b::169.254.169.254", "link-local"},
      {"metadata, translated within a network", "a", {}, "64:ff9b:1::a9fe:a9fe", "link-local"},
      {"metadata, 6to4", "a", {}, "2002:a9fe:a9fe::1", "link-local"},
      {"metadata, Teredo", "a", {}, "2001::5601:5601", "link-local"},
      {"metadata elsewhere, 6to4", "a", {}, "2002:6464:64c8::", "metadata"},
      {"everything does not mean metadata by 6to4",
       "a",
       {"::/0"},
       "2002:a9fe:a9fe::1",
       "link-local"},
      {"metadata in IPv6", "a", {}, "fd00:ec2::254", "metadata"},
      {"metadata elsewhere", "a", {}, "100.100.100.200", "metadata"},
      {"link-local in IPv6", "a", {}, "fe80::1", "link-local"},
      {"unspecified", "a", {}, "0.0.0.0", "unspecified"},
      {"unspecified, although in a list", "a", {"0.0.0.0/8"}, "0.0.0.0", "unspecified"},
      {"unspecified in IPv6", "localhost", {}, "::", "unspecified"},
      {"multicast", "a", {}, "239.1.2.3", "multicast"},
      {"multicast in IPv6", "a", {"ff00::/8"}, "ff02::1", "multicast"},
      {"broadcast", "a", {}, "255.255.255.255", "broadcast"},
      {"translated to nowhere", "a", {}, "64:ff9b:1::", "unspecified"},
      {"6to4 of nowhere", "a", {"::/0"}, "2002::1", "unspecified"},
      {"6to4 outside of the list", "a", {"10.0.0.0/16"}, "2002:a01:1::1", "outside"},
      {"one of its readings outside of the list",
       "a",
       {"10.0.0.0/8"},
       "64:ff9b:1:a01:2:300::",
       "outside"},
      {"outside of the list", "a", {"10.0.0.0/16"}, "10.1.0.1", "outside of `allow_addresses`"},
      {"another family than the list", "a", {"10.0.0.0/8"}, "fd00::1", "outside"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const AddressPolicy policy(c.name, ranges(c.allowed));
    const std::string_view got = policy.objection(*IpAddress::parse(c.address));
    EXPECT_EQ(got.empty(), c.objection.empty()) << got;
    EXPECT_TRUE(got.contains(c.objection)) << got;
  }
}

}  // namespace
}  // namespace portcullis::upstream
