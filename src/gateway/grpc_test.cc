#include "gateway/grpc.h"

#include "http/message.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace portcullis::gateway {
namespace {

TEST(Grpc, IsKnownByItsMediaTypeAlone) {
  struct Case {
    std::string_view why;
    std::string_view type;
    bool want;
  };
  const Case cases[] = {
      {"plain", "application/grpc", true},
      {"with a format", "application/grpc+proto", true},
      {"with a parameter", "application/grpc; charset=utf-8", true},
      {"in capitals", "Application/GRPC+json", true},
      {"gRPC-Web is another protocol", "application/grpc-web", false},
      {"gRPC-Web with a format", "application/grpc-web+proto", false},
      {"longer", "application/grpcx", false},
      {"shorter", "application/grp", false},
      {"another", "application/json", false},
      {"empty", "", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(is_grpc(c.type), c.want);
  }
}

TEST(Grpc, ReadsTimeouts) {
  using std::chrono::nanoseconds;
  struct Case {
    std::string_view text;
    nanoseconds want;
  };
  const Case good[] = {
      {"1H", std::chrono::hours(1)},
      {"2M", std::chrono::minutes(2)},
      {"3S", std::chrono::seconds(3)},
      {"100m", std::chrono::milliseconds(100)},
      {"5u", std::chrono::microseconds(5)},
      {"7n", nanoseconds(7)},
      {"0S", nanoseconds(0)},
      {"99999999S", std::chrono::seconds(99'999'999)},
      {"99999999H", std::chrono::hours(1'000'000)},
  };
  for (const Case& c : good) {
    SCOPED_TRACE(c.text);
    const auto got = parse_grpc_timeout(c.text);
    ASSERT_TRUE(got);
    EXPECT_EQ(*got, c.want);
  }
  for (const std::string_view bad : {"", "S", "1", "1s", "1h", "-1S", "+1S", " 1S", "1 S", "1.5S",
                                     "123456789S", "0x1S", "1SS", "S1", "1\xc2\xb5"}) {
    SCOPED_TRACE(bad);
    const auto got = parse_grpc_timeout(bad);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::kMalformedRequest);
  }
}

TEST(Grpc, EncodesMessages) {
  struct Case {
    std::string_view message;
    std::string_view want;
  };
  const Case cases[] = {{"Too many requests.", "Too many requests."},
                        {"100%", "100%25"},
                        {"a\r\nb", "a%0D%0Ab"},
                        {"\xc3\xa9", "%C3%A9"},
                        {"\x7f", "%7F"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.want);
    Arena arena;
    http::Fields fields(arena);
    add_grpc_status(fields, GrpcStatus::kUnavailable, c.message, arena);
    ASSERT_EQ(fields.size(), 2U);
    EXPECT_EQ(fields.all()[0].name, "grpc-status");
    EXPECT_EQ(fields.all()[0].value, "14");
    EXPECT_EQ(fields.all()[1].value, c.want);
  }
}

TEST(Grpc, HasAStatusForEveryRefusal) {
  struct Case {
    ErrorCode code;
    GrpcStatus want;
  };
  const Case cases[] = {{ErrorCode::kCredentialsMissing, GrpcStatus::kUnauthenticated},
                        {ErrorCode::kForbidden, GrpcStatus::kPermissionDenied},
                        {ErrorCode::kNotFound, GrpcStatus::kUnimplemented},
                        {ErrorCode::kRateLimited, GrpcStatus::kResourceExhausted},
                        {ErrorCode::kContentTooLarge, GrpcStatus::kResourceExhausted},
                        {ErrorCode::kUpstreamTimeout, GrpcStatus::kDeadlineExceeded},
                        {ErrorCode::kUpstreamBroken, GrpcStatus::kUnavailable},
                        {ErrorCode::kMaintenance, GrpcStatus::kUnavailable},
                        {ErrorCode::kOverloaded, GrpcStatus::kUnavailable},
                        {ErrorCode::kBanned, GrpcStatus::kPermissionDenied},
                        {ErrorCode::kMalformedRequest, GrpcStatus::kInternal}};
  for (const Case& c : cases) EXPECT_EQ(grpc_status(c.code), c.want);
}

}  // namespace
}  // namespace portcullis::gateway
