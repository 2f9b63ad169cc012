#include "runtime/gate.h"

#include "runtime/task.h"
#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <string>

namespace portcullis::runtime {
namespace {

using std::chrono::milliseconds;
using testing::Runner;

Task<void> open_later(Loop& loop, Gate& gate) {
  co_await loop.yield();
  gate.open();
}

Task<void> wait_at(Loop& loop) {
  Gate gate(loop);
  EXPECT_FALSE(co_await gate.wait(loop.now() + milliseconds(5))) << "nobody opens it";
  TaskGroup others;
  others.spawn(open_later(loop, gate));
  EXPECT_TRUE(co_await gate.wait(kNoDeadline));
  co_await others.join();
  gate.open();
  gate.open();
  EXPECT_TRUE(co_await gate.wait(kNoDeadline)) << "was opened before";
  EXPECT_FALSE(co_await gate.wait(loop.now() + milliseconds(5))) << "closed behind the last";
  EXPECT_FALSE(co_await gate.wait(loop.now() - milliseconds(5))) << "a deadline that has passed";
}

TEST(Gate, LetsOneThroughEachTimeItIsOpened) {
  Runner runner;
  runner.run(wait_at(runner.loop));
}

struct AtEndOfTurn {
  Loop& loop;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) { loop.ready_at_end_of_turn(handle); }
  void await_resume() const noexcept {}
};

Task<void> note(Loop& loop, std::string& order, char what, bool at_end) {
  if (at_end) co_await AtEndOfTurn{loop};
  order += what;
}

Task<void> run_turn(Loop& loop) {
  std::string order;
  TaskGroup group;
  group.spawn(note(loop, order, 'c', true));
  group.spawn(note(loop, order, 'a', false));
  co_await group.join();
  EXPECT_EQ(order, "ac");
}

TEST(Loop, ResumesAtTheEndOfTheTurn) {
  Runner runner;
  runner.run(run_turn(runner.loop));
}

}  // namespace
}  // namespace portcullis::runtime
