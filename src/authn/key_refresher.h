// How a worker waits for an issuer's keys, which another thread fetches.
#pragma once

#include "authn/key_source.h"
#include "base/clock.h"
#include "runtime/loop.h"
#include "runtime/task.h"

#include <functional>
#include <memory>

namespace portcullis::authn {

struct Moment {
  WallTime wall;
  TimePoint steady;
};

class KeyRefresher {
 public:
  virtual ~KeyRefresher() = default;
  // Ends when the fetch that may_fetch_for_unknown_kid() permitted has ended, however it ended, or
  // at `deadline`. Whether it helped is for the caller to look at. Many may wait for one fetch.
  virtual Task<void> refresh(std::shared_ptr<KeySource> source, TimePoint deadline) = 0;
  [[nodiscard]] virtual Moment now() const = 0;
};

// The one of a worker's loop. `start` is called on the worker's thread, once for each waiter, and
// must see to it, on whatever thread fetches, that begin_requested_fetch() is called and, where
// that said yes, the fetch's end reported. Where that never happens, the waiter still goes on at
// its deadline.
class LoopKeyRefresher final : public KeyRefresher {
 public:
  using Start = std::function<void(std::shared_ptr<KeySource>)>;
  LoopKeyRefresher(Loop& loop, Start start) : loop_(loop), start_(std::move(start)) {}

  Task<void> refresh(std::shared_ptr<KeySource> source, TimePoint deadline) override;
  [[nodiscard]] Moment now() const override { return {loop_.wall_now(), loop_.now()}; }

 private:
  Loop& loop_;
  Start start_;
};

}  // namespace portcullis::authn
