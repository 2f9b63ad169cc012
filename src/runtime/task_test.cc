#include "runtime/task.h"

#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace portcullis {
namespace {

using runtime::testing::Runner;

Task<int> depth(int left) {
  if (left == 0) co_return 0;
  const int below = co_await depth(left - 1);
  co_return below + 1;
}

Task<void> go_deep(int& reached) {
  for (int i = 0; i < 100; ++i) reached = co_await depth(200);
}

TEST(Task, AwaitsWhatAwaits) {
  Runner runner;
  int reached = 0;
  runner.run(go_deep(reached));
  EXPECT_EQ(reached, 200);
}

Task<std::unique_ptr<std::string>> make_text() { co_return std::make_unique<std::string>("text"); }

Task<void> take_text(std::string& into) {
  const std::unique_ptr<std::string> text = co_await make_text();
  into = *text;
}

TEST(Task, HandsOnWhatCanOnlyBeMoved) {
  Runner runner;
  std::string text;
  runner.run(take_text(text));
  EXPECT_EQ(text, "text");
}

Task<void> note(bool& ran) {
  ran = true;
  co_return;
}

TEST(Task, DoesNotBeginBeforeItIsAwaited) {
  bool ran = false;
  {
    const Task<void> task = note(ran);
  }
  EXPECT_FALSE(ran);
}

Task<void> step(Loop& loop, std::vector<int>& order, int who) {
  for (int i = 0; i < 3; ++i) {
    order.push_back(who);
    co_await loop.yield();
  }
}

Task<void> two_beside(Loop& loop, std::vector<int>& order) {
  TaskGroup group;
  group.spawn(step(loop, order, 1));
  group.spawn(step(loop, order, 2));
  EXPECT_EQ(group.running(), 2U);
  co_await group.join();
  EXPECT_EQ(group.running(), 0U);
  order.push_back(0);
  co_await group.join();  // of nothing: at once
}

TEST(TaskGroup, RunsTasksTurnByTurnAndIsJoinedAtTheLast) {
  Runner runner;
  std::vector<int> order;
  runner.run(two_beside(runner.loop, order));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 1, 2, 1, 2, 0}));
}

Task<void> sleep_in_order(Loop& loop, std::vector<int>& order, int milliseconds) {
  co_await loop.sleep_until(loop.now() + std::chrono::milliseconds(milliseconds));
  order.push_back(milliseconds);
}

Task<void> sleep_beside(Loop& loop, std::vector<int>& order) {
  TaskGroup group;
  for (const int milliseconds : {60, 5, 30, 0}) {
    group.spawn(sleep_in_order(loop, order, milliseconds));
  }
  co_await group.join();
}

TEST(Loop, WakesSleepersInTheOrderOfTheirTimes) {
  Runner runner;
  std::vector<int> order;
  runner.run(sleep_beside(runner.loop, order));
  EXPECT_EQ(order, (std::vector<int>{0, 5, 30, 60}));
}

}  // namespace
}  // namespace portcullis
