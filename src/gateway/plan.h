// Everything that one route decides by, compiled: nothing is looked up by name while a request
// runs.
#pragma once

#include "authn/authentication.h"
#include "authz/roles.h"
#include "coding/bounded.h"
#include "coding/coding.h"
#include "config/config.h"
#include "gateway/shape.h"
#include "overload/concurrency_gate.h"
#include "ratelimit/limiter.h"
#include "telemetry/metrics.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace portcullis::gateway {

// One field that tells the upstream who is calling.
struct IdentityField {
  enum class Source : std::uint8_t {
    kSubject,
    kAuthenticator,
    kIssuer,
    kRoles,
    kScopes,
    kKey,
    kClaim
  };
  std::string name;  // lower case
  Source source = Source::kSubject;
  std::string claim;  // for kClaim
};

struct ForwardPlan {
  bool keep_authorization = false;
  config::ForwardCertificate client_certificate = config::ForwardCertificate::kNone;
  std::vector<IdentityField> identity;
  // Names that never go on: credentials of ours, and what a client must not say in our place. Lower
  // case, with `-` for `_`: a client's name is compared in that form.
  std::vector<std::string> removed;
  std::uint64_t removed_known = 0;  // bit i: the field of that FieldId, which stands in `removed`
  // The same for cookies, and for parameters of the query.
  std::vector<std::string> removed_cookies;
  std::vector<std::string> removed_parameters;
};

// What becomes of the codings of bodies.
struct CodingPlan {
  std::vector<coding::Coding> responses;  // to compress with, the preferred one first
  config::CodedBody requests = config::CodedBody::kPass;
  coding::DecodeBounds bounds;  // for kDecode
};

struct PlanMetrics {
  telemetry::CounterId by_class[5];  // index = status / 100 - 1; of 1xx, only 101 is final
  telemetry::HistogramId seconds;
};

struct Plan {
  explicit Plan(authn::Door admitted) : door(std::move(admitted)) {}

  std::string api;
  std::string operation;       // `getOrder`
  std::string full_operation;  // `shop.getOrder`
  std::string source;          // where the route is written: `portcullis.yaml:88`
  authn::Door door;
  bool reads_certificate = false;  // to know the caller by, or to show to the upstream
  ratelimit::Limiter limits;
  const authz::OperationPermit* permit = nullptr;
  ForwardPlan forward;
  Shape shape;
  std::string upstream_name;
  std::size_t upstream = 0;  // index into Snapshot::upstreams
  std::chrono::milliseconds timeout{30'000};
  std::uint64_t body_size = 0;
  std::uint32_t retries = 0;
  config::Priority priority = config::Priority::kNormal;
  std::vector<overload::ConcurrencyGate>
      gates;  // of the API and of the operation, where they have one
  std::optional<overload::ConcurrencyGate> upstream_gate;
  CodingPlan coding;
  std::vector<std::string> upgrades;  // protocols that may be switched to, lower case
  PlanMetrics metrics;
};

}  // namespace portcullis::gateway
