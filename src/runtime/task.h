// Task<T>: a lazy coroutine with one awaiter, that runs on one thread. TaskGroup: the scope that
// background tasks live in.
//
// The parent awaits the child, so references and views given to a child may live in the parent's
// frame. Nothing is detached: what is not awaited is spawned into a TaskGroup, which is joined
// before it goes.
#pragma once

#include "base/check.h"
#include "runtime/frame_pool.h"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace portcullis {

template <typename T = void>
class Task;

namespace runtime {

class PromiseBase {
 public:
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <typename Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> self) const noexcept {
      return self.promise().continuation_;
    }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
  // Nothing of ours throws; what a library throws is caught at its edge.
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  void set_continuation(std::coroutine_handle<> continuation) { continuation_ = continuation; }

 private:
  std::coroutine_handle<> continuation_ = std::noop_coroutine();
};

template <typename T>
class Promise : public PromiseBase {
 public:
  Task<T> get_return_object();
  template <typename U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  // Called once the coroutine has returned, which has set it.
  T take() { return std::move(*value_); }  // NOLINT(bugprone-unchecked-optional-access)

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace runtime

template <typename T>
class [[nodiscard]] [[clang::coro_return_type]] [[clang::coro_lifetimebound]] Task {
 public:
  using promise_type = runtime::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // Awaited once, as an rvalue.
  auto operator co_await() && noexcept {
    struct Awaiter {
      Handle handle;
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) noexcept {
        handle.promise().set_continuation(parent);
        return handle;
      }
      T await_resume() { return handle.promise().take(); }
    };
    return Awaiter{handle_};
  }

 private:
  Handle handle_;
};

namespace runtime {

template <typename T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace runtime

// Tasks that run beside their owner. The owner awaits join() before the group, or anything that the
// tasks borrow, goes.
class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup() { PC_CHECK(running_ == 0); }

  // Starts the task at once; it runs to its first suspension before this returns.
  void spawn(Task<void> task) {
    ++running_;
    run(std::move(task), *this);
  }

  [[nodiscard]] std::size_t running() const { return running_; }

  // Resumes when the last task has ended. One joiner at a time.
  auto join() {
    struct Awaiter {
      TaskGroup& group;
      [[nodiscard]] bool await_ready() const noexcept { return group.running_ == 0; }
      void await_suspend(std::coroutine_handle<> joiner) noexcept { group.joiner_ = joiner; }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }

 private:
  struct Root {
    struct promise_type {  // NOLINT(readability-identifier-naming): the language names it
      promise_type(Task<void>&, TaskGroup& owner) : group(owner) {}
      static void* operator new(std::size_t size) { return runtime::allocate_frame(size); }
      static void operator delete(void* frame, std::size_t size) noexcept {
        runtime::free_frame(frame, size);
      }
      [[nodiscard]] Root get_return_object() const noexcept { return {}; }
      [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
      [[nodiscard]] auto final_suspend() const noexcept {
        struct Awaiter {
          [[nodiscard]] bool await_ready() const noexcept { return false; }
          std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
            TaskGroup& owner = self.promise().group;
            self.destroy();
            return owner.finish_one();
          }
          void await_resume() const noexcept {}
        };
        return Awaiter{};
      }
      void return_void() const noexcept {}
      [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
      TaskGroup& group;
    };
  };

  static Root run(Task<void> task, TaskGroup&) { co_await std::move(task); }

  std::coroutine_handle<> finish_one() {
    --running_;
    if (running_ > 0 || !joiner_) return std::noop_coroutine();
    return std::exchange(joiner_, nullptr);
  }

  std::size_t running_ = 0;
  std::coroutine_handle<> joiner_;
};

}  // namespace portcullis
