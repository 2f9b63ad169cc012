#include "coding/coding.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace portcullis::coding {
namespace {

TEST(Coding, IsFoundByItsName) {
  struct Case {
    const char* why;
    std::string_view name;
    std::optional<Coding> want;
  };
  const Case cases[] = {
      {"gzip", "gzip", Coding::kGzip},
      {"names have no case", "GZip", Coding::kGzip},
      {"the old name", "x-gzip", Coding::kGzip},
      {"br", "br", Coding::kBrotli},
      {"zstd", "ZSTD", Coding::kZstd},
      {"identity", "identity", Coding::kIdentity},
      {"empty", "", std::nullopt},
      {"deflate means two things", "deflate", std::nullopt},
      {"compress", "compress", std::nullopt},
      {"the old name of another", "x-compress", std::nullopt},
      {"longer", "gzipp", std::nullopt},
      {"shorter", "gzi", std::nullopt},
      {"not trimmed here", " gzip", std::nullopt},
      {"a list", "gzip,br", std::nullopt},
      {"the product, not the coding", "brotli", std::nullopt},
      {"with a parameter", "gzip;q=1", std::nullopt},
      {"with a zero octet", std::string_view("gzip\0", 5), std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(find_coding(c.name), c.want);
  }
}

TEST(Coding, NamesComeBack) {
  for (const Coding coding : {Coding::kIdentity, Coding::kGzip, Coding::kBrotli, Coding::kZstd})
    EXPECT_EQ(find_coding(name_of(coding)), coding);
}

TEST(Compressible, IsTextByWhateverName) {
  for (const char* type : {"text/plain",
                           "text/html; charset=utf-8",
                           "TEXT/CSV",
                           "text/event-stream",
                           "application/json",
                           "application/json;charset=utf-8",
                           "Application/JSON ; a=b",
                           "application/problem+json",
                           "application/vnd.api+json",
                           "application/xml",
                           "application/atom+xml",
                           "image/svg+xml",
                           "application/javascript",
                           "application/wasm",
                           "application/x-ndjson",
                           "application/yaml",
                           "application/openapi+yaml",
                           "font/ttf",
                           "application/openmetrics-text; version=1.0.0",
                           "image/bmp"}) {
    EXPECT_TRUE(is_compressible(type)) << type;
  }
}

TEST(Compressible, IsNotWhatIsCodedAlreadyOrUnknown) {
  for (const char* type : {"",
                           ";",
                           "text",
                           "application",
                           "image/png",
                           "image/jpeg",
                           "image/webp",
                           "image/avif",
                           "video/mp4",
                           "audio/mpeg",
                           "application/zip",
                           "application/gzip",
                           "application/zstd",
                           "application/pdf",
                           "application/octet-stream",
                           "font/woff2",
                           "font/woff",
                           "application/grpc",
                           "application/x-protobuf",
                           "application/cbor",
                           "application/jwt",
                           "multipart/form-data; boundary=x",
                           "multipart/byteranges",
                           "application/jsonx",
                           "xapplication/json",
                           "application/json, text/html",
                           "json",
                           "+json-patch"}) {
    EXPECT_FALSE(is_compressible(type)) << type;
  }
  EXPECT_FALSE(is_compressible(std::string(200, 'a') + "+json")) << "longer than a type may be";
}

}  // namespace
}  // namespace portcullis::coding
