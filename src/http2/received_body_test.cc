#include "http2/received_body.h"

#include <gtest/gtest.h>

#include <string>

namespace portcullis::http2 {
namespace {

TEST(ReceivedBody, GivesBackWhatWasPutHoweverItIsTaken) {
  runtime::BufferPool pool;
  std::string sent;
  std::string got;
  ReceivedBody body;
  // Pieces of many sizes, small ones and ones larger than any buffer; taken slower than they come.
  for (std::size_t i = 1; i <= 60; ++i) {
    const std::string piece(i * i * 11, static_cast<char>('a' + i % 26));
    body.put(piece, pool);
    sent += piece;
    const std::string_view front = body.front();
    const std::size_t taken = i % 3 == 0 ? front.size() : (front.size() + 1) / 2;
    got += front.substr(0, taken);
    body.drop_front(taken);
    EXPECT_EQ(body.size(), sent.size() - got.size());
  }
  while (!body.empty()) {
    const std::string_view front = body.front();
    got += front;
    body.drop_front(front.size());
  }
  EXPECT_EQ(got, sent);
  EXPECT_EQ(body.size(), 0U);
}

TEST(ReceivedBody, KeepsWhatWasLentWhileMoreComes) {
  runtime::BufferPool pool;
  ReceivedBody body;
  body.put("first", pool);
  const std::string_view lent = body.front();
  body.put(" and more", pool);
  EXPECT_EQ(lent, "first");
  body.drop_front(lent.size());
  EXPECT_EQ(body.front(), " and more");
}

}  // namespace
}  // namespace portcullis::http2
