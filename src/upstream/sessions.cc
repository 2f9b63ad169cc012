#include "upstream/sessions.h"

#include "upstream/target.h"

#include <algorithm>
#include <utility>

namespace portcullis::upstream {

using http2::ClientSession;
using http2::ClientStream;

Sessions::~Sessions() {
  for (const auto& session : std::exchange(sessions_, {})) {
    session->watch(nullptr);
    session->retire();
  }
}

std::unique_ptr<ClientStream> Sessions::open(bool& reused) {
  for (const auto& session : sessions_) {
    if (!session->has_room()) continue;
    reused = session->has_carried_any();
    return ClientSession::open(session);
  }
  return nullptr;
}

std::size_t Sessions::room() const {
  std::size_t sum = 0;
  for (const auto& session : sessions_) sum += session->room();
  return sum;
}

bool Sessions::may_join() const { return joiners_.size() + dialling_ < dialling_ * expected_; }

bool Sessions::may_connect(std::uint32_t maximum) const {
  return may_join() || sessions_.size() + dialling_ < maximum;
}

Task<Result<void>> Sessions::connect(TimePoint deadline, bool& dialled) {
  dialled = !may_join();
  if (!dialled) {
    Joiner joiner(loop_);
    joiners_.push_back(&joiner);
    // Who dials has a deadline of its own, and says how it ended.
    while (!joiner.over) (void)co_await joiner.done.wait(kNoDeadline);
    co_return joiner.outcome;
  }
  ++dialling_;
  Result<std::shared_ptr<ClientSession>> made = co_await dialer_.open_session(deadline, tasks_);
  --dialling_;
  Result<void> outcome;
  if (made) {
    expected_ = (*made)->room();
    (*made)->watch(this);
    sessions_.push_back(*std::move(made));
  } else {
    outcome = std::unexpected(std::move(made).error());
  }
  if (dialling_ == 0 || outcome) {
    for (Joiner* joiner : std::exchange(joiners_, {})) {
      joiner->over = true;
      joiner->outcome = outcome;
      joiner->done.open();
    }
  }
  co_return outcome;
}

void Sessions::retire() {
  for (const auto& session : sessions_) session->retire();
}

void Sessions::close_idle(TimePoint now, Duration idle_timeout) {
  for (const auto& session : sessions_) {
    if (session->streams() == 0 && now - session->idle_since() >= idle_timeout) session->retire();
  }
}

void Sessions::leave_addresses() {
  for (const auto& session : sessions_) {
    if (!dialer_.leads_to(session->stream().peer().address)) session->retire();
  }
}

void Sessions::on_change(ClientSession& session) {
  if (!session.is_open() && session.streams() == 0) {
    session.watch(nullptr);
    std::erase_if(sessions_, [&](const auto& one) { return one.get() == &session; });
  }
  target_.room_changed();
}

}  // namespace portcullis::upstream
