#include "http/chunked.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::http {
namespace {

constexpr std::uint32_t kMostTrailerBytes = 64;

struct Read {
  std::string data;
  std::string trailers;
  std::size_t consumed = 0;
  bool done = false;
  bool failed = false;
  ErrorCode code{};
};

// Feeds `text` in pieces that end at the given places.
Read read(std::string_view text, std::vector<std::size_t> ends) {
  ChunkedReader reader(kMostTrailerBytes);
  Read result;
  ends.push_back(text.size());
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    // A buffer of its own, so that AddressSanitizer sees an access outside of the piece.
    std::string piece(text.substr(begin, end - begin));
    const auto step = reader.feed({piece.data(), piece.size()});
    if (!step) {
      result.failed = true;
      result.code = step.error().code;
      return result;
    }
    result.data += step->data;
    result.consumed += step->consumed;
    begin = end;
    if (reader.done()) break;
    EXPECT_EQ(step->consumed, piece.size());
  }
  result.done = reader.done();
  if (result.done) {
    const auto section = reader.trailer_section();
    result.trailers.assign(section.data(), section.size());
  }
  return result;
}

struct Case {
  std::string_view why;
  std::string text;
  std::string_view data;
  std::string_view trailers = "\r\n";
};

const std::vector<Case>& good_cases() {
  static const std::vector<Case> cases = {
      {"nothing", "0\r\n\r\n", ""},
      {"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"chunks are moved together", "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", "abcdef"},
      {"both cases of digits", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
       "01234567890123456789"},
      {"leading zeros", "0000000000000005\r\nhello\r\n000\r\n\r\n", "hello"},
      {"data that looks like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"},
      {"extension (RFC 9112 7.1.1)", "5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello"},
      {"quoted extension", "5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", "hello"},
      {"blank before an extension (bad whitespace)", "5 \t;a\r\nhello\r\n0\r\n\r\n", "hello"},
      {"trailers", "0\r\na: b\r\nc: d\r\n\r\n", "", "a: b\r\nc: d\r\n\r\n"},
      {"trailers at their bound", "0\r\nx: " + std::string(57, 'y') + "\r\n\r\n", "",
       "x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n\r\n"},
  };
  return cases;
}

TEST(ChunkedReader, ReadsTheSameHoweverTheBytesArrive) {
  for (const Case& c : good_cases()) {
    SCOPED_TRACE(c.why);
    // What stands behind the body is not touched.
    const std::string text = c.text + "GET / HTTP/1.1\r\n";
    const auto expect = [&](const Read& result) {
      EXPECT_FALSE(result.failed);
      EXPECT_TRUE(result.done);
      EXPECT_EQ(result.data, c.data);
      EXPECT_EQ(result.trailers, c.trailers);
      EXPECT_EQ(result.consumed, c.text.size());
    };
    for (std::size_t split = 0; split <= text.size(); ++split) {
      SCOPED_TRACE(split);
      expect(read(text, {split}));
    }
    std::vector<std::size_t> every(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) every[i] = i;
    expect(read(text, every));
  }
}

TEST(ChunkedReader, IsNotDoneBeforeTheLastOctet) {
  for (const Case& c : good_cases()) {
    for (std::size_t size = 0; size < c.text.size(); ++size) {
      const Read result = read(std::string_view(c.text).substr(0, size), {});
      EXPECT_FALSE(result.failed) << c.why << " " << size;
      EXPECT_FALSE(result.done) << c.why << " " << size;
    }
  }
}

TEST(ChunkedReader, TakesNothingMoreWhenDone) {
  ChunkedReader reader(kMostTrailerBytes);
  std::string text = "0\r\n\r\n";
  ASSERT_TRUE(reader.feed({text.data(), text.size()}));
  std::string more = "1\r\na\r\n";
  const auto step = reader.feed({more.data(), more.size()});
  ASSERT_TRUE(step);
  EXPECT_EQ(step->consumed, 0U);
  EXPECT_TRUE(step->data.empty());
}

TEST(ChunkedReader, MovesDataOnlyInsideItsInput) {
  ChunkedReader reader(kMostTrailerBytes);
  std::string buffer = "HEAD|2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n|NEXT";
  const std::size_t size = buffer.size() - 10;
  const auto step = reader.feed({buffer.data() + 5, size});
  ASSERT_TRUE(step);
  EXPECT_EQ(step->data, "abcde");
  EXPECT_EQ(step->data.data(), buffer.data() + 5);
  EXPECT_TRUE(buffer.starts_with("HEAD|"));
  EXPECT_TRUE(buffer.ends_with("|NEXT"));
}

TEST(ChunkedReader, RefusesWhatAnotherCouldReadOtherwise) {
  struct Bad {
    std::string_view why;
    std::string text;
    ErrorCode code = ErrorCode::kMalformedRequest;
  };
  const std::string long_extension(300, 'x');
  std::string many_extensions;
  for (int i = 0; i < 70; ++i) many_extensions += "1;" + std::string(250, 'x') + "\r\na\r\n";
  const Bad cases[] = {
      {"no size", "\r\nhello\r\n0\r\n\r\n"},
      {"only an extension", ";a\r\nhello\r\n"},
      {"leading blank", " 5\r\nhello\r\n"},
      {"trailing blank (RFC 9112 7.1 has none)", "5 \r\nhello\r\n"},
      {"trailing tab", "5\t\r\nhello\r\n"},
      {"blank in the size", "1 0\r\nhello\r\n"},
      {"prefix", "0x5\r\nhello\r\n"},
      {"sign", "+5\r\nhello\r\n"},
      {"negative", "-5\r\nhello\r\n"},
      {"no digit", "g\r\nhello\r\n"},
      {"digit behind digits", "5g\r\nhello\r\n"},
      {"underscore", "1_0\r\n"},
      {"NUL in the size", std::string("5\0\r\n", 4)},
      {"17 digits: more than 2^64", "10000000000000000\r\n"},
      {"17 digits that are zeros", "00000000000000005\r\nhello\r\n"},
      {"bare LF after the size", "5\nhello\r\n0\r\n\r\n"},
      {"bare CR after the size", "5\rhello\r\n0\r\n\r\n"},
      {"CR CR LF after the size", "5\r\r\nhello\r\n0\r\n\r\n"},
      {"bare LF ends an extension", "5;a\nhello\r\n0\r\n\r\n"},
      {"bare CR in an extension", "5;a\rb\r\nhello\r\n"},
      {"control character in an extension", "5;a\x01\r\nhello\r\n"},
      {"DEL in an extension", "5;a\x7f\r\nhello\r\n"},
      {"extension without a name (RFC 9112 7.1.1)", "5;\r\nhello\r\n"},
      {"two semicolons", "5;;a\r\nhello\r\n"},
      {"extension that is no token", "5;a b\r\nhello\r\n"},
      {"extension without its value", "5;a=\r\nhello\r\n"},
      {"open quote", "5;a=\"b\r\nhello\r\n"},
      {"something behind a quote", "5;a=\"b\"c\r\nhello\r\n"},
      {"extension that is too long", "5;" + long_extension + "\r\nhello\r\n"},
      {"blanks that are too many", "5" + std::string(300, ' ') + ";a\r\nhello\r\n"},
      {"extensions that are too many", many_extensions},
      {"data longer than said", "5\r\nhelloo\r\n0\r\n\r\n"},
      {"data shorter than said", "5\r\nhell\r\n0\r\n\r\n"},
      {"no CR LF behind the data", "5\r\nhello0\r\n\r\n"},
      {"bare LF behind the data", "5\r\nhello\n0\r\n\r\n"},
      {"bare CR behind the data", "5\r\nhello\r0\r\n\r\n"},
      {"two CR LF behind the data", "5\r\nhello\r\n\r\n0\r\n\r\n"},
      {"trailer line that ends without CR", "0\r\na: b\n\r\n"},
      {"end without CR", "0\r\n\n"},
      {"trailers that are too long", "0\r\nx: " + std::string(58, 'y') + "\r\n\r\n",
       ErrorCode::kHeadTooLarge},
  };
  for (const Bad& c : cases) {
    SCOPED_TRACE(c.why);
    const std::size_t step = c.text.size() > 1000 ? 997 : 1;
    for (std::size_t split = 0; split <= c.text.size(); split += step) {
      const Read result = read(c.text, {split});
      EXPECT_TRUE(result.failed) << split;
      EXPECT_FALSE(result.done) << split;
      EXPECT_EQ(result.code, c.code) << split;
    }
  }
}

TEST(ChunkedReader, CountsTo64Bits) {
  ChunkedReader reader(kMostTrailerBytes);
  std::string text = "FFFFFFFFFFFFFFFF\r\nabc";
  const auto step = reader.feed({text.data(), text.size()});
  ASSERT_TRUE(step);
  EXPECT_EQ(step->data, "abc");
  EXPECT_FALSE(reader.done());
}

TEST(WriteChunkHead, WritesHexadecimal) {
  char into[20];
  EXPECT_EQ(write_chunk_head(1, into), "1\r\n");
  EXPECT_EQ(write_chunk_head(16384, into), "4000\r\n");
  EXPECT_EQ(write_chunk_head(~0ULL, into), "ffffffffffffffff\r\n");
}

}  // namespace
}  // namespace portcullis::http
