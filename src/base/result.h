// Errors as values. Nothing in this project throws; wrappers at the edges turn exceptions into
// these.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace portcullis {

// What went wrong, as a closed set. gateway/problem.cc maps each one to a status and a problem
// type; the switch there has no default, so that a new code cannot be forgotten.
enum class ErrorCode : std::uint8_t {
  // What the client sent (4xx).
  kMalformedRequest,  // 400: breaks RFC 9110 or 9112
  kAmbiguousFraming,  // 400: Content-Length and Transfer-Encoding that two readers could disagree
                      // about
  kMalformedPath,     // 400: a request target that has no single meaning
  kMalformedHost,     // 400: Host missing, repeated or not a host
  kMalformedContent,  // 400: a coded body that cannot be decoded
  kMalformedUpgrade,  // 400: asks to switch protocols in a way that the protocol forbids
  kAmbiguousCredentials,  // 400: credentials of more than one kind (RFC 6750 3.1 invalid_request)
  kCredentialsMissing,    // 401
  kCredentialsInvalid,    // 401
  kForbidden,             // 403
  kAddressNotAllowed,     // 403: from where one may not call
  kBanned,                // 403: refused for a time, for what came before
  kOriginNotAllowed,      // 403: a preflight or an upgrade of an origin that may not
  kNotFound,              // 404: no route
  kMethodNotAllowed,      // 405
  kRequestTimeout,        // 408
  kContentTooLarge,       // 413
  kUriTooLong,            // 414
  kUnsupportedCoding,     // 415: a Content-Encoding that is not accepted here
  kExpectationFailed,     // 417
  kMisdirected,           // 421: a host that this listener does not serve
  kHeadTooLarge,          // 431
  kRateLimited,           // 429
  kNotImplemented,        // 501: a transfer coding or method that is not supported
  kVersionNotSupported,   // 505
  // What the upstream did (502, 503, 504).
  kUpstreamUnreachable,  // 502: no connection could be made
  kUpstreamBroken,       // 502: the connection ended, or the answer breaks RFC 9112
  kUpstreamTimeout,      // 504
  kMaintenance,          // 503: taken down on purpose
  kOverloaded,           // 503: as much is under way as there may be
  kUnavailable,          // 503: no target, keys of the issuer unknown, shutting down
  // Ourselves.
  kInternal,   // 500
  kBadConfig,  // never reaches a client
  kMachine,    // a system call failed: files, sockets, memory
  // I/O of one connection; never reaches a client as such.
  kClosed,     // the peer closed or reset the connection
  kTimeout,    // a deadline passed
  kCancelled,  // we stopped waiting: shutdown, or the scope ended
};

enum class ErrorSource : std::uint8_t { kClient, kUpstream, kInternal };

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  ErrorSource source = ErrorSource::kInternal;
  std::string detail;  // safe to log: never holds a secret or a token; never sent to a client
  std::string rule;  // which configured rule decided (`limits.flood`, `authenticators.corporate`);
                     // may be empty
};

template <typename T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string detail,
                                                 ErrorSource source = ErrorSource::kInternal,
                                                 std::string rule = {}) {
  return std::unexpected(Error{code, source, std::move(detail), std::move(rule)});
}

// The client is at fault: what most parsers of the network say.
[[nodiscard]] inline std::unexpected<Error> refuse(ErrorCode code, std::string detail,
                                                   std::string rule = {}) {
  return std::unexpected(Error{code, ErrorSource::kClient, std::move(detail), std::move(rule)});
}

}  // namespace portcullis

#define PC_CONCAT_INNER(a, b) a##b
#define PC_CONCAT(a, b) PC_CONCAT_INNER(a, b)

// PC_TRY(declaration, expression): declares from the value of a Result, or returns its error.
#define PC_TRY(declaration, ...) \
  PC_TRY_INNER(return, PC_CONCAT(pc_result_, __LINE__), declaration, __VA_ARGS__)
#define PC_CO_TRY(declaration, ...) \
  PC_TRY_INNER(co_return, PC_CONCAT(pc_result_, __LINE__), declaration, __VA_ARGS__)
#define PC_TRY_INNER(leave, name, declaration, ...)          \
  auto&& name = __VA_ARGS__;                                 \
  if (!name) leave std::unexpected(std::move(name).error()); \
  declaration = *std::move(name)

// PC_CHECK_OK(expression): returns the error of a Result<void>, if it has one.
#define PC_CHECK_OK(...)                                   \
  do {                                                     \
    if (auto&& pc_check = __VA_ARGS__; !pc_check)          \
      return std::unexpected(std::move(pc_check).error()); \
  } while (false)
#define PC_CO_CHECK(...)                                                   \
  do {                                                                     \
    auto&& pc_check = __VA_ARGS__;                                         \
    if (!pc_check) co_return std::unexpected(std::move(pc_check).error()); \
  } while (false)
