#include "authn/key_refresher.h"

#include <gtest/gtest.h>

#include <thread>

namespace portcullis::authn {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<KeySource> new_source() {
  return std::make_shared<KeySource>(KeySourceSettings{"https://issuer.example/jwks", 600s, 3600s},
                                     1);
}

Task<void> wait_for_keys(LoopKeyRefresher& refresher, std::shared_ptr<KeySource> source,
                         TimePoint deadline, int& ended, int stop_at, Loop& loop) {
  co_await refresher.refresh(std::move(source), deadline);
  if (++ended == stop_at) loop.stop();
}

TEST(LoopKeyRefresher, EndsAllWaitersWithOneFetchOfAnotherThread) {
  Loop loop;
  const auto source = new_source();
  int begun = 0;
  LoopKeyRefresher refresher(loop, [&](const std::shared_ptr<KeySource>& asked) {
    begun += asked->begin_requested_fetch() ? 1 : 0;
  });
  TaskGroup tasks;
  int ended = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(source->may_fetch_for_unknown_kid(loop.now()));
    tasks.spawn(wait_for_keys(refresher, source, loop.now() + 60s, ended, 5, loop));
  }
  EXPECT_EQ(begun, 1);
  EXPECT_EQ(ended, 0);
  std::thread control([source] { source->fetch_failed("unreachable", TimePoint()); });
  loop.run();
  control.join();
  EXPECT_EQ(ended, 5);
  EXPECT_EQ(tasks.running(), 0U);
}

TEST(LoopKeyRefresher, DoesNotWaitForAFetchThatHasEnded) {
  Loop loop;
  const auto source = new_source();
  LoopKeyRefresher refresher(loop, [](const std::shared_ptr<KeySource>&) { FAIL(); });
  TaskGroup tasks;
  int ended = 0;
  tasks.spawn(wait_for_keys(refresher, source, loop.now() + 60s, ended, 1, loop));
  EXPECT_EQ(ended, 1);
}

TEST(LoopKeyRefresher, GivesUpAtTheDeadlineAndIsNotToldLater) {
  Loop loop;
  const auto source = new_source();
  LoopKeyRefresher refresher(loop, [](const std::shared_ptr<KeySource>&) {});
  TaskGroup tasks;
  int ended = 0;
  ASSERT_TRUE(source->may_fetch_for_unknown_kid(loop.now()));
  tasks.spawn(wait_for_keys(refresher, source, loop.now() + 10ms, ended, 1, loop));
  loop.run();
  EXPECT_EQ(ended, 1);
  ASSERT_TRUE(source->begin_fetch());
  source->fetch_failed("late", loop.now());  // must not reach the loop
  EXPECT_EQ(ended, 1);
}

}  // namespace
}  // namespace portcullis::authn
