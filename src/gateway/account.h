// Step 13: what is known of one request when it has ended, its log line and its counts.
#pragma once

#include "authn/identity.h"
#include "base/ip.h"
#include "base/result.h"
#include "gateway/plan.h"
#include "gateway/request_id.h"
#include "gateway/shedding.h"
#include "gateway/step.h"
#include "gateway/streams.h"
#include "http/exchange.h"
#include "telemetry/counter_family.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace portcullis::gateway {

// One worker's book: where accounts are written.
class Ledger {
 public:
  Ledger(telemetry::Registry& registry, telemetry::LogSink* access_log);
  ~Ledger();

  // The access log of the next lines; null for none.
  void use_log(telemetry::LogSink* access_log);

  void count_answer(const Plan* plan, int status);
  void count_time(const Plan* plan, std::uint64_t microseconds);
  void count_refusal(const Plan* plan, Step step, ErrorCode code);
  void count_upstream_failure(const std::string& upstream, ErrorCode code);
  void count_upstream_retry(const std::string& upstream);
  // `now` as logs write it, made anew once a millisecond; valid until the next call.
  [[nodiscard]] std::string_view time_text(WallTime now);
  [[nodiscard]] telemetry::LogBuffer* log() { return log_ ? &*log_ : nullptr; }
  [[nodiscard]] telemetry::Shard& shard() { return *shard_; }
  [[nodiscard]] telemetry::Registry& registry() { return registry_; }

 private:
  struct UpstreamCounters {
    telemetry::CounterFamily failures;
    std::optional<telemetry::CounterId> retries;
  };
  UpstreamCounters& counters_of(const std::string& upstream);

  telemetry::Registry& registry_;
  telemetry::ShardHandle shard_;
  PlanMetrics unrouted_;
  std::unordered_map<std::uint64_t, telemetry::CounterId>
      refusals_;  // by series of the route, step and code
  std::map<std::string, UpstreamCounters, std::less<>> upstreams_;
  WallTime time_of_text_{};
  std::string time_text_;
  std::optional<telemetry::LogBuffer> log_;
};

class Account {
 public:
  Account(http::Exchange& exchange, Ledger& ledger, std::string_view listener,
          std::uint64_t revision)
      : exchange_(exchange), ledger_(ledger), listener_(listener), revision_(revision) {}
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;
  ~Account() { write(); }

  // Filled in on the request's way.
  Step step = Step::kRead;
  const Plan* plan = nullptr;
  authn::IdentityRef identity;
  IpAddress client;
  std::string_view request_id;                   // of the arena
  const std::string* upstream_target = nullptr;  // lives as long as the worker's upstream
  std::string_view upgrade;        // the protocol that is asked for and permitted; of the plan
  std::optional<StreamEnd> ended;  // of a stream: why it is over
  Passing passing;                 // through what holds requests back from the upstream

  // The client's address in text, made once; of the arena.
  [[nodiscard]] std::string_view client_text();

  [[nodiscard]] const http::Exchange& exchange() const { return exchange_; }

  // The request was refused, or failed, at the step in hand.
  const Error& refuse(Error error);

 private:
  // The part of the configuration that decided, where the step itself did not name one.
  [[nodiscard]] std::string rule_of_step(const Error& error) const;
  void write();
  void write_line(telemetry::LogBuffer& log, int status, std::uint64_t microseconds);

  http::Exchange& exchange_;
  Ledger& ledger_;
  std::string_view listener_;
  std::uint64_t revision_;
  std::optional<Error> refusal_;
  std::string_view client_text_;
};

}  // namespace portcullis::gateway
