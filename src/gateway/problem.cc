#include "gateway/problem.h"

#include "json/writer.h"

namespace portcullis::gateway {

ProblemKind problem_kind(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kMalformedRequest:
      return {400, "malformed-request", "The request is not well-formed HTTP."};
    case ErrorCode::kAmbiguousFraming:
      return {400, "ambiguous-framing",
              "The length of the request can be read in more than one way."};
    case ErrorCode::kMalformedPath:
      return {400, "malformed-path",
              "The path or query is malformed or can be read in more than one way."};
    case ErrorCode::kMalformedHost:
      return {400, "malformed-host", "The host is missing or malformed."};
    case ErrorCode::kMalformedContent:
      return {400, "malformed-content", "The body cannot be decoded."};
    case ErrorCode::kMalformedUpgrade:
      return {400, "malformed-upgrade", "The request to switch to another protocol is malformed."};
    case ErrorCode::kAmbiguousCredentials:
      return {400, "ambiguous-credentials",
              "The request carries more than one set of credentials."};
    case ErrorCode::kCredentialsMissing:
      return {401, "credentials-missing", "Credentials are needed."};
    case ErrorCode::kCredentialsInvalid:
      return {401, "credentials-invalid", "The credentials are not valid here, or not any more."};
    case ErrorCode::kForbidden:
      return {403, "forbidden", "The caller may not do this."};
    case ErrorCode::kBanned:
      return {403, "banned", "The caller is refused for a time."};
    case ErrorCode::kAddressNotAllowed:
      return {403, "address-not-allowed", "Calls from this address are not allowed."};
    case ErrorCode::kOriginNotAllowed:
      return {403, "origin-not-allowed", "Pages of this origin may not do this."};
    case ErrorCode::kNotFound:
      return {404, "not-found", "There is nothing at this address."};
    case ErrorCode::kMethodNotAllowed:
      return {405, "method-not-allowed", "The method is not allowed at this address."};
    case ErrorCode::kRequestTimeout:
      return {408, "request-timeout", "The request did not arrive in time."};
    case ErrorCode::kContentTooLarge:
      return {413, "content-too-large", "The body is larger than is allowed here."};
    case ErrorCode::kUriTooLong:
      return {414, "uri-too-long", "The address is longer than is allowed here."};
    case ErrorCode::kUnsupportedCoding:
      return {415, "unsupported-coding", "The coding of the body is not accepted here."};
    case ErrorCode::kExpectationFailed:
      return {417, "expectation-failed", "The expectation cannot be met."};
    case ErrorCode::kMisdirected:
      return {421, "misdirected", "This host is not served here."};
    case ErrorCode::kHeadTooLarge:
      return {431, "head-too-large",
              "The fields of the request are more or larger than is allowed here."};
    case ErrorCode::kRateLimited:
      return {429, "rate-limited", "Too many requests."};
    case ErrorCode::kNotImplemented:
      return {501, "not-implemented", "The request needs something that is not supported."};
    case ErrorCode::kVersionNotSupported:
      return {505, "version-not-supported", "The version of HTTP is not supported."};
    case ErrorCode::kUpstreamUnreachable:
      return {502, "upstream-unreachable", "The service behind the gateway cannot be reached."};
    case ErrorCode::kUpstreamBroken:
      return {502, "upstream-broken", "The service behind the gateway gave no usable answer."};
    case ErrorCode::kUpstreamTimeout:
      return {504, "upstream-timeout", "The service behind the gateway did not answer in time."};
    case ErrorCode::kMaintenance:
      return {503, "maintenance", "The service is down for maintenance."};
    case ErrorCode::kOverloaded:
      return {503, "overloaded", "There is more to do than can be done at the moment."};
    case ErrorCode::kUnavailable:
      return {503, "unavailable", "The service is not available at the moment."};
    case ErrorCode::kInternal:
    case ErrorCode::kBadConfig:
    case ErrorCode::kMachine:
      return {500, "internal", "The gateway failed."};
    case ErrorCode::kClosed:
    case ErrorCode::kTimeout:
    case ErrorCode::kCancelled:
      return {499, "client-gone", "The client has gone."};
  }
  return {500, "internal", "The gateway failed."};
}

std::string problem_document(const ProblemKind& kind, std::string_view request_id) {
  std::string document;
  json::Writer writer(document);
  writer.begin_object();
  writer.field("type", std::string("urn:portcullis:problem:").append(kind.slug));
  writer.field("title", kind.title).field("status", kind.status).field("request_id", request_id);
  writer.end_object();
  document += '\n';
  return document;
}

}  // namespace portcullis::gateway
