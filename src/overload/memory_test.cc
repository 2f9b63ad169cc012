#include "overload/memory.h"

#include <gtest/gtest.h>

namespace portcullis::overload {
namespace {

using config::Priority;

TEST(Strain, GrowsAsTheCeilingComesNearer) {
  struct Case {
    std::string_view why;
    std::uint64_t used;
    std::uint64_t ceiling;
    Strain want;
  };
  const Case cases[] = {
      {"nothing used", 0, 1000, Strain::kNone},
      {"below the first step", 799, 1000, Strain::kNone},
      {"at the first step", 800, 1000, Strain::kConnections},
      {"at the second", 850, 1000, Strain::kLowRequests},
      {"at the third", 900, 1000, Strain::kNormalRequests},
      {"at the fourth", 950, 1000, Strain::kHighRequests},
      {"at the ceiling", 1000, 1000, Strain::kCriticalRequests},
      {"far beyond it", ~std::uint64_t{0}, 1000, Strain::kCriticalRequests},
      {"a ceiling below a hundred bytes", 50, 10, Strain::kCriticalRequests},
      {"before the first configuration", 1000, 0, Strain::kNone},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(strain_of(c.used, c.ceiling), c.want);
  }
}

TEST(Memory, RefusesConnectionsFirstAndCriticalRequestsLast) {
  Memory memory;
  memory.use_ceiling(1000);
  const auto refused = [&] {
    int count = memory.admits_connections() ? 0 : 1;
    for (const Priority each :
         {Priority::kLow, Priority::kNormal, Priority::kHigh, Priority::kCritical})
      count += memory.admits(each) ? 0 : 1;
    return count;
  };
  int want = 0;
  for (const std::uint64_t used : {0U, 800U, 850U, 900U, 950U, 1000U}) {
    EXPECT_EQ(memory.look(used), used != 0);
    EXPECT_EQ(refused(), want++) << used;
  }
  EXPECT_FALSE(memory.admits(Priority::kCritical));
  EXPECT_TRUE(memory.look(0));
  EXPECT_FALSE(memory.look(0)) << "nothing has changed";
  EXPECT_EQ(refused(), 0);
}

TEST(Memory, BelievesTheLargerOfWhatIsCountedAndWhatTheSystemSays) {
  Memory memory;
  memory.use_ceiling(100'000);
  const auto one = memory.open_share();
  const auto two = memory.open_share();
  one->buffers = 50'000;
  two->tls = 40'000;
  two->connections = 6'000;
  memory.look(10);
  EXPECT_EQ(memory.strain(), Strain::kHighRequests);
  EXPECT_EQ(memory.counted(nullptr), 96'000U);
  EXPECT_EQ(memory.counted(&MemoryShare::tls), 40'000U);
  one->buffers = 0;
  memory.look(81'000);
  EXPECT_EQ(memory.strain(), Strain::kConnections);
}

TEST(Memory, HasACeilingWithoutBeingToldOne) {
  Memory memory;
  memory.use_ceiling(0);
  EXPECT_GT(memory.ceiling(), std::uint64_t{64} << 20U);
  EXPECT_LT(memory.ceiling(), available_memory());
  ASSERT_TRUE(resident_memory());
  EXPECT_GT(*resident_memory(), 4096U);
}

TEST(CgroupLimit, IsANumberOrNone) {
  struct Case {
    std::string_view why;
    std::string_view text;
    std::optional<std::uint64_t> want;
  };
  const Case cases[] = {
      {"a limit", "1073741824\n", 1073741824},
      {"without the end of its line", "4096", 4096},
      {"none, of cgroup 2", "max\n", std::nullopt},
      {"no file", "", std::nullopt},
      {"nothing at all", "0\n", std::nullopt},
      {"negative, as cgroup 1 may say", "-1\n", std::nullopt},
      {"beyond 2^64", "99999999999999999999\n", std::nullopt},
      {"something behind it", "4096x\n", std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(parse_cgroup_limit(c.text), c.want);
  }
}

TEST(Statm, GivesWhatIsTheProcesssOwn) {
  EXPECT_EQ(parse_statm("5000 300 100 50 0 400 0\n", 4096), 200U * 4096);
  for (const std::string_view bad : {"", "5000", "5000 300", "5000 x 100", "5000 100 300 1"}) {
    SCOPED_TRACE(bad);
    EXPECT_EQ(parse_statm(bad, 4096), std::nullopt);
  }
}

}  // namespace
}  // namespace portcullis::overload
