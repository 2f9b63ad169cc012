#include "http2/frame_splitter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::http2 {
namespace {

std::string frame(char type, char flags, char stream, const std::string& payload) {
  std::string bytes = {0, 0, static_cast<char>(payload.size()), type, flags, '\x80', 0, 0, stream};
  return bytes + payload;
}

// What is told of `bytes` when they come in pieces of that size.
std::vector<std::string> heads_of(const std::string& bytes, std::size_t size) {
  FrameSplitter splitter(3);
  std::vector<std::string> told;
  std::string again;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    std::string_view piece = std::string_view(bytes).substr(at, size);
    while (!piece.empty()) {
      const FrameSplitter::Piece next = splitter.next(piece);
      again += next.bytes;
      if (next.head == nullptr) continue;
      told.push_back(std::to_string(next.head->type) + " " + std::to_string(next.head->flags) +
                     " " + std::to_string(next.head->stream) + " " +
                     std::to_string(next.head->length));
      EXPECT_TRUE(std::string_view(next.bytes).ends_with(next.payload));
      EXPECT_LE(next.payload.size(), next.head->length);
    }
  }
  EXPECT_EQ(again, bytes) << "nothing is lost, nothing comes twice";
  return told;
}

TEST(FrameSplitter, FindsEachHeadHoweverTheBytesCome) {
  const std::string bytes = "PRI" + frame(4, 0, 0, "") + frame(1, 5, 1, "head") +
                            frame(0, 0, 3, std::string(100, 'x')) + frame(6, 1, 0, "12345678");
  const std::vector<std::string> wanted = {"4 0 0 0", "1 5 1 4", "0 0 3 100", "6 1 0 8"};
  for (std::size_t size = 1; size <= bytes.size(); ++size)
    EXPECT_EQ(heads_of(bytes, size), wanted) << "in pieces of " << size;
}

}  // namespace
}  // namespace portcullis::http2
