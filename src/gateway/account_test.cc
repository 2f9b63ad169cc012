#include "gateway/account.h"

#include <gtest/gtest.h>

#include <future>

namespace portcullis::gateway {
namespace {

const std::string kUpstream = "orders";

TEST(Ledger, CountsFailuresAndRetriesOfAnUpstreamOnceTheyHappen) {
  telemetry::Registry registry;
  Ledger ledger(registry, nullptr);
  EXPECT_FALSE(registry.scrape().contains("portcullis_upstream"));
  ledger.count_upstream_failure(kUpstream, ErrorCode::kUpstreamTimeout);
  ledger.count_upstream_failure(kUpstream, ErrorCode::kUpstreamTimeout);
  ledger.count_upstream_failure("carts", ErrorCode::kUpstreamBroken);
  EXPECT_FALSE(registry.scrape().contains("portcullis_upstream_retries_total"));
  ledger.count_upstream_retry(kUpstream);
  const std::string page = registry.scrape();
  for (const std::string_view line : {
           R"(portcullis_upstream_failures_total{type="upstream-timeout",upstream="orders"} 2)",
           R"(portcullis_upstream_failures_total{type="upstream-broken",upstream="carts"} 1)",
           R"(portcullis_upstream_retries_total{upstream="orders"} 1)",
       }) {
    EXPECT_TRUE(page.contains(line)) << line << '\n' << page;
  }
  EXPECT_FALSE(page.contains(R"(retries_total{upstream="carts"})"));
}

// An upstream that is down fails every request: to count that must not make the workers wait for
// one another.
TEST(Ledger, WaitsForNoMutexToCountWhatItHasCounted) {
  telemetry::Registry registry;
  Ledger ledger(registry, nullptr);
  const auto count = [&] {
    ledger.count_upstream_failure(kUpstream, ErrorCode::kUpstreamUnreachable);
    ledger.count_upstream_retry(kUpstream);
  };
  count();
  std::future<void> counted;
  bool at_once = false;
  // Called under the registry's mutex.
  registry.gauge_callback("held", "Held.", {}, [&] {
    counted = std::async(std::launch::async, count);
    at_once = counted.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
    return 0;
  });
  (void)registry.scrape();
  EXPECT_TRUE(at_once);
}

}  // namespace
}  // namespace portcullis::gateway
