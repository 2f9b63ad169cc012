// How much memory the coders of one thread may use together.
#pragma once

#include <cstddef>

namespace portcullis::coding {

class Budget {
 public:
  explicit Budget(std::size_t most) : most_(most) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // False, and nothing is taken, when that much is not left.
  [[nodiscard]] bool take(std::size_t bytes) {
    if (bytes > most_ - used_) return false;
    used_ += bytes;
    return true;
  }
  void give(std::size_t bytes) { used_ -= bytes; }
  [[nodiscard]] std::size_t used() const { return used_; }

 private:
  std::size_t most_;
  std::size_t used_ = 0;
};

// A part of a budget, given back when it goes.
class Share {
 public:
  explicit Share(Budget& budget) : budget_(budget) {}
  ~Share() { budget_.give(size_); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  // Takes what is missing to `size`; false when there is not so much.
  [[nodiscard]] bool grow_to(std::size_t size) {
    if (size <= size_) return true;
    if (!budget_.take(size - size_)) return false;
    size_ = size;
    return true;
  }

 private:
  Budget& budget_;
  std::size_t size_ = 0;
};

}  // namespace portcullis::coding
