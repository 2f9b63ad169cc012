#include "authn/key_refresher.h"

#include <coroutine>
#include <memory>
#include <optional>

namespace portcullis::authn {
namespace {

// Shared with what was posted to the loop: that may run after the waiter has gone on.
struct Wait {
  explicit Wait(Loop& owner) : loop(owner) {}
  void end() {
    if (ended) return;
    ended = true;
    if (waiter) loop.ready(waiter);
  }
  Loop& loop;
  std::coroutine_handle<> waiter;
  bool ended = false;
};

struct UntilEnd {
  Wait& wait;
  [[nodiscard]] bool await_ready() const noexcept { return wait.ended; }
  void await_suspend(std::coroutine_handle<> handle) const noexcept { wait.waiter = handle; }
  void await_resume() const noexcept {}
};

}  // namespace

Task<void> LoopKeyRefresher::refresh(std::shared_ptr<KeySource> source, TimePoint deadline) {
  const auto wait = std::make_shared<Wait>(loop_);
  // Registered before the fetch is asked for, so that its end cannot be missed.
  const std::optional<KeySource::WaitId> id =
      source->wait([wait] { wait->loop.post([wait] { wait->end(); }); });
  if (!id) co_return;
  start_(source);
  runtime::Timer timer(
      loop_.timers(), [](void* context) { static_cast<Wait*>(context)->end(); }, wait.get());
  timer.arm(deadline);
  co_await UntilEnd{*wait};
  source->stop_waiting(*id);
}

}  // namespace portcullis::authn
