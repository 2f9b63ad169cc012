#include "gateway/account.h"

#include "gateway/problem.h"
#include "json/writer.h"
#include "telemetry/diagnostic_log.h"

#include <algorithm>
#include <array>

namespace portcullis::gateway {
namespace {

PlanMetrics unrouted_metrics(telemetry::Registry& registry) {
  PlanMetrics metrics;
  constexpr std::array<std::string_view, 5> kClasses = {"1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 2; i < kClasses.size(); ++i) {
    metrics.by_class[i] =
        registry.counter("portcullis_requests_total", "Answers sent, by class of status.",
                         {{"api", ""}, {"operation", ""}, {"status", kClasses[i]}});
  }
  metrics.by_class[0] = metrics.by_class[1] = metrics.by_class[4];
  metrics.seconds = registry.histogram(
      "portcullis_request_seconds", "From the first byte of a request to the last of its answer.",
      {{"api", ""}, {"operation", ""}});
  return metrics;
}

}  // namespace

Ledger::Ledger(telemetry::Registry& registry, telemetry::LogSink* access_log)
    : registry_(registry), shard_(registry.open_shard()), unrouted_(unrouted_metrics(registry)) {
  use_log(access_log);
}

Ledger::~Ledger() = default;

void Ledger::use_log(telemetry::LogSink* access_log) {
  log_.reset();
  if (access_log != nullptr) log_.emplace(*access_log);
}

void Ledger::count_answer(const Plan* plan, int status) {
  const PlanMetrics& metrics = plan != nullptr ? plan->metrics : unrouted_;
  const int index = std::clamp(status / 100 - 1, 0, 4);
  shard_->add(metrics.by_class[index]);
}

void Ledger::count_time(const Plan* plan, std::uint64_t microseconds) {
  shard_->observe((plan != nullptr ? plan->metrics : unrouted_).seconds, microseconds);
}

// Registered when it first happens, since most pairs of step and type never do.
void Ledger::count_refusal(const Plan* plan, Step step, ErrorCode code) {
  const PlanMetrics& metrics = plan != nullptr ? plan->metrics : unrouted_;
  const std::uint64_t key = static_cast<std::uint64_t>(metrics.seconds.slot) << 16 |
                            static_cast<std::uint64_t>(step) << 8 |
                            static_cast<std::uint64_t>(code);
  auto found = refusals_.find(key);
  if (found == refusals_.end()) {
    const std::string_view api = plan != nullptr ? std::string_view(plan->api) : std::string_view{};
    const std::string_view operation =
        plan != nullptr ? std::string_view(plan->operation) : std::string_view{};
    const telemetry::CounterId id =
        registry_.counter("portcullis_refusals_total",
                          "Refusals, by the step that refused and the type of the problem.",
                          {{"api", api},
                           {"operation", operation},
                           {"step", step_name(step)},
                           {"type", problem_kind(code).slug}});
    found = refusals_.emplace(key, id).first;
  }
  shard_->add(found->second);
}

Ledger::UpstreamCounters& Ledger::counters_of(const std::string& upstream) {
  const auto found = upstreams_.find(upstream);
  if (found != upstreams_.end()) return found->second;
  telemetry::CounterFamily failures(registry_, "portcullis_upstream_failures_total",
                                    "Attempts at an upstream that failed.", {"upstream", upstream},
                                    "type");
  return upstreams_.emplace(upstream, UpstreamCounters{std::move(failures), std::nullopt})
      .first->second;
}

void Ledger::count_upstream_failure(const std::string& upstream, ErrorCode code) {
  shard_->add(counters_of(upstream).failures.of(problem_kind(code).slug));
}

void Ledger::count_upstream_retry(const std::string& upstream) {
  std::optional<telemetry::CounterId>& retries = counters_of(upstream).retries;
  if (!retries) {
    retries = registry_.counter(
        "portcullis_upstream_retries_total",
        "Requests sent again, since the first attempt was certainly not processed.",
        {{"upstream", upstream}});
  }
  shard_->add(*retries);
}

std::string_view Ledger::time_text(WallTime now) {
  const auto millisecond = std::chrono::floor<std::chrono::milliseconds>(now);
  if (millisecond != time_of_text_ || time_text_.empty()) {
    time_text_ = telemetry::format_time(millisecond);
    time_of_text_ = millisecond;
  }
  return time_text_;
}

std::string Account::rule_of_step(const Error& error) const {
  if (step == Step::kRead || step == Step::kRoute || plan == nullptr)
    return std::string("listeners.").append(listener_);
  if (step == Step::kAuthenticate) return "apis." + plan->api + ".authenticate";
  if (step == Step::kValidate || error.code == ErrorCode::kContentTooLarge)
    return "apis." + plan->api + ".body_size";
  if (error.source == ErrorSource::kUpstream) return "upstreams." + plan->upstream_name;
  return "apis." + plan->api;
}

const Error& Account::refuse(Error error) {
  if (error.rule.empty()) error.rule = rule_of_step(error);
  return refusal_.emplace(std::move(error));
}

void Account::write() {
  const auto elapsed = exchange_.loop().now() - exchange_.started();
  const auto microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count()));
  constexpr int kClientGone = 499;  // nothing was sent, since nobody was there
  const int status = exchange_.response_status() != 0 ? exchange_.response_status() : kClientGone;
  ledger_.count_answer(plan, status);
  // How long a stream lasted says nothing of how fast the answers are.
  if (!ended) [[likely]]
    ledger_.count_time(plan, microseconds);
  if (refusal_) ledger_.count_refusal(plan, step, refusal_->code);
  if (telemetry::LogBuffer* log = ledger_.log(); log != nullptr)
    write_line(*log, status, microseconds);
}

std::string_view Account::client_text() {
  if (!client_text_.empty()) return client_text_;
  return client_text_ = exchange_.arena().copy(client.to_string());
}

// The query is left out on purpose: people put tokens in it.
void Account::write_line(telemetry::LogBuffer& log, int status, std::uint64_t microseconds) {
  const http::Request& request = exchange_.request();
  json::Writer line(log.line());
  line.begin_object();
  line.field("time", ledger_.time_text(exchange_.loop().wall_now()));
  line.field("request_id", request_id).field("revision", revision_).field("listener", listener_);
  line.field("client", client_text()).field("http", exchange_.connection().version());
  line.field("method", request.method_text).field("path", request.path);
  if (plan != nullptr) line.field("api", plan->api).field("operation", plan->operation);
  line.field("status", status).field("duration_us", microseconds);
  line.field("bytes_in", exchange_.body_bytes_in()).field("bytes_out", exchange_.body_bytes_out());
  if (identity && !identity->subject.empty()) {
    line.field("authenticator", identity->authenticator).field("subject", identity->subject);
  }
  if (upstream_target != nullptr) line.field("upstream", *upstream_target);
  if (!upgrade.empty()) line.field("upgrade", upgrade);
  if (ended) line.field("ended", stream_end_name(*ended));
  if (refusal_) {
    line.key("refusal").begin_object();
    line.field("step", step_name(step)).field("type", problem_kind(refusal_->code).slug);
    line.field("rule", refusal_->rule).field("reason", refusal_->detail).end_object();
  }
  line.end_object();
  log.commit(exchange_.loop().now());
}

}  // namespace portcullis::gateway
