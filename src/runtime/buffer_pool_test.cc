#include "runtime/buffer_pool.h"

#include <gtest/gtest.h>

#include <vector>

namespace portcullis::runtime {
namespace {

TEST(BufferPool, LendsTheSameMemoryAgain) {
  BufferPool pool;
  Buffer first = pool.borrow(100);
  EXPECT_EQ(first.size(), BufferPool::kSmall);
  char* const data = first.data();
  first.release();
  EXPECT_FALSE(first);
  EXPECT_EQ(pool.borrow(BufferPool::kSmall).data(), data);
  EXPECT_EQ(pool.borrow(BufferPool::kSmall + 1).size(), BufferPool::kLarge);
  EXPECT_EQ(pool.borrow(100'000).size(), 100'000U);
}

TEST(BufferPool, FreesWhatNobodyNeededSinceTheLastTrim) {
  BufferPool pool;
  {
    std::vector<Buffer> burst;
    for (int i = 0; i < 10; ++i) burst.push_back(pool.borrow(1));
  }
  EXPECT_EQ(pool.trim(), 0U);  // all ten were needed
  {
    const Buffer one = pool.borrow(1);
    const Buffer two = pool.borrow(1);
  }
  EXPECT_EQ(pool.trim(), 8 * BufferPool::kSmall);
  EXPECT_EQ(pool.trim(), 2 * BufferPool::kSmall);
  EXPECT_EQ(pool.trim(), 0U);
}

}  // namespace
}  // namespace portcullis::runtime
