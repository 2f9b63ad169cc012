#include "overload/bans.h"

#include <gtest/gtest.h>

#include <thread>

namespace portcullis::overload {
namespace {

using http::Offence;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const TimePoint kStart{seconds(1000)};

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

BanRules rules_of(std::uint64_t count = 3) {
  config::Bans config;
  config.counters.malformed = config::Rate{count, minutes(1)};
  config.counters.rate_limited = config::Rate{count, minutes(1)};
  config.first = minutes(1);
  config.maximum = minutes(10);
  config.forgiven_after = hours(1);
  config.never = {*Cidr::parse("192.0.2.0/24")};
  const Cidr trusted[] = {*Cidr::parse("10.0.0.0/8")};
  return BanRules::compile(config, trusted);
}

// Offends until that begins a ban, or a thousand times.
std::optional<Ban> offend(Bans& bans, const IpAddress& address, const BanRules& rules,
                          TimePoint now, Offence offence = Offence::kMalformed) {
  for (int i = 0; i < 1000; ++i) {
    if (auto ban = bans.note(address, offence, rules, now)) return ban;
  }
  return std::nullopt;
}

TEST(Bans, BeginWithOneOffenceTooMany) {
  Bans bans(kStart);
  const BanRules rules = rules_of(3);
  const IpAddress bad = ip("203.0.113.9");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(bans.note(bad, Offence::kMalformed, rules, kStart));
  EXPECT_FALSE(bans.find(bad, kStart));
  const auto ban = bans.note(bad, Offence::kMalformed, rules, kStart);
  ASSERT_TRUE(ban);
  EXPECT_EQ(ban->whom.text(), "203.0.113.9");
  EXPECT_EQ(ban->reason, "malformed");
  EXPECT_EQ(ban->strikes, 1U);
  EXPECT_EQ(bans.find(bad, kStart), kStart + minutes(1));
  EXPECT_FALSE(bans.find(ip("203.0.113.8"), kStart));
  EXPECT_FALSE(bans.find(bad, kStart + minutes(1)));
  EXPECT_EQ(bans.in_force(), 1U);
  bans.tidy(kStart + minutes(1));
  EXPECT_EQ(bans.in_force(), 0U);
}

TEST(Bans, WhoIsLetInAgainMayOffendAsOftenAsAnyone) {
  Bans bans(kStart);
  const BanRules rules = rules_of(3);
  const IpAddress bad = ip("203.0.113.9");
  ASSERT_TRUE(offend(bans, bad, rules, kStart));
  ASSERT_TRUE(bans.remove(Culprit::address(bad), kStart));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(bans.note(bad, Offence::kMalformed, rules, kStart));
  const auto again = bans.note(bad, Offence::kMalformed, rules, kStart);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->strikes, 1U);
}

TEST(Bans, WhoStaysWithinTheRateIsNotBanned) {
  Bans bans(kStart);
  const BanRules rules = rules_of(3);
  for (int i = 0; i < 500; ++i)
    EXPECT_FALSE(
        bans.note(ip("203.0.113.9"), Offence::kMalformed, rules, kStart + i * seconds(21)));
}

TEST(Bans, KindsAreCountedApartAndOnlyThoseThatAreConfigured) {
  Bans bans(kStart);
  const BanRules rules = rules_of(3);
  const IpAddress one = ip("203.0.113.9");
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(bans.note(one, Offence::kMalformed, rules, kStart));
    EXPECT_FALSE(bans.note(one, Offence::kRateLimited, rules, kStart));
  }
  EXPECT_FALSE(offend(bans, one, rules, kStart, Offence::kHandshake));
  EXPECT_FALSE(bans.find(one, kStart));
}

TEST(Bans, GrowByDoublingToTheMaximumAndAreForgiven) {
  Bans bans(kStart);
  const BanRules rules = rules_of(1);
  const IpAddress bad = ip("203.0.113.9");
  TimePoint now = kStart;
  for (const int lasts : {1, 2, 4, 8, 10, 10}) {
    const auto ban = offend(bans, bad, rules, now);
    ASSERT_TRUE(ban);
    EXPECT_EQ(ban->lasts, minutes(lasts));
    now = ban->until + minutes(5);
    bans.tidy(now);
  }
  now += hours(1);
  bans.tidy(now);
  const auto again = offend(bans, bad, rules, now);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->lasts, minutes(1)) << "quiet for an hour";
}

TEST(Bans, AnAddressOfVersion6IsItsSubscribers) {
  Bans bans(kStart);
  const auto ban = offend(bans, ip("2001:db8:1:2:3::4"), rules_of(), kStart);
  ASSERT_TRUE(ban);
  EXPECT_EQ(ban->whom.text(), "2001:db8:1:2::/64");
  EXPECT_TRUE(bans.find(ip("2001:db8:1:2:ffff::1"), kStart));
  EXPECT_FALSE(bans.find(ip("2001:db8:1:3::4"), kStart));
}

TEST(Bans, SomeAreNeverBanned) {
  Bans bans(kStart);
  const BanRules rules = rules_of();
  for (const std::string_view spared : {"192.0.2.77", "10.1.2.3"}) {
    SCOPED_TRACE(spared);
    EXPECT_FALSE(offend(bans, ip(spared), rules, kStart));
    EXPECT_FALSE(bans.add(Culprit::address(ip(spared)), hours(1), rules, kStart));
    EXPECT_FALSE(bans.find(ip(spared), kStart));
  }
}

TEST(Bans, KeysAreBannedByName) {
  Bans bans(kStart);
  const BanRules rules = rules_of(2);
  std::optional<Ban> ban;
  for (int i = 0; i < 3; ++i)
    ban = bans.note_key("machine|nightly", Offence::kRateLimited, rules, kStart);
  ASSERT_TRUE(ban);
  EXPECT_TRUE(ban->whom.is_key());
  EXPECT_TRUE(bans.find_key("machine|nightly", kStart));
  EXPECT_FALSE(bans.find_key("machine|weekly", kStart));
  // A name of sixteen characters is no address with those bytes.
  const IpAddress address = ip("203.0.113.9");
  EXPECT_TRUE(bans.add(Culprit::address(address), hours(1), rules, kStart));
  EXPECT_FALSE(bans.find_key(address.view(), kStart));
}

TEST(Bans, AreAddedAndRemovedByHand) {
  Bans bans(kStart);
  const BanRules rules = rules_of();
  const Culprit whom = Culprit::address(ip("203.0.113.9"));
  ASSERT_TRUE(bans.add(whom, hours(2), rules, kStart));
  ASSERT_TRUE(bans.add(whom, hours(1), rules, kStart)) << "in place of the other";
  EXPECT_EQ(bans.in_force(), 1U);
  ASSERT_EQ(bans.list(kStart).size(), 1U);
  EXPECT_EQ(bans.list(kStart)[0].reason, "operator");
  EXPECT_EQ(bans.list(kStart)[0].until, kStart + hours(1));
  EXPECT_TRUE(bans.remove(whom, kStart));
  EXPECT_FALSE(bans.remove(whom, kStart));
  EXPECT_FALSE(bans.find(ip("203.0.113.9"), kStart));
  EXPECT_TRUE(bans.list(kStart).empty());
  EXPECT_EQ(bans.in_force(), 0U);
}

TEST(Bans, AFloodOfOffendersDrivesOutNobody) {
  Bans bans(kStart, 64);
  const BanRules rules = rules_of(1);
  const IpAddress first = ip("203.0.113.9");
  ASSERT_TRUE(offend(bans, first, rules, kStart));
  std::uint64_t begun = 0;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    for (int k = 0; k < 2; ++k)
      begun += bans.note(IpAddress::v4(0x08000000 + i), Offence::kMalformed, rules, kStart) ? 1 : 0;
  }
  EXPECT_TRUE(bans.find(first, kStart));
  EXPECT_LT(begun, 64U);
  EXPECT_GT(bans.overflowed(), 0U);
  EXPECT_EQ(bans.in_force(), begun + 1);
  // Once they have ended there is room again.
  EXPECT_TRUE(offend(bans, ip("198.51.100.1"), rules, kStart + minutes(2)));
}

TEST(Bans, AreAskedByManyThreadsWhileTheyChange) {
  Bans bans(kStart, 16);
  const BanRules rules = rules_of(1);
  const IpAddress innocent = ip("198.51.100.1");
  std::atomic<bool> done{false};
  std::thread asking([&] {
    while (!done.load()) EXPECT_FALSE(bans.find(innocent, kStart));
  });
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const Culprit whom = Culprit::address(IpAddress::v4(0x08000000 + i));
    static_cast<void>(bans.add(whom, hours(1), rules, kStart));
    bans.remove(whom, kStart);
  }
  done = true;
  asking.join();
  EXPECT_EQ(bans.in_force(), 0U);
}

}  // namespace
}  // namespace portcullis::overload
