#include "http/activity.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

namespace portcullis::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kStart{seconds(1000)};

TEST(WaitingRoom, HasNobodyToOfferWhileRequestsAreUnderWay) {
  WaitingRoom room;
  EXPECT_EQ(room.find_idlest(kStart), nullptr);
  Activity one(&room, kStart);
  Activity two(&room, kStart);
  one.enter(Phase::kBusy, kStart);
  two.enter(Phase::kHead, kStart);
  two.enter(Phase::kBusy, kStart);
  EXPECT_EQ(room.find_idlest(kStart + seconds(60)), nullptr);
  EXPECT_EQ(room.size(), 0U);
}

TEST(WaitingRoom, OffersTheLongestIdle) {
  WaitingRoom room;
  std::vector<std::unique_ptr<Activity>> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(std::make_unique<Activity>(&room, kStart));
    all.back()->enter(Phase::kBusy, kStart);
  }
  for (const int i : {2, 0, 3, 1}) all[i]->enter(Phase::kIdle, kStart + milliseconds(10 * (4 - i)));
  EXPECT_EQ(room.find_idlest(kStart + seconds(1)), all[2].get());
  all[2]->enter(Phase::kBusy, kStart + seconds(1));
  EXPECT_EQ(room.find_idlest(kStart + seconds(1)), all[0].get());
  all[2]->enter(Phase::kIdle, kStart + seconds(2));
  all[0].reset();
  all[3].reset();
  EXPECT_EQ(room.find_idlest(kStart + seconds(2)), all[1].get());
  all[1].reset();
  EXPECT_EQ(room.find_idlest(kStart + seconds(2)), all[2].get());
}

TEST(WaitingRoom, TakesWhoNeverSentARequestFirstOnceItHadTheTime) {
  WaitingRoom room;
  Activity kept(&room, kStart);
  kept.enter(Phase::kBusy, kStart);
  kept.enter(Phase::kIdle, kStart);
  Activity silent(&room, kStart + seconds(30));
  EXPECT_EQ(room.find_idlest(kStart + seconds(30)), &kept) << "it may be sending its first head";
  EXPECT_EQ(room.find_idlest(kStart + seconds(30) + WaitingRoom::kPatience), &silent);
  kept.enter(Phase::kBusy, kStart + seconds(30));
  EXPECT_EQ(room.find_idlest(kStart + seconds(30)), &silent) << "there is nobody else";
}

TEST(WaitingRoom, AHeadThatHasBegunKeepsItsPlaceInTheLine) {
  WaitingRoom room;
  Activity slow(&room, kStart);
  Activity later(&room, kStart + seconds(1));
  slow.enter(Phase::kHead, kStart + seconds(5));
  EXPECT_EQ(slow.since(), kStart);
  EXPECT_EQ(room.find_idlest(kStart + seconds(6)), &slow);
  EXPECT_TRUE(slow.is_waiting());
}

TEST(Activity, ThatGaveUpItsPlaceTakesNoOtherInTheLine) {
  WaitingRoom room;
  Activity one(&room, kStart);
  one.give_up();
  EXPECT_TRUE(one.given_up());
  EXPECT_EQ(room.find_idlest(kStart + seconds(60)), nullptr);
  one.enter(Phase::kBusy, kStart);
  one.enter(Phase::kIdle, kStart);
  EXPECT_EQ(room.find_idlest(kStart + seconds(60)), nullptr);
}

TEST(Activity, WorksWhereNobodyLooks) {
  Activity alone(nullptr, kStart);
  alone.enter(Phase::kBusy, kStart);
  alone.enter(Phase::kIdle, kStart);
  EXPECT_EQ(alone.phase(), Phase::kIdle);
}

}  // namespace
}  // namespace portcullis::http
