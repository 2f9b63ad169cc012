#include "coding/bounded.h"

#include "coding/coders.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace portcullis::coding {
namespace {

constexpr Coding kAll[] = {Coding::kGzip, Coding::kBrotli, Coding::kZstd};

class Bounded : public testing::Test {
 protected:
  std::string encode(Coding coding, std::string_view text) {
    const auto encoder = coders_.encoder(coding);
    std::string coded;
    for (bool done = false; !done;) {
      std::array<char, 4096> out;
      const Encoded step = encoder->encode(text, out, Flush::kEnd);
      text.remove_prefix(step.consumed);
      coded.append(out.data(), step.produced);
      done = step.done;
    }
    return coded;
  }

  // All of it, given in pieces of that size.
  Result<std::string> decode(Coding coding, std::string_view coded, DecodeBounds bounds,
                             std::size_t piece = 4096) {
    BoundedDecoder decoder(coders_.decoder(coding), bounds, room_);
    std::string text;
    while (!coded.empty()) {
      const std::string_view given = coded.substr(0, piece);
      coded.remove_prefix(given.size());
      decoder.give(given);
      for (;;) {
        PC_TRY(const std::string_view plain, decoder.next());
        if (plain.empty()) break;
        text += plain;
      }
      most_ = std::max(most_, decoder.plain_bytes());
    }
    if (!decoder.whole()) return refuse(ErrorCode::kMalformedContent, "cut short");
    return text;
  }

  Coders coders_;
  std::array<char, 16'384> room_{};
  std::uint64_t most_ = 0;
};

TEST_F(Bounded, GivesTheBody) {
  const std::string text(100'000, 'x');
  for (const Coding coding : kAll) {
    const std::string coded = encode(coding, text);
    for (const std::size_t piece : {1UL, 10UL, 100'000UL})
      EXPECT_EQ(decode(coding, coded, {.size = 100'000, .ratio = 10'000}, piece).value_or(""),
                text);
  }
}

TEST_F(Bounded, OneByteMoreThanTheSizeIsTooMuch) {
  for (const Coding coding : kAll) {
    const std::string coded = encode(coding, std::string(50'001, 'x'));
    EXPECT_TRUE(decode(coding, coded, {.size = 50'001, .ratio = 1}));
    const auto got = decode(coding, coded, {.size = 50'000, .ratio = 1});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::kContentTooLarge);
    EXPECT_EQ(got.error().detail, "body decodes to more than `decompress.size`");
  }
}

TEST_F(Bounded, ABombIsFoundSoonAfterTheFreeBytes) {
  for (const Coding coding : kAll) {
    const std::string coded = encode(coding, std::string(8UL << 20U, '\0'));
    most_ = 0;
    const auto got = decode(coding, coded, {.size = 1ULL << 40U, .ratio = 20}, 16);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::kContentTooLarge);
    EXPECT_EQ(got.error().detail, "body decodes to more than `decompress.ratio`");
    EXPECT_LT(most_, 2 * BoundedDecoder::kFreeBytes);
  }
}

TEST_F(Bounded, ShortBodiesMayHaveAnyRatio) {
  for (const Coding coding : kAll) {
    const std::string text(BoundedDecoder::kFreeBytes, '\0');
    EXPECT_TRUE(decode(coding, encode(coding, text), {.size = 1U << 20U, .ratio = 1}));
    EXPECT_FALSE(decode(coding, encode(coding, text + "more"), {.size = 1U << 20U, .ratio = 1}));
  }
}

TEST_F(Bounded, JustWithinTheRatioPasses) {
  const std::string text(1U << 20U, '\0');
  for (const Coding coding : kAll) {
    const std::string coded = encode(coding, text);
    const auto ratio = static_cast<std::uint32_t>(text.size() / coded.size());
    EXPECT_FALSE(decode(coding, coded, {.size = 1U << 20U, .ratio = ratio / 2})) << name_of(coding);
    // Its first pieces are denser than the whole, since the tables stand at the front.
    EXPECT_TRUE(decode(coding, coded, {.size = 1U << 20U, .ratio = 100'000})) << name_of(coding);
  }
}

TEST_F(Bounded, AnEmptyBodyIsWholeAndACutOneIsNot) {
  for (const Coding coding : kAll) {
    EXPECT_TRUE(decode(coding, "", {.size = 1, .ratio = 1}));
    const std::string coded = encode(coding, "some text");
    EXPECT_FALSE(decode(coding, coded.substr(0, coded.size() - 1), {.size = 100, .ratio = 1}));
    EXPECT_TRUE(decode(coding, encode(coding, ""), {.size = 1, .ratio = 1}));
  }
}

}  // namespace
}  // namespace portcullis::coding
