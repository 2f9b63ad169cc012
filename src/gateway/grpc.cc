#include "gateway/grpc.h"

#include "http/head.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace portcullis::gateway {
namespace {

constexpr std::string_view kTimeoutField = "grpc-timeout";

constexpr std::string_view number_text(GrpcStatus status) {
  switch (status) {
    case GrpcStatus::kDeadlineExceeded:
      return "4";
    case GrpcStatus::kPermissionDenied:
      return "7";
    case GrpcStatus::kResourceExhausted:
      return "8";
    case GrpcStatus::kUnimplemented:
      return "12";
    case GrpcStatus::kInternal:
      return "13";
    case GrpcStatus::kUnavailable:
      return "14";
    case GrpcStatus::kUnauthenticated:
      return "16";
  }
  return "13";
}

// "Percent-Encoded" of the protocol: printable ASCII but `%` stands for itself.
std::string percent_encode(std::string_view message) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (c >= ' ' && c <= '~' && c != '%') {
      text += c;
    } else {
      text += '%';
      text += kDigits[byte >> 4U];
      text += kDigits[byte & 15U];
    }
  }
  return text;
}

}  // namespace

bool is_grpc(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (content_type.size() < kType.size() ||
      !http::equals_ignoring_case(content_type.substr(0, kType.size()), kType))
    return false;
  const std::string_view rest = content_type.substr(kType.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ' ||
         rest.front() == '\t';
}

bool is_grpc(const http::Request& request) {
  const http::Field* type = request.fields.find(http::FieldId::kContentType);
  return type != nullptr && is_grpc(type->value);
}

GrpcStatus grpc_status(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kAmbiguousCredentials:
    case ErrorCode::kCredentialsMissing:
    case ErrorCode::kCredentialsInvalid:
      return GrpcStatus::kUnauthenticated;
    case ErrorCode::kForbidden:
    case ErrorCode::kAddressNotAllowed:
    case ErrorCode::kBanned:
    case ErrorCode::kOriginNotAllowed:
      return GrpcStatus::kPermissionDenied;
    case ErrorCode::kNotFound:
    case ErrorCode::kMethodNotAllowed:
    case ErrorCode::kMisdirected:
    case ErrorCode::kNotImplemented:
    case ErrorCode::kUnsupportedCoding:
    case ErrorCode::kVersionNotSupported:
      return GrpcStatus::kUnimplemented;
    case ErrorCode::kContentTooLarge:
    case ErrorCode::kUriTooLong:
    case ErrorCode::kHeadTooLarge:
    case ErrorCode::kRateLimited:
      return GrpcStatus::kResourceExhausted;
    case ErrorCode::kRequestTimeout:
    case ErrorCode::kUpstreamTimeout:
      return GrpcStatus::kDeadlineExceeded;
    case ErrorCode::kUpstreamUnreachable:
    case ErrorCode::kUpstreamBroken:
    case ErrorCode::kMaintenance:
    case ErrorCode::kOverloaded:
    case ErrorCode::kUnavailable:
      return GrpcStatus::kUnavailable;
    case ErrorCode::kMalformedRequest:
    case ErrorCode::kAmbiguousFraming:
    case ErrorCode::kMalformedPath:
    case ErrorCode::kMalformedHost:
    case ErrorCode::kMalformedContent:
    case ErrorCode::kMalformedUpgrade:
    case ErrorCode::kExpectationFailed:
    case ErrorCode::kInternal:
    case ErrorCode::kBadConfig:
    case ErrorCode::kMachine:
    case ErrorCode::kClosed:
    case ErrorCode::kTimeout:
    case ErrorCode::kCancelled:
      return GrpcStatus::kInternal;
  }
  return GrpcStatus::kInternal;
}

GrpcStatus grpc_status(StreamEnd why) noexcept {
  switch (why) {
    case StreamEnd::kDeadline:
      return GrpcStatus::kDeadlineExceeded;
    case StreamEnd::kExpired:
    case StreamEnd::kRevoked:
      return GrpcStatus::kUnauthenticated;
    case StreamEnd::kClient:
    case StreamEnd::kUpstream:
    case StreamEnd::kMaximumAge:
    case StreamEnd::kIdle:
    case StreamEnd::kShutdown:
      return GrpcStatus::kUnavailable;
  }
  return GrpcStatus::kUnavailable;
}

Result<std::chrono::nanoseconds> parse_grpc_timeout(std::string_view text) {
  constexpr std::size_t kMostDigits = 8;
  const auto malformed = [] {
    return refuse(ErrorCode::kMalformedRequest,
                  "grpc-timeout is not up to eight digits and a unit of time");
  };
  if (text.size() < 2 || text.size() > kMostDigits + 1) return malformed();
  std::int64_t number = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return malformed();
    number = number * 10 + (c - '0');
  }
  switch (text.back()) {
    case 'H':  // 99,999,999 hours are more nanoseconds than there are
      return std::chrono::hours(std::min<std::int64_t>(number, 1'000'000));
    case 'M':
      return std::chrono::minutes(number);
    case 'S':
      return std::chrono::seconds(number);
    case 'm':
      return std::chrono::milliseconds(number);
    case 'u':
      return std::chrono::microseconds(number);
    case 'n':
      return std::chrono::nanoseconds(number);
    default:
      return malformed();
  }
}

Result<std::optional<GrpcCall>> find_grpc_call(http::Exchange& exchange,
                                               const config::Streams& settings,
                                               const authn::Identity* identity,
                                               std::chrono::milliseconds bound) {
  if (!is_grpc(exchange.request())) return std::nullopt;
  GrpcCall call{stream_limit(exchange, settings, identity), {}};
  const http::Fields& fields = exchange.request().fields;
  const http::Field* said = fields.find(kTimeoutField);
  if (said == nullptr) return call;
  if (fields.count(kTimeoutField) > 1)
    return refuse(ErrorCode::kMalformedRequest, "more than one grpc-timeout");
  PC_TRY(const std::chrono::nanoseconds asked, parse_grpc_timeout(said->value));
  // Finer than the clock of the loop nobody is served.
  const auto kept = std::min(bound, std::chrono::ceil<std::chrono::milliseconds>(asked));
  const TimePoint deadline = exchange.started() + kept;
  if (deadline < call.limit.at) call.limit = {deadline, StreamEnd::kDeadline};
  char text[24];
  constexpr std::int64_t kMostOfAUnit = 99'999'999;
  const bool fine = kept.count() <= kMostOfAUnit;
  char* end =
      std::to_chars(text, text + sizeof text - 1,
                    fine ? kept.count() : std::chrono::floor<std::chrono::seconds>(kept).count())
          .ptr;
  *end++ = fine ? 'm' : 'S';
  call.timeout = exchange.arena().copy({text, static_cast<std::size_t>(end - text)});
  return call;
}

void add_grpc_status(http::Fields& to, GrpcStatus status, std::string_view message, Arena& arena) {
  to.add("grpc-status", number_text(status));
  if (!message.empty()) to.add("grpc-message", arena.copy(percent_encode(message)));
}

}  // namespace portcullis::gateway
