// Step 11: the request to an upstream, and its answer back, both streaming.
#pragma once

#include "base/arena.h"
#include "base/ip.h"
#include "gateway/account.h"
#include "gateway/answer_fields.h"
#include "gateway/plan.h"
#include "http/exchange.h"
#include "ratelimit/limiter.h"
#include "upstream/upstream.h"

#include <span>
#include <string_view>

namespace portcullis::gateway {

struct Forwarding {
  http::Exchange& exchange;
  const Plan& plan;
  std::string_view path;  // what the upstream gets
  const AnswerFields& fields;
  std::span<const Cidr> trusted_proxies;
  upstream::Upstream& upstream;
  Account& account;
  const ratelimit::Verdict& verdict;
  telemetry::HistogramId seconds;
  Ledger& ledger;
};

// Forwards and answers. After an error the exchange has been answered as far as response_status()
// says: when it is 0, nothing has, and the error can be told; else the answer was cut short.
Task<Result<void>> forward(Forwarding& forwarding);

// RateLimit, RateLimit-Policy and Retry-After, when a limit was asked.
void add_limit_fields(http::Fields& fields, const ratelimit::Verdict& verdict, Arena& arena);

}  // namespace portcullis::gateway
