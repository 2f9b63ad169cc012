#include "base/arena.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/secret.h"

#include <gtest/gtest.h>

#include <cstring>

namespace portcullis {
namespace {

TEST(Base64url, RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    const std::string text = encode_base64url(bytes);
    const auto back = decode_base64url(text);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(*back, bytes);
    bytes.push_back(static_cast<char>(i * 37));
  }
}

TEST(Base64url, RefusesEverySecondSpelling) {
  struct Case {
    std::string_view why;
    std::string_view text;
  };
  const Case cases[] = {
      {"padding", "YQ=="},
      {"standard alphabet plus", "+w"},
      {"standard alphabet slash", "/w"},
      {"impossible length", "YWJjZ"},
      {"trailing bits", "YR"},
      {"space", "YQ "},
      {"newline", "YQ\n"},
      {"nul", std::string_view("YQ\0", 3)},
  };
  for (const Case& c : cases) EXPECT_FALSE(decode_base64url(c.text)) << c.why;
}

TEST(Hex, RoundTripsAndRefuses) {
  EXPECT_EQ(encode_hex(std::string_view("\x00\xff\x10", 3)), "00ff10");
  EXPECT_EQ(decode_hex("00FF10").value(), std::string("\x00\xff\x10", 3));
  EXPECT_FALSE(decode_hex("0"));
  EXPECT_FALSE(decode_hex("0g"));
}

// From the reference implementation's family: SipHash-1-3 of 00 01 02 … under key 00 … 0f.
TEST(KeyedHash, DiffersByKeyLengthAndEveryByte) {
  const HashKey key{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
  const HashKey other{0x0706050403020100U, 0x0f0e0d0c0b0a0909U};
  std::string text(40, 'a');
  const std::uint64_t base = keyed_hash(key, text);
  EXPECT_NE(base, keyed_hash(other, text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = 'b';
    EXPECT_NE(base, keyed_hash(key, changed)) << i;
    EXPECT_NE(base, keyed_hash(key, text.substr(0, i))) << i;
  }
}

TEST(Secret, MovesWithoutLeavingBytesBehind) {
  Secret a(std::string("short"));
  EXPECT_EQ(a.expose(), "short");
  Secret b(std::move(a));
  EXPECT_EQ(b.expose(), "short");
  EXPECT_TRUE(
      a.empty());  // NOLINT(bugprone-use-after-move): that the source is wiped is what is tested
  Secret c;
  c = std::move(b);
  EXPECT_EQ(c.expose(), "short");
}

TEST(ConstantTimeEqual, Compares) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("bbc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "ab"));
}

TEST(Arena, AlignsAndGrowsBeyondWhatItWasLent) {
  alignas(16) char lent[64];
  Arena arena(lent, sizeof lent);
  void* first = arena.allocate(3, 1);
  EXPECT_EQ(first, lent);
  std::memset(first, 1, 3);
  void* aligned = arena.allocate(16, 16);
  EXPECT_EQ(aligned, lent + 16);
  std::memset(arena.allocate(1000), 2, 1000);
  EXPECT_EQ(arena.copy("text"), "text");
  EXPECT_EQ(arena.copy(""), "");
  Arena empty;
  std::memset(empty.allocate(10000), 3, 10000);
}

TEST(Encoding, ReadsOnePercentEncodedOctet) {
  EXPECT_EQ(percent_octet("a%4fb", 1), 0x4f);
  EXPECT_EQ(percent_octet("%Ff", 0), 0xff);
  EXPECT_EQ(percent_octet("%00", 0), 0);
  for (const std::string_view bad : {"", "%", "%4", "%4g", "%g4", "%%41", "41", "%-1", "% 1"})
    EXPECT_EQ(percent_octet(bad, 0), -1) << bad;
  EXPECT_EQ(percent_octet("%41", 1), -1);
  EXPECT_EQ(percent_octet("%41", 3), -1);
}

TEST(Encoding, WritesUtf8AtTheEdgesOfEachLength) {
  const std::pair<char32_t, std::string_view> cases[] = {{0x7f, "\x7f"},
                                                         {0x80, "\xc2\x80"},
                                                         {0x7ff, "\xdf\xbf"},
                                                         {0x800, "\xe0\xa0\x80"},
                                                         {0xffff, "\xef\xbf\xbf"},
                                                         {0x10000, "\xf0\x90\x80\x80"},
                                                         {0x10ffff, "\xf4\x8f\xbf\xbf"}};
  for (const auto& [code, bytes] : cases) {
    std::string out = "x";
    append_utf8(out, code);
    EXPECT_EQ(out, "x" + std::string(bytes));
  }
}

}  // namespace
}  // namespace portcullis
