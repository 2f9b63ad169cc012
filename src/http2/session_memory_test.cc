#include "http2/session_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <nghttp2/nghttp2.h>
#include <span>
#include <sys/mman.h>

namespace portcullis::http2 {
namespace {

constexpr std::size_t kFrameBuffer = 16'394;
constexpr std::size_t kStreams = 256;
constexpr std::size_t kStream = 16;

bool is_resident(void* page) {
  unsigned char there = 0;
  EXPECT_EQ(mincore(page, 1, &there), 0);
  return (there & 1) != 0;
}

class SessionMemoryTest : public testing::Test {
 protected:
  void* frame_buffer() {
    return functions_.realloc(nullptr, kFrameBuffer, functions_.mem_user_data);
  }
  std::byte* stream_table() {
    return static_cast<std::byte*>(functions_.calloc(kStreams, kStream, functions_.mem_user_data));
  }
  void free(void* block) { functions_.free(block, functions_.mem_user_data); }

  SessionMemory memory_;
  nghttp2_mem& functions_ = *memory_.functions();
};

TEST_F(SessionMemoryTest, GivesBackTheFrameAndATableWithoutStreams) {
  void* const frame = frame_buffer();
  std::byte* const table = stream_table();
  std::memset(frame, 'x', kFrameBuffer);
  table[17] = std::byte{1};
  table[17] = std::byte{0};
  EXPECT_TRUE(is_resident(frame));
  EXPECT_TRUE(is_resident(table));
  memory_.relax();
  EXPECT_FALSE(is_resident(frame));
  EXPECT_FALSE(is_resident(table));
  EXPECT_TRUE(std::ranges::all_of(std::span(table, kStreams * kStream),
                                  [](std::byte each) { return each == std::byte{0}; }));
  free(table);
  free(frame);
}

TEST_F(SessionMemoryTest, KeepsATableThatHasAStream) {
  std::byte* const table = stream_table();
  table[4'095] = std::byte{1};
  memory_.relax();
  EXPECT_EQ(table[4'095], std::byte{1});
  free(table);
}

// A table that has grown is elsewhere; what was in its first place must not come back.
TEST_F(SessionMemoryTest, GivesOutEachPartOnce) {
  std::byte* const first = stream_table();
  first[0] = std::byte{1};
  free(first);
  std::byte* const second = stream_table();
  EXPECT_NE(second, first);
  EXPECT_EQ(second[0], std::byte{0});
  free(second);
}

TEST_F(SessionMemoryTest, TheNextSessionFindsZeros) {
  std::byte* was = nullptr;
  {
    SessionMemory other;
    nghttp2_mem& functions = *other.functions();
    was = static_cast<std::byte*>(functions.calloc(kStreams, kStream, functions.mem_user_data));
    was[5] = std::byte{7};
  }
  SessionMemory next;
  nghttp2_mem& functions = *next.functions();
  auto* const table =
      static_cast<std::byte*>(functions.calloc(kStreams, kStream, functions.mem_user_data));
  EXPECT_EQ(table, was);
  EXPECT_EQ(table[5], std::byte{0});
}

}  // namespace
}  // namespace portcullis::http2
