// Answers of the gateway's own that are no refusals: `respond` and `redirect`, preflights, and the
// way to https.
#pragma once

#include "base/result.h"
#include "gateway/account.h"
#include "gateway/shape.h"
#include "http/exchange.h"

#include <string_view>

namespace portcullis::gateway {

// Fills the head with what the configuration says, and returns the body.
std::string_view fill_own_answer(const Shape& shape, http::Exchange& exchange, Account& account,
                                 http::Response& head);

// Errors: kOriginNotAllowed.
[[nodiscard]] Result<void> fill_preflight(const Shape& shape, const http::Exchange& exchange,
                                          http::Response& head);

// 503 for an API that is down on purpose: its fields, and its body where it has one of its own.
struct MaintenanceAnswer {
  std::string_view retry_after;
  std::string_view body;  // empty: the problem document
  std::string_view content_type;
};
[[nodiscard]] MaintenanceAnswer maintenance_answer(const config::Maintenance& maintenance,
                                                   Arena& arena);

}  // namespace portcullis::gateway
