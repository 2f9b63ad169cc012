#include "http/activity.h"

namespace portcullis::http {

Activity* WaitingRoom::find_idlest(TimePoint now) const {
  Activity* const fresh = fresh_.first;
  Activity* const idle = idle_.first;
  if (fresh != nullptr && (idle == nullptr || now - fresh->since_ >= kPatience)) return fresh;
  return idle;
}

Activity::Activity(WaitingRoom* room, TimePoint now) : room_(room), since_(now) {
  if (room_ != nullptr) join(room_->fresh_, now);
}

void Activity::enter(Phase phase, TimePoint now) {
  phase_ = phase;
  if (room_ == nullptr || given_up_) return;
  if (!is_waiting()) {
    leave();
  } else if (phase == Phase::kIdle) {
    leave();
    join(room_->idle_, now);
  }
}

void Activity::join(WaitingRoom::Line& line, TimePoint now) {
  since_ = now;
  line_ = &line;
  before_ = line.last;
  behind_ = nullptr;
  (before_ != nullptr ? before_->behind_ : line.first) = this;
  line.last = this;
  ++room_->size_;
}

void Activity::leave() {
  if (line_ == nullptr) return;
  (before_ != nullptr ? before_->behind_ : line_->first) = behind_;
  (behind_ != nullptr ? behind_->before_ : line_->last) = before_;
  line_ = nullptr;
  --room_->size_;
}

}  // namespace portcullis::http
