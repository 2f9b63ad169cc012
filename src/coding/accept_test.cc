#include "coding/accept.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portcullis::coding {
namespace {

using enum Coding;

Coding choose(const std::vector<std::string_view>& fields, const std::vector<Coding>& offered) {
  AcceptEncoding accept;
  for (const std::string_view field : fields) accept.add(field);
  return accept.choose(offered);
}

struct Case {
  const char* why;
  std::vector<std::string_view> fields;
  Coding want;
};

TEST(AcceptEncoding, ChoosesWhatTheClientLikesBest) {
  const Case cases[] = {
      {"one that we have", {"gzip"}, kGzip},
      {"a browser: ours come first among equals", {"gzip, deflate, br, zstd"}, kBrotli},
      {"the order of the client means nothing", {"zstd, gzip, br"}, kBrotli},
      {"weights do", {"br;q=0.5, gzip;q=0.8"}, kGzip},
      {"to the thousandth", {"br;q=0.998, gzip;q=0.999"}, kGzip},
      {"spaces around everything", {" br ; q=0.1 ,\tgzip\t;\tq=0.2 "}, kGzip},
      {"capital letters", {"GZIP;Q=0.5"}, kGzip},
      {"the old name", {"x-gzip"}, kGzip},
      {"anything", {"*"}, kBrotli},
      {"anything but", {"br;q=0, *"}, kGzip},
      {"anything, but rather one", {"*;q=0.5, zstd"}, kZstd},
      {"several fields are one list", {"deflate", "gzip"}, kGzip},
      {"a weight of one, long", {"gzip;q=1.000"}, kGzip},
      {"a weight with no digits behind its point", {"gzip;q=1."}, kGzip},
      {"empty elements", {",, gzip ,,"}, kGzip},
      {"identity liked less", {"identity;q=0.5, gzip"}, kGzip},
      {"identity liked as much: ours to say", {"identity, gzip"}, kGzip},
      {"identity refused", {"identity;q=0, gzip;q=0.001"}, kGzip},
      {"an unknown one beside it", {"sdch, gzip"}, kGzip},
      {"an unknown one that is malformed", {"sdch;q=x, gzip"}, kGzip},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(choose(c.fields, {kBrotli, kGzip, kZstd}), c.want);
  }
}

TEST(AcceptEncoding, LeavesTheBodyAlone) {
  const Case cases[] = {
      {"nothing said", {}, kIdentity},
      {"nothing wanted", {""}, kIdentity},
      {"only spaces", {"  \t "}, kIdentity},
      {"only commas", {",,,"}, kIdentity},
      {"identity alone", {"identity"}, kIdentity},
      {"identity liked more", {"identity;q=1, gzip;q=0.5"}, kIdentity},
      {"refused", {"gzip;q=0"}, kIdentity},
      {"refused, long", {"gzip;q=0.000"}, kIdentity},
      {"all refused", {"*;q=0"}, kIdentity},
      {"all refused, identity too: then as it is", {"identity;q=0, *;q=0"}, kIdentity},
      {"only what we do not have", {"deflate, compress"}, kIdentity},
      {"a near miss", {"gzipp, xgzip, brotli"}, kIdentity},
      {"refused once is refused", {"gzip, gzip;q=0"}, kIdentity},
      {"refused once, in another field", {"gzip;q=0", "gzip"}, kIdentity},
      {"refused under its old name", {"gzip, x-gzip;q=0"}, kIdentity},
      {"a weight above one", {"gzip;q=2"}, kIdentity},
      {"a weight above one, close", {"gzip;q=1.001"}, kIdentity},
      {"four digits", {"gzip;q=0.1234"}, kIdentity},
      {"a sign", {"gzip;q=+1"}, kIdentity},
      {"negative", {"gzip;q=-1"}, kIdentity},
      {"no number", {"gzip;q="}, kIdentity},
      {"a word", {"gzip;q=high"}, kIdentity},
      {"quoted", {"gzip;q=\"1\""}, kIdentity},
      {"a comma for a point", {"gzip;q=0,5"}, kIdentity},
      {"exponent", {"gzip;q=1e0"}, kIdentity},
      {"another parameter", {"gzip;level=9"}, kIdentity},
      {"a parameter behind the weight", {"gzip;q=1;level=9"}, kIdentity},
      {"space about the equals sign", {"gzip;q = 1"}, kIdentity},
      {"a bare semicolon", {"gzip;"}, kIdentity},
      {"no name", {";q=1"}, kIdentity},
      {"a semicolon for a comma", {"gzip;br"}, kIdentity},
      {"spaces for a comma", {"gzip br"}, kIdentity},
      {"star with a letter", {"*gzip"}, kIdentity},
      {"malformed star", {"*;q=x"}, kIdentity},
      {"a zero octet", {std::string_view("gzip\0", 5)}, kIdentity},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(choose(c.fields, {kBrotli, kGzip, kZstd}), c.want);
  }
}

TEST(AcceptEncoding, OffersNothingThatIsNotOffered) {
  EXPECT_EQ(choose({"br, gzip, *"}, {}), kIdentity);
  EXPECT_EQ(choose({"br, gzip;q=0.1"}, {kGzip}), kGzip);
  EXPECT_EQ(choose({"br"}, {kGzip}), kIdentity);
}

TEST(AcceptEncoding, TakesAsLongAListAsAHeadMayHold) {
  std::string list = "gzip;q=0.5";
  for (int i = 0; i < 10'000; ++i) list += ",a;q=1";
  list += ",br;q=0.4";
  EXPECT_EQ(choose({list}, {kBrotli, kGzip}), kGzip);
}

}  // namespace
}  // namespace portcullis::coding
