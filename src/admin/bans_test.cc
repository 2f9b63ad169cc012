#include "admin/bans.h"

#include <gtest/gtest.h>

namespace portcullis::admin {
namespace {

const TimePoint kNow{std::chrono::seconds(1000)};
const WallTime kWall{std::chrono::seconds(1'800'000'000)};

class BansPage : public testing::Test {
 protected:
  BansPage() {
    config::Bans config;
    config.never = {*Cidr::parse("192.0.2.0/24")};
    rules_ = overload::BanRules::compile(config, {});
    source_ = {.bans = &bans_,
               .rules = [this]() -> const overload::BanRules& { return rules_; },
               .tell = [this](const overload::Ban&) { ++told_; }};
  }
  overload::Bans bans_{kNow};
  overload::BanRules rules_;
  BanSource source_;
  int told_ = 0;
};

TEST_F(BansPage, ShowsWhatWasAdded) {
  EXPECT_EQ(list_bans(source_, kNow, kWall), "{\"bans\":[]}\n");
  const auto added = add_ban(source_, R"({"address":"2001:db8::1","for":"1m"})", kNow, kWall);
  ASSERT_TRUE(added);
  EXPECT_EQ(*added,
            R"({"address":"2001:db8::/64","reason":"operator","strikes":1,"lasts_seconds":60,)"
            R"("remaining_seconds":60,"until":"2027-01-15T08:01:00.000Z"})"
            "\n");
  ASSERT_TRUE(add_ban(source_, R"({"key":"machine|nightly"})", kNow, kWall));
  EXPECT_EQ(told_, 2);
  EXPECT_TRUE(bans_.find(*IpAddress::parse("2001:db8::2"), kNow));
  EXPECT_TRUE(bans_.find_key("machine|nightly", kNow));
  const std::string list = list_bans(source_, kNow + std::chrono::seconds(30), kWall);
  EXPECT_TRUE(list.contains(R"("remaining_seconds":30)"));
  EXPECT_TRUE(list.contains(R"("key":"machine|nightly")"));
}

TEST_F(BansPage, RefusesWhatItDoesNotUnderstand) {
  struct Case {
    std::string_view why;
    std::string_view text;
    ErrorCode want;
  };
  const Case cases[] = {
      {"nothing", "", ErrorCode::kMalformedRequest},
      {"no object", "[]", ErrorCode::kMalformedRequest},
      {"nobody", R"({"for":"1h"})", ErrorCode::kMalformedRequest},
      {"two", R"({"address":"203.0.113.9","key":"a"})", ErrorCode::kMalformedRequest},
      {"no address", R"({"address":"example.com"})", ErrorCode::kMalformedRequest},
      {"a network", R"({"address":"203.0.113.0/24"})", ErrorCode::kMalformedRequest},
      {"another prefix", R"({"address":"2001:db8::/32"})", ErrorCode::kMalformedRequest},
      {"a number", R"({"address":1})", ErrorCode::kMalformedRequest},
      {"twice", R"({"key":"a","key":"b"})", ErrorCode::kMalformedRequest},
      {"something else", R"({"address":"203.0.113.9","forever":"true"})",
       ErrorCode::kMalformedRequest},
      {"no duration", R"({"address":"203.0.113.9","for":"soon"})", ErrorCode::kMalformedRequest},
      {"no time", R"({"address":"203.0.113.9","for":"0s"})", ErrorCode::kMalformedRequest},
      {"too long", R"({"address":"203.0.113.9","for":"366d"})", ErrorCode::kMalformedRequest},
      {"an empty key", R"({"key":""})", ErrorCode::kMalformedRequest},
      {"a key of more than a line", R"({"key":"a\nb"})", ErrorCode::kMalformedRequest},
      {"deep", R"({"key":{"a":{}}})", ErrorCode::kContentTooLarge},
      {"never", R"({"address":"192.0.2.1"})", ErrorCode::kForbidden},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const auto added = add_ban(source_, c.text, kNow, kWall);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, c.want) << added.error().detail;
  }
  EXPECT_EQ(bans_.in_force(), 0U);
  EXPECT_EQ(told_, 0);
}

TEST_F(BansPage, RemovesByTheNameThatTheListShows) {
  ASSERT_TRUE(add_ban(source_, R"({"address":"2001:db8::1"})", kNow, kWall));
  ASSERT_TRUE(add_ban(source_, R"({"key":"machine|a+b"})", kNow, kWall));
  for (const std::string_view bad :
       {"", "address=", "address=x", "address=2001:db8::1&address=2001:db8::1", "what=1",
        "address=2001:db8::1&key=a"}) {
    SCOPED_TRACE(bad);
    const auto removed = remove_ban(source_, bad, kNow);
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, ErrorCode::kMalformedRequest);
  }
  EXPECT_TRUE(remove_ban(source_, "address=2001%3Adb8%3A%3A%2F64", kNow));
  EXPECT_EQ(remove_ban(source_, "address=2001:db8::1", kNow).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(remove_ban(source_, "key=machine%7Ca+b", kNow));
  EXPECT_EQ(bans_.in_force(), 0U);
}

}  // namespace
}  // namespace portcullis::admin
