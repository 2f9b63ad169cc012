#include "gateway/client_address.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace portcullis::gateway {
namespace {

struct Case {
  std::string_view why;
  std::string_view peer;
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  std::string_view want;
};

TEST(ClientAddress, BelievesTrustedHopsAlone) {
  const std::vector<Cidr> trusted = {*Cidr::parse("10.0.0.0/8"), *Cidr::parse("2001:db8::/32")};
  const Case cases[] = {
      {"no proxy", "203.0.113.9", {}, "203.0.113.9"},
      {"untrusted peer is not believed",
       "203.0.113.9",
       {{"x-forwarded-for", "1.2.3.4"}},
       "203.0.113.9"},
      {"untrusted peer, Forwarded", "203.0.113.9", {{"forwarded", "for=1.2.3.4"}}, "203.0.113.9"},
      {"trusted peer says nothing", "10.0.0.1", {}, "10.0.0.1"},
      {"one hop", "10.0.0.1", {{"x-forwarded-for", "203.0.113.9"}}, "203.0.113.9"},
      {"what the client wrote itself is left of it",
       "10.0.0.1",
       {{"x-forwarded-for", "1.1.1.1, 203.0.113.9"}},
       "203.0.113.9"},
      {"two trusted hops",
       "10.0.0.1",
       {{"x-forwarded-for", "203.0.113.9, 10.0.0.2"}},
       "203.0.113.9"},
      {"several fields are one list",
       "10.0.0.1",
       {{"x-forwarded-for", "1.1.1.1"}, {"x-forwarded-for", "203.0.113.9,10.0.0.2"}},
       "203.0.113.9"},
      {"only trusted hops", "10.0.0.1", {{"x-forwarded-for", "10.0.0.3, 10.0.0.2"}}, "10.0.0.3"},
      {"with port", "10.0.0.1", {{"x-forwarded-for", "203.0.113.9:1234"}}, "203.0.113.9"},
      {"IPv6 with port", "10.0.0.1", {{"x-forwarded-for", "[2001:dead::1]:1234"}}, "2001:dead::1"},
      {"rubbish ends the walk",
       "10.0.0.1",
       {{"x-forwarded-for", "203.0.113.9, unknown"}},
       "10.0.0.1"},
      {"rubbish behind a trusted hop",
       "10.0.0.1",
       {{"x-forwarded-for", "203.0.113.9, ?, 10.0.0.2"}},
       "10.0.0.2"},
      {"Forwarded", "10.0.0.1", {{"forwarded", "for=203.0.113.9;proto=https"}}, "203.0.113.9"},
      {"Forwarded, quoted IPv6",
       "2001:db8::1",
       {{"forwarded", "proto=http; For=\"[2001:dead::1]:80\""}},
       "2001:dead::1"},
      {"Forwarded, several",
       "10.0.0.1",
       {{"forwarded", "for=1.1.1.1, for=203.0.113.9"}},
       "203.0.113.9"},
      {"obfuscated identifier", "10.0.0.1", {{"forwarded", "for=_hidden"}}, "10.0.0.1"},
      {"both agree",
       "10.0.0.1",
       {{"forwarded", "for=203.0.113.9"}, {"x-forwarded-for", "203.0.113.9"}},
       "203.0.113.9"},
      {"both disagree: one was let through",
       "10.0.0.1",
       {{"forwarded", "for=6.6.6.6"}, {"x-forwarded-for", "203.0.113.9"}},
       "10.0.0.1"},
  };
  for (const Case& c : cases) {
    Arena arena;
    http::Fields fields(arena);
    for (const auto& [name, value] : c.fields) fields.add(name, value);
    EXPECT_EQ(client_address(*IpAddress::parse(c.peer), trusted, fields).to_string(), c.want)
        << c.why;
  }
}

TEST(ClientAddress, NobodyIsTrustedUnlessNamed) {
  Arena arena;
  http::Fields fields(arena);
  fields.add("x-forwarded-for", "1.2.3.4");
  EXPECT_EQ(client_address(*IpAddress::parse("127.0.0.1"), {}, fields).to_string(), "127.0.0.1");
}

}  // namespace
}  // namespace portcullis::gateway
