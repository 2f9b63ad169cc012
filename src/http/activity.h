// What a connection is doing, and the order in which those that wait began to: for who wants some
// of them to end.
#pragma once

#include "base/clock.h"

#include <cstddef>
#include <cstdint>

namespace portcullis::http {

enum class Phase : std::uint8_t {
  kFresh,        // its first request has not begun: a handshake, or nothing
  kHead,         // the head of a request has begun, and is not complete
  kIdle,         // between requests
  kBusy,         // a request is under way
  kMultiplexed,  // the same over HTTP/2, where a cancelled read makes the connection look whether
                 // it is to end
};

class Activity;

// The connections of one listener, on one worker, on which no request is under way. Two lines:
// those that have never sent a whole head, and those that stand between two requests.
class WaitingRoom {
 public:
  // What has never sent a request and has had this long for it goes before those that have.
  static constexpr std::chrono::seconds kPatience{1};

  WaitingRoom() = default;
  WaitingRoom(const WaitingRoom&) = delete;
  WaitingRoom& operator=(const WaitingRoom&) = delete;

  // Whose place another may have: the longest without a first request, if that has been
  // kPatience; else the longest between requests; else the first again. Null: a request is under
  // way on each. Who flooded the line with connections that say nothing loses those first, and
  // whoever has only just come is not driven out by the next that comes.
  [[nodiscard]] Activity* find_idlest(TimePoint now) const;
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class Activity;
  struct Line {
    Activity* first = nullptr;
    Activity* last = nullptr;
  };
  Line fresh_;
  Line idle_;
  std::size_t size_ = 0;
};

// One connection's; begins in kFresh. A request costs one entry into a line and one exit.
class Activity {
 public:
  // `room` outlives it; null: nobody will look.
  Activity(WaitingRoom* room, TimePoint now);
  ~Activity() { leave(); }
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] bool is_waiting() const {
    return phase_ != Phase::kBusy && phase_ != Phase::kMultiplexed;
  }
  // A request of HTTP/1.1 is under way, or its head has begun: the connection must not be
  // disturbed.
  [[nodiscard]] bool is_answering() const {
    return phase_ == Phase::kHead || phase_ == Phase::kBusy;
  }
  // Since when it waits, while it does: the head of a request does not count as an end of that.
  [[nodiscard]] TimePoint since() const { return since_; }
  void enter(Phase phase, TimePoint now);

  // Its place is another's now: it leaves its line, and its connection must end. A request that
  // arrives at the same moment is still answered, and is the last.
  void give_up() {
    leave();
    given_up_ = true;
  }
  [[nodiscard]] bool given_up() const { return given_up_; }

 private:
  friend class WaitingRoom;
  void join(WaitingRoom::Line& line, TimePoint now);
  void leave();

  WaitingRoom* room_;
  WaitingRoom::Line* line_ = nullptr;  // null: in none
  Activity* before_ = nullptr;
  Activity* behind_ = nullptr;
  TimePoint since_;
  Phase phase_ = Phase::kFresh;
  bool given_up_ = false;
};

}  // namespace portcullis::http
