// Refusals as the client sees them: RFC 9457 problem documents. One table for all of them;
// docs/problems.md explains each type to callers.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace portcullis::gateway {

struct ProblemKind {
  int status = 500;
  std::string_view slug;   // the last part of the type, `urn:portcullis:problem:<slug>`
  std::string_view title;  // the same for every occurrence (RFC 9457 3.1.3)
};

[[nodiscard]] ProblemKind problem_kind(ErrorCode code) noexcept;

// The document. It says nothing of why: details are for the log, which the request's id leads to.
[[nodiscard]] std::string problem_document(const ProblemKind& kind, std::string_view request_id);

inline constexpr std::string_view kProblemMediaType = "application/problem+json";

}  // namespace portcullis::gateway
