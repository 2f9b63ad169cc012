// The HTTP/2 connections to one target, as one worker has them: each carries many requests.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "http2/client_session.h"
#include "http2/client_stream.h"
#include "runtime/gate.h"
#include "runtime/task.h"
#include "upstream/dialer.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace portcullis::upstream {

class Target;

class Sessions final : public http2::ClientSession::Watcher {
 public:
  // The sessions' tasks live in `tasks`, beyond this if need be.
  Sessions(Loop& loop, Dialer& dialer, Target& target, TaskGroup& tasks)
      : loop_(loop), dialer_(dialer), target_(target), tasks_(tasks) {}
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // A stream on a connection that has room, the fullest first, so that those beyond fall idle.
  // Null: none has.
  [[nodiscard]] std::unique_ptr<http2::ClientStream> open(bool& reused);
  [[nodiscard]] bool empty() const { return sessions_.empty(); }
  // Streams that open() would give now.
  [[nodiscard]] std::size_t room() const;
  // connect() would not go beyond `maximum` connections.
  [[nodiscard]] bool may_connect(std::uint32_t maximum) const;
  // Makes a connection, or waits for one that is being made and will have room for this one too.
  // Errors: those of the dialer, kUpstreamBroken.
  Task<Result<void>> connect(TimePoint deadline, bool& dialled);

  // Every connection: no more requests.
  void retire();
  void close_idle(TimePoint now, Duration idle_timeout);
  // Those that lead where the name leads no more.
  void leave_addresses();

 private:
  void on_change(http2::ClientSession& session) override;
  [[nodiscard]] bool may_join() const;

  // Requests that wait for one connection.
  struct Joiner {
    explicit Joiner(Loop& loop) : done(loop) {}
    runtime::Gate done;
    bool over = false;
    Result<void> outcome;
  };

  Loop& loop_;
  Dialer& dialer_;
  Target& target_;
  TaskGroup& tasks_;
  std::vector<std::shared_ptr<http2::ClientSession>> sessions_;
  std::size_t dialling_ = 0;
  std::vector<Joiner*> joiners_;
  std::size_t expected_ = http2::kMostClientStreams;  // what the last one had room for
};

}  // namespace portcullis::upstream
