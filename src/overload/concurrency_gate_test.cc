#include "overload/concurrency_gate.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

namespace portcullis::overload {
namespace {

TEST(ConcurrencyGate, LetsInAsManyAsItSays) {
  ConcurrencyGates gates;
  const ConcurrencyGate gate("apis.shop.concurrency", 2, gates.find("apis.shop.concurrency"));
  std::optional<Inside> one(std::in_place);
  Inside two;
  EXPECT_TRUE(one->enter(gate));
  EXPECT_TRUE(two.enter(gate));
  Inside three;
  const Result<void> refused = three.enter(gate);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(refused.error().rule, "apis.shop.concurrency");
  EXPECT_EQ(gate.inside(), 2U);
  one.reset();
  EXPECT_TRUE(three.enter(gate));
}

TEST(ConcurrencyGate, IsLeftOnEachWayOut) {
  ConcurrencyGates gates;
  const ConcurrencyGate wide("a", 10, gates.find("a"));
  const ConcurrencyGate narrow("b", 0, gates.find("b"));
  {
    Inside inside;
    EXPECT_TRUE(inside.enter(wide));
    EXPECT_FALSE(inside.enter(narrow)) << "the second refuses";
    EXPECT_EQ(wide.inside(), 1U);
  }
  EXPECT_EQ(wide.inside(), 0U);
  EXPECT_EQ(narrow.inside(), 0U);
}

TEST(ConcurrencyGates, KeepTheCountThroughAReload) {
  ConcurrencyGates gates;
  std::optional<ConcurrencyGate> before(std::in_place, "apis.a.concurrency", 5,
                                        gates.find("apis.a.concurrency"));
  Inside inside;
  ASSERT_TRUE(inside.enter(*before));
  const ConcurrencyGate after("apis.a.concurrency", 1, gates.find("apis.a.concurrency"));
  EXPECT_EQ(after.inside(), 1U);
  Inside other;
  EXPECT_FALSE(other.enter(after));
  const ConcurrencyGate another("apis.b.concurrency", 1, gates.find("apis.b.concurrency"));
  EXPECT_EQ(another.inside(), 0U);
}

TEST(ConcurrencyGate, IsExactOverThreads) {
  ConcurrencyGates gates;
  const ConcurrencyGate gate("a", 3, gates.find("a"));
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        Inside one;
        if (!one.enter(gate)) continue;
        const int now = ++inside;
        int seen = most.load();
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), 3);
  EXPECT_EQ(gate.inside(), 0U);
}

}  // namespace
}  // namespace portcullis::overload
