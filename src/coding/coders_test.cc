#include "coding/coders.h"

#include "base/check.h"
#include "coding/libraries.h"

#include <gtest/gtest.h>

#include <brotli/encode.h>
#include <string>
#include <vector>

namespace portcullis::coding {
namespace {

constexpr Coding kAll[] = {Coding::kGzip, Coding::kBrotli, Coding::kZstd};

// Text that repeats itself and yet is new: numbered lines, then octets that look random.
std::string sample(std::size_t size) {
  std::string text;
  std::uint32_t noise = 12345;
  for (int line = 0; text.size() < size; ++line) {
    text += "{\"line\":" + std::to_string(line) + ",\"name\":\"portcullis\"}\n";
    noise = noise * 1664525U + 1013904223U;
    if (line % 3 == 0) text += static_cast<char>(noise >> 24U);
  }
  text.resize(size);
  return text;
}

struct Shape {
  std::size_t piece;  // how much is given at once
  std::size_t room;   // how much may come out at once
};

std::string encode(Encoder& encoder, std::string_view text, Shape shape, Flush between) {
  std::string coded;
  std::vector<char> out(shape.room);
  do {
    std::string_view piece = text.substr(0, shape.piece);
    text.remove_prefix(piece.size());
    const Flush flush = text.empty() ? Flush::kEnd : between;
    for (bool done = false; !done;) {
      const Encoded step = encoder.encode(piece, out, flush);
      PC_CHECK(step.consumed <= piece.size() && step.produced <= out.size());
      piece.remove_prefix(step.consumed);
      coded.append(out.data(), step.produced);
      done = step.done;
    }
    PC_CHECK(piece.empty());
  } while (!text.empty());
  return coded;
}

Result<std::string> decode(Decoder& decoder, std::string_view coded, Shape shape) {
  std::string text;
  while (!coded.empty()) {
    std::string_view piece = coded.substr(0, shape.piece);
    coded.remove_prefix(piece.size());
    bool filled = false;
    while (!piece.empty() || filled) {
      std::vector<char> out(shape.room);
      PC_TRY(const Decoded step, decoder.decode(piece, out));
      PC_CHECK(step.produced <= out.size() && step.consumed <= piece.size());
      piece.remove_prefix(step.consumed);
      text.append(out.data(), step.produced);
      filled = step.produced == out.size();
    }
  }
  if (!decoder.whole()) return malformed_content("cut short");
  return text;
}

TEST(Coders, RoundTripWhateverTheSizesOfPieces) {
  Coders coders;
  for (const Coding coding : kAll) {
    for (const std::size_t size : {0UL, 1UL, 1000UL, 65'536UL, 300'000UL}) {
      for (const Shape shape :
           {Shape{1U << 20U, 1U << 20U}, Shape{16'384, 16'384}, Shape{4096, 512}, Shape{777, 7}}) {
        for (const Flush between : {Flush::kNone, Flush::kPiece}) {
          SCOPED_TRACE(std::string(name_of(coding)) + " " + std::to_string(size) + " " +
                       std::to_string(shape.piece) + " " + std::to_string(shape.room));
          const std::string text = sample(size);
          const auto encoder = coders.encoder(coding);
          const std::string coded = encode(*encoder, text, shape, between);
          const auto decoder = coders.decoder(coding);
          EXPECT_EQ(decode(*decoder, coded, shape).value_or("failed"), text);
          if (size == 300'000 && between == Flush::kNone) EXPECT_LT(coded.size(), size / 3);
        }
      }
    }
  }
}

TEST(Coders, DecodeTheSameAtEverySplit) {
  Coders coders;
  const std::string text = sample(400);
  for (const Coding coding : kAll) {
    const auto encoder = coders.encoder(coding);
    const std::string coded = encode(*encoder, text, {100, 1000}, Flush::kPiece);
    for (std::size_t piece = 1; piece <= coded.size(); ++piece) {
      const auto decoder = coders.decoder(coding);
      EXPECT_EQ(decode(*decoder, coded, {piece, 64}).value_or("failed"), text) << piece;
    }
  }
}

TEST(Coders, AFlushedPieceCanBeDecodedAtOnce) {
  Coders coders;
  for (const Coding coding : kAll) {
    const auto encoder = coders.encoder(coding);
    const auto decoder = coders.decoder(coding);
    for (const std::string_view event : {"data: one\n\n", "data: two\n\n", "data: three\n\n"}) {
      char out[256];
      const Encoded coded = encoder->encode(event, out, Flush::kPiece);
      ASSERT_TRUE(coded.done && coded.consumed == event.size());
      char back[256];
      const auto plain = decoder->decode({out, coded.produced}, back);
      ASSERT_TRUE(plain);
      EXPECT_EQ(std::string_view(back, plain->produced), event) << name_of(coding);
      EXPECT_FALSE(decoder->whole());
    }
  }
}

TEST(Coders, RefuseWhatIsCutShortAtAnyByte) {
  Coders coders;
  const std::string text = sample(500);
  for (const Coding coding : kAll) {
    const auto encoder = coders.encoder(coding);
    const std::string coded = encode(*encoder, text, {1000, 1000}, Flush::kNone);
    for (std::size_t size = 0; size < coded.size(); ++size) {
      const auto decoder = coders.decoder(coding);
      EXPECT_FALSE(decode(*decoder, std::string_view(coded).substr(0, size), {1000, 1000}))
          << name_of(coding) << " " << size;
    }
  }
}

TEST(Coders, NeverTakeAChangedByteForTheOriginal) {
  Coders coders;
  const std::string text = sample(500);
  // br has no checksum, and zstd is made without one: what they decode may differ, no more.
  const auto encoder = coders.encoder(Coding::kGzip);
  const std::string coded = encode(*encoder, text, {1000, 1000}, Flush::kNone);
  for (std::size_t i = 10; i < coded.size(); ++i) {
    std::string changed = coded;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    const auto decoder = coders.decoder(Coding::kGzip);
    EXPECT_FALSE(decode(*decoder, changed, {1000, 1000})) << i;
  }
}

TEST(Coders, RefuseBytesBehindTheEnd) {
  Coders coders;
  for (const Coding coding : kAll) {
    const auto encoder = coders.encoder(coding);
    const std::string coded = encode(*encoder, "whole", {1000, 1000}, Flush::kNone);
    for (const std::size_t piece : {1000UL, 1UL}) {
      for (const std::string_view more : {std::string_view("x"), std::string_view("\0", 1),
                                          std::string_view("\x1f"), std::string_view("\x28")}) {
        const auto decoder = coders.decoder(coding);
        EXPECT_FALSE(decode(*decoder, coded + std::string(more), {piece, 1000}));
      }
    }
  }
}

TEST(Coders, TakeMembersAndFramesOneBehindTheOther) {
  Coders coders;
  for (const Coding coding : {Coding::kGzip, Coding::kZstd}) {
    std::string coded;
    for (int i = 0; i < 100; ++i)
      coded += encode(*coders.encoder(coding), "again ", {1000, 1000}, Flush::kNone);
    for (const std::size_t piece : {1UL, 7UL, 100'000UL}) {
      const auto decoder = coders.decoder(coding);
      EXPECT_EQ(decode(*decoder, coded, {piece, 13}).value_or("failed").size(), 600U);
    }
  }
}

TEST(Coders, RefuseWhatIsOfAnotherCoding) {
  Coders coders;
  std::vector<std::string> others = {"plain text that nobody has coded",
                                     std::string("\x78\x9c\x03\x00\x00\x00\x00\x01", 8),  // zlib
                                     std::string("PK\x03\x04", 4) + std::string(40, 'x')};
  for (const Coding coding : kAll)
    others.push_back(encode(*coders.encoder(coding), sample(300), {1000, 1000}, Flush::kNone));
  for (std::size_t right = 0; right < std::size(kAll); ++right) {
    for (std::size_t i = 0; i < others.size(); ++i) {
      if (i == right + 3) continue;
      const auto decoder = coders.decoder(kAll[right]);
      const auto got = decode(*decoder, others[i], {1000, 1000});
      ASSERT_FALSE(got) << name_of(kAll[right]) << " " << i;
      EXPECT_EQ(got.error().code, ErrorCode::kMalformedContent);
    }
  }
}

TEST(Coders, RefuseFormatsOfZstdThatHttpDoesNotHave) {
  Coders coders;
  struct Case {
    const char* why;
    std::string bytes;
  };
  const Case cases[] = {
      {"a skippable frame", std::string("\x50\x2a\x4d\x18\x04\0\0\0abcd", 12)},
      {"version 0.7 of the format", std::string("\x27\xb5\x2f\xfd\x20\x01", 6)},
      {"version 0.1 of the format", std::string("\x1e\xb5\x2f\xfd\x20\x01", 6)},
      {"a window of 16 MiB", std::string("\x28\xb5\x2f\xfd\x00\x70\x01\0\0", 9)},
      {"a window of 2 TiB", std::string("\x28\xb5\x2f\xfd\x00\xff\x01\0\0", 9)},
      {"a dictionary", std::string("\x28\xb5\x2f\xfd\x01\x58\x07\x01\0\0", 10)},
      {"a reserved bit", std::string("\x28\xb5\x2f\xfd\x08\x58\x01\0\0", 9)},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const auto decoder = coders.decoder(Coding::kZstd);
    const auto got = decode(*decoder, c.bytes, {1000, 1000});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::kMalformedContent);
  }
  const auto decoder = coders.decoder(Coding::kZstd);
  EXPECT_TRUE(decode(*decoder, std::string("\x28\xb5\x2f\xfd\x00\x68\x01\0\0", 9), {1000, 1000}))
      << "8 MiB, which everybody must be able to read";
}

TEST(Coders, RefuseTheLargeWindowOfBrotli) {
  Coders coders;
  const auto decoder = coders.decoder(Coding::kBrotli);
  EXPECT_FALSE(decode(*decoder, std::string("\x11\x1e\x03\0\0\0", 6), {1000, 1000}));
}

TEST(Coders, EncodersAreFewerThanTheirMemoryAllows) {
  Coders coders(3 * kGzipEncoderBytes);
  std::vector<Coders::EncoderLease> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(coders.encoder(Coding::kGzip));
    ASSERT_NE(held.back(), nullptr);
  }
  EXPECT_EQ(coders.encoder(Coding::kGzip), nullptr);
  EXPECT_EQ(coders.encoder(Coding::kBrotli), nullptr);
  held.pop_back();
  EXPECT_NE(coders.encoder(Coding::kGzip), nullptr);
  held.clear();
  EXPECT_EQ(coders.encoding_bytes(), 0U);
}

TEST(Coders, AnEncoderThatWasDroppedInTheMiddleForgets) {
  Coders coders;
  for (const Coding coding : kAll) {
    for (int i = 0; i < 3; ++i) {
      const auto encoder = coders.encoder(coding);
      char out[4096];
      EXPECT_TRUE(encoder->encode("the beginning of another body", out, Flush::kNone).done);
    }
    const auto encoder = coders.encoder(coding);
    const std::string coded = encode(*encoder, "mine", {1000, 1000}, Flush::kNone);
    const auto decoder = coders.decoder(coding);
    EXPECT_EQ(decode(*decoder, coded, {1000, 1000}).value_or("failed"), "mine");
  }
}

TEST(Coders, DecodersTakeTheirMemoryFromTheBudgetAndGiveItBack) {
  for (const Coding coding : kAll) {
    Coders coders;
    {
      std::vector<std::unique_ptr<Decoder>> held;
      const auto encoder = coders.encoder(coding);
      const std::string coded = encode(*encoder, sample(200'000), {16'384, 16'384}, Flush::kNone);
      for (int i = 0; i < 3; ++i) {
        held.push_back(coders.decoder(coding));
        const std::size_t before = coders.decoding_bytes();
        ASSERT_TRUE(decode(*held.back(), coded, {16'384, 16'384}));
        EXPECT_GE(coders.decoding_bytes(), before);
      }
      EXPECT_GT(coders.decoding_bytes(), 3U * 16 * 1024);
    }
    EXPECT_EQ(coders.decoding_bytes(), 0U) << name_of(coding);
  }
}

TEST(Coders, AWindowLargerThanTheMemoryThatIsLeftIsUnavailable) {
  Coders coders(1U << 20U);
  const std::string zeros(4UL << 20U, '\0');
  std::string wide(1024, '\0');
  std::size_t size = wide.size();
  ASSERT_TRUE(BrotliEncoderCompress(5, 24, BROTLI_MODE_GENERIC, zeros.size(),
                                    reinterpret_cast<const std::uint8_t*>(zeros.data()), &size,
                                    reinterpret_cast<std::uint8_t*>(wide.data())));
  wide.resize(size);
  const struct {
    Coding coding;
    std::string bytes;
  } cases[] = {
      {Coding::kZstd, std::string("\x28\xb5\x2f\xfd\x00\x68\x01\0\0", 9)},  // 8 MiB
      {Coding::kBrotli, wide},
  };
  for (const auto& c : cases) {
    const auto decoder = coders.decoder(c.coding);
    ASSERT_NE(decoder, nullptr);
    const auto got = decode(*decoder, c.bytes, {1000, 1000});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::kUnavailable) << got.error().detail;
  }
  Coders none(1000);
  for (const Coding coding : kAll) EXPECT_EQ(none.decoder(coding), nullptr) << name_of(coding);
}

}  // namespace
}  // namespace portcullis::coding
