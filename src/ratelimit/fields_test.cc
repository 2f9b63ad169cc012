#include "ratelimit/fields.h"

#include "ratelimit/limiter.h"

#include <gtest/gtest.h>

#include <array>

namespace portcullis::ratelimit {
namespace {

using namespace std::chrono_literals;

TEST(QuoteFieldString, MakesAStructuredFieldString) {
  struct Case {
    std::string_view why;
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {
      {"plain", "flood", R"("flood")"},
      {"empty", "", R"("")"},
      {"quote and backslash", R"(a"b\c)", R"("a\"b\\c")"},
      {"a newline must not make a field", "a\r\nb", R"("a__b")"},
      {"not ASCII", "caf\xc3\xa9", R"("caf__")"},
      {"delete", "\x7f", R"("_")"},
  };
  for (const Case& c : cases) EXPECT_EQ(quote_field_string(c.text), c.want) << c.why;
}

TEST(PolicyItem, IsTheBurstAndTheSecondsThatFillIt) {
  struct Case {
    std::string_view why;
    config::Rate rate;
    std::uint64_t burst;
    std::string_view want;
  };
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  const Case cases[] = {
      {"as written", {5, 60'000ms}, 5, R"("a";q=5;w=60)"},
      {"a larger burst", {200, 1000ms}, 400, R"("a";q=400;w=2)"},
      {"thirds of a second make a whole one", {3, 1000ms}, 3, R"("a";q=3;w=1)"},
      {"rounded up", {3, 1000ms}, 4, R"("a";q=4;w=2)"},
      {"fills in less than a second", {200, 1000ms}, 1, R"("a";q=200;w=1)"},
      {"a day", {1, 86'400'000ms}, 1, R"("a";q=1;w=86400)"},
      {"cut to what an Integer holds",
       {1, 60'000ms},
       kMost,
       R"("a";q=999999999999999;w=999999999999999)"},
  };
  for (const Case& c : cases) EXPECT_EQ(policy_item("\"a\"", c.rate, c.burst), c.want) << c.why;
}

class Values : public testing::Test {
 protected:
  Values() {
    config::Config config;
    config::Limit limit;
    limit.name = "flood";
    limit.key = {{"client.address", {}}};
    limit.rate = {6, 60'000ms};
    limit.burst = 2;
    config.limits = {limit};
    config::Diagnostics diagnostics;
    const std::vector<config::Text> names = {{"flood", {}}};
    limiter_ = Limits::compile(config, table_, diagnostics).select(names, {}, diagnostics);
  }
  Verdict take(Duration at) const {
    Attributes caller;
    caller.address = IpAddress::v4(1);
    return limiter_.admit_unidentified(caller, TimePoint{} + at);
  }
  std::array<char, 128> buffer_{};

 private:
  Table table_{TimePoint{}, 16};
  Limiter limiter_;
};

TEST_F(Values, TellWhereTheCallerStands) {
  const Verdict first = take(0s);
  EXPECT_EQ(policy_value(first), R"("flood";q=2;w=20)");
  EXPECT_EQ(rate_limit_value(first, buffer_), R"("flood";r=1;t=10)");
  EXPECT_EQ(retry_after_value(first, buffer_), "");
  EXPECT_EQ(rate_limit_value(take(0s), buffer_), R"("flood";r=0;t=10)");
  const Verdict refused = take(1ms);
  EXPECT_EQ(rate_limit_value(refused, buffer_), R"("flood";r=0;t=10)");
  EXPECT_EQ(retry_after_value(refused, buffer_), "10");
  EXPECT_EQ(retry_after_value(take(9999ms), buffer_), "1") << "a millisecond is a second";
  EXPECT_TRUE(take(10s).allowed) << "and waiting so long is enough";
}

TEST_F(Values, AreEmptyWithoutALimitOrWithoutRoom) {
  EXPECT_EQ(policy_value(Verdict{}), "");
  EXPECT_EQ(rate_limit_value(Verdict{}, buffer_), "");
  const Verdict first = take(0s);
  EXPECT_EQ(rate_limit_value(first, std::span(buffer_).first(kFieldRoom)), "");
  EXPECT_EQ(rate_limit_value(first, std::span(buffer_).first(kFieldRoom + 7)),
            R"("flood";r=1;t=10)");
}

}  // namespace
}  // namespace portcullis::ratelimit
